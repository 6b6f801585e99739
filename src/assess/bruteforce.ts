/** Many short log-ins at one service: each connection says something, is answered briefly, and ends. */

import { grown } from '../model/channels.ts'
import type { Evidence } from '../model/evidence.ts'
import { beginsFlow, type FlowBatch, Mark, Proto } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { createByChannel, NEVER, UNKNOWN } from './by-channel.ts'
import { type Detector, saySpan, sweep } from './detector.ts'
import type { Ends } from './ends.ts'
import { loginService } from './login-services.ts'

const SPAN_MS = 300_000
const HALF_LIFE_MS = 1_800_000

/** A port check says nothing and hears nothing (or a banner): three packets each way carry no log-in. */
const LEAST_PER_FLOW = 100
/** Rows, far above any threshold; half of them are dropped when there are more. */
const MAX_KEPT = 2_048

/** No service asks for fewer (login-services.ts). */
const LEAST_STARTS = 20

type Attempts = {
  readonly source: number
  readonly target: number
  readonly port: number
  /** Starts before it is worth a look. */
  readonly least: number
  isNews: boolean
  /** The place of `Hot` in the array of what rows change. */
  readonly at: number
  /** Pairs: when it began, and how many did (a row may stand for many: near enough for a span of minutes). */
  readonly starts: number[]
}

/**
 * What every row changes, side by side in one array. Starts up to `since` do not count any more; they are dropped when
 * somebody asks, or there are too many. Flows and bytes are over the same attempts, from the last time there were none.
 * The newest pairs wait here and go to the list together.
 */
const Hot = { last: 0, since: 1, flows: 2, bytesOut: 3, bytesIn: 4, isProven: 5, count: 6, few: 7, starts: 8 } as const
const FEW = 8
const STRIDE = Hot.starts + FEW * 2

export function createBruteforce(options: { readonly maxKeys?: number } = {}): Detector {
  const maxKeys = options.maxKeys ?? 32_768
  /** (source, target, port) → place in `held` */
  const numbers = createTripleTable(maxKeys)
  const held: Attempts[] = []
  const news = new Set<Attempts>()
  const byChannel = createByChannel()
  let hot: Float64Array = new Float64Array(0)
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
      at: number * STRIDE,
      starts: [],
    }
    hot = grown(hot, 2 ** Math.ceil(Math.log2((number + 1) * STRIDE)))
    hot.fill(0, number * STRIDE, (number + 1) * STRIDE)
    held[number] = attempts
    return number
  }

  return {
    name: 'bruteforce',
    spanMs: SPAN_MS,
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
        const number = places[channel]! - 1
        observe(hot, number * STRIDE, held, batch, row)
        if (hot[number * STRIDE + Hot.count]! < LEAST_STARTS) continue
        const attempts = held[number]!
        if (attempts.isNews || hot[number * STRIDE + Hot.count]! < attempts.least) continue
        attempts.isNews = true
        news.add(attempts)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const attempts of news) {
        attempts.isNews = false
        const evidence = judge(hot, attempts, ends)
        if (evidence !== null) found.push(evidence)
      }
      news.clear()
      return found
    },
    forget: (before, after = Number.POSITIVE_INFINITY) =>
      sweep(numbers, held, news, ({ at }) => hot[at + Hot.last]! >= before && hot[at + Hot.last]! <= after),
    drop: (sources) => sweep(numbers, held, news, ({ source }) => !sources.has(source)),
  }
}

function observe(hot: Float64Array, at: number, held: readonly Attempts[], batch: FlowBatch, row: number): void {
  const before = hot[at + Hot.last]!
  const last = Math.max(before, batch.end[row]!)
  hot[at + Hot.last] = last
  if (beginsFlow(batch, row)) {
    const start = batch.start[row]!
    // A quiet while ends one series of attempts; the next is judged by its own sizes.
    if (start - before > SPAN_MS || hot[at + Hot.count] === 0) {
      held[at / STRIDE]!.starts.length = 0
      hot.fill(0, at + Hot.flows, at + Hot.isProven)
      hot.fill(0, at + Hot.count, at + Hot.starts)
    }
    hot[at + Hot.since] = last - SPAN_MS
    if (hot[at + Hot.few] === FEW) keepStarts(hot, held[at / STRIDE]!)
    const free = at + Hot.starts + hot[at + Hot.few]! * 2
    hot[free] = start
    hot[free + 1] = batch.flows[row]!
    hot[at + Hot.few]!++
    hot[at + Hot.count]! += batch.flows[row]!
    hot[at + Hot.flows]! += batch.flows[row]!
  }
  hot[at + Hot.bytesOut]! += batch.bytesOut[row]!
  hot[at + Hot.bytesIn]! += batch.bytesIn[row]!
  if ((batch.marks[row]! & (Mark.handshake | Mark.antispoofed)) !== 0) hot[at + Hot.isProven] = 1
}

function keepStarts(hot: Float64Array, attempts: Attempts): void {
  const { at, starts } = attempts
  const from = at + Hot.starts
  for (let i = 0; i < hot[at + Hot.few]! * 2; i++) starts.push(hot[from + i]!)
  hot[at + Hot.few] = 0
  if (starts.length > MAX_KEPT * 2) forgetOld(hot, attempts, starts.length - MAX_KEPT)
}

/** What is no longer of the span goes, and so do the first `least` numbers of the list. */
function forgetOld(hot: Float64Array, { at, starts }: Attempts, least: number): void {
  const since = hot[at + Hot.since]!
  let [kept, count] = [0, 0]
  for (let i = least; i < starts.length; i += 2) {
    if (starts[i]! <= since) continue
    starts[kept++] = starts[i]!
    starts[kept++] = starts[i + 1]!
    count += starts[i + 1]!
  }
  starts.length = kept
  hot[at + Hot.count] = count
}

function judge(hot: Float64Array, attempts: Attempts, ends: Ends): Evidence | null {
  keepStarts(hot, attempts)
  forgetOld(hot, attempts, 0)
  const { at } = attempts
  const service = loginService(attempts.port)!
  const count = hot[at + Hot.count]!
  const outPerFlow = hot[at + Hot.bytesOut]! / hot[at + Hot.flows]!
  const inPerFlow = hot[at + Hot.bytesIn]! / hot[at + Hot.flows]!
  const isShort = Math.max(outPerFlow, inPerFlow) <= service.mostPerFlow
  const saysSomething = Math.min(outPerFlow, inPerFlow) >= LEAST_PER_FLOW
  if (count < service.least || !isShort || !saysSomething) return null
  const peer = `${ends.text(attempts.target)}:${attempts.port}`
  const begun = attempts.starts.filter((_, i) => i % 2 === 0)
  const spanMs = Math.max(...begun) - Math.min(...begun)
  return {
    kind: 'bruteforce',
    subject: ends.text(attempts.source),
    peer,
    // 2.0 at the threshold (σ(−0.6) = 0.35), one more per doubling, at most 4.5.
    weight: Math.min(4.5, 2 + Math.log2(count / service.least)),
    halfLifeMs: HALF_LIFE_MS,
    at: hot[at + Hot.last]!,
    authenticated: hot[at + Hot.isProven] === 1,
    source: 'detector bruteforce/1',
    why: `opened ${count} short ${service.name} sessions to ${peer} in ${saySpan(spanMs)}, about ${Math.round(outPerFlow)} bytes out and ${Math.round(inPerFlow)} in each`,
    figures: { sessions: count, spanMs, outPerFlow, inPerFlow, port: attempts.port },
  }
}
