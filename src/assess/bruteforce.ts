/** Many short log-ins at one service: each connection says something, is answered briefly, and ends. */
import type { Evidence } from '../model/evidence.ts'
import { beginsFlow, type FlowBatch, Mark, Proto } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { createByChannel, NEVER, UNKNOWN } from './by-channel.ts'
import { type Detector, saySpan } from './detector.ts'
import type { Ends } from './ends.ts'
import { loginService } from './login-services.ts'

const SPAN_MS = 300_000
const HALF_LIFE_MS = 1_800_000

/** A port check says nothing and hears nothing (or a banner): three packets each way carry no log-in. */
const LEAST_PER_FLOW = 100
/** Far above any threshold; half of them are dropped when there are more. */
const MAX_STARTS = 2_048

type Attempts = {
  readonly source: number
  readonly target: number
  readonly port: number
  /** Starts before it is worth a look. */
  readonly least: number
  isNews: boolean
  starts: number[]
  /** Those up to here do not count any more; they are dropped when somebody asks, or there are too many. */
  since: number
  /** Over the same attempts, from the last time the list was empty. */
  flows: number
  bytesOut: number
  bytesIn: number
  isProven: boolean
  last: number
}

export function createBruteforce(options: { readonly maxKeys?: number } = {}): Detector {
  const maxKeys = options.maxKeys ?? 32_768
  /** (source, target, port) → place in `held` */
  const numbers = createTripleTable(maxKeys)
  const held: Attempts[] = []
  const news = new Set<Attempts>()
  const byChannel = createByChannel()
  let refused = 0

  /** Its number; −1 = there is no room for it. */
  const attemptsOf = (source: number, target: number, port: number): number => {
    const known = numbers.find(source, target, port)
    if (known >= 0) return known
    const number = numbers.intern(source, target, port)
    if (number < 0) {
      refused++
      return -1
    }
    const attempts: Attempts = {
      source,
      target,
      port,
      least: loginService(port)!.least,
      isNews: false,
      starts: [],
      since: 0,
      flows: 0,
      bytesOut: 0,
      bytesIn: 0,
      isProven: false,
      last: 0,
    }
    held[number] = attempts
    return number
  }

  return {
    name: 'bruteforce',
    get held() {
      return numbers.size
    },
    get refused() {
      return refused
    },
    add(batch, ends) {
      const places = byChannel.of(ends)
      for (let row = 0; row < batch.count; row++) {
        const channel = ends.channel[row]!
        if (places[channel] === NEVER || ends.source[row]! < 0) continue
        if (places[channel] === UNKNOWN) {
          const port = batch.targetPort[row]!
          const isLogin = batch.proto[row] === Proto.tcp && loginService(port) !== null
          places[channel] = isLogin ? attemptsOf(ends.source[row]!, ends.target[row]!, port) + 1 : NEVER
          if (places[channel]! <= UNKNOWN) continue
        }
        const attempts = held[places[channel]! - 1]!
        observe(attempts, batch, row)
        if (attempts.isNews || attempts.starts.length < attempts.least) continue
        attempts.isNews = true
        news.add(attempts)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const attempts of news) {
        attempts.isNews = false
        const evidence = judge(attempts, ends)
        if (evidence !== null) found.push(evidence)
      }
      news.clear()
      return found
    },
    forget(before) {
      for (const attempts of news)
        if (attempts.last < before) {
          attempts.isNews = false
          news.delete(attempts)
        }
      numbers.sweep((number) => held[number]!.last >= before)
    },
  }
}

function observe(attempts: Attempts, batch: FlowBatch, row: number): void {
  attempts.last = Math.max(attempts.last, batch.end[row]!)
  if (beginsFlow(batch, row)) {
    // A quiet while ends one series of attempts; the next is judged by its own sizes.
    if (batch.start[row]! - attempts.last > SPAN_MS || attempts.starts.length === 0) {
      attempts.starts = []
      attempts.flows = 0
      attempts.bytesOut = 0
      attempts.bytesIn = 0
    }
    attempts.since = attempts.last - SPAN_MS
    if (attempts.starts.length >= MAX_STARTS) forgetOld(attempts)
    attempts.starts.push(batch.start[row]!)
    attempts.flows++
  }
  attempts.bytesOut += batch.bytesOut[row]!
  attempts.bytesIn += batch.bytesIn[row]!
  if ((batch.marks[row]! & (Mark.handshake | Mark.antispoofed)) !== 0) attempts.isProven = true
}

function forgetOld(attempts: Attempts): void {
  attempts.starts = attempts.starts.filter((start) => start > attempts.since).slice(-MAX_STARTS / 2)
}

function judge(attempts: Attempts, ends: Ends): Evidence | null {
  forgetOld(attempts)
  const service = loginService(attempts.port)!
  const count = attempts.starts.length
  const outPerFlow = attempts.bytesOut / attempts.flows
  const inPerFlow = attempts.bytesIn / attempts.flows
  const isShort = Math.max(outPerFlow, inPerFlow) <= service.mostPerFlow
  const saysSomething = Math.min(outPerFlow, inPerFlow) >= LEAST_PER_FLOW
  if (count < service.least || !isShort || !saysSomething) return null
  const peer = `${ends.text(attempts.target)}:${attempts.port}`
  const spanMs = Math.max(...attempts.starts) - Math.min(...attempts.starts)
  return {
    kind: 'bruteforce',
    subject: ends.text(attempts.source),
    peer,
    // 2.0 at the threshold (σ(−0.6) = 0.35), one more per doubling, at most 4.5.
    weight: Math.min(4.5, 2 + Math.log2(count / service.least)),
    halfLifeMs: HALF_LIFE_MS,
    at: attempts.last,
    authenticated: attempts.isProven,
    source: 'detector bruteforce/1',
    why: `opened ${count} short ${service.name} sessions to ${peer} in ${saySpan(spanMs)}, about ${Math.round(outPerFlow)} bytes out and ${Math.round(inPerFlow)} in each`,
    figures: { sessions: count, spanMs, outPerFlow, inPerFlow, port: attempts.port },
  }
}
