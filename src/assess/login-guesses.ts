/** Log-ins that a server refused, as its log or the wire tells: guessing, seen from the answers rather than from sizes. */
import type { Evidence } from '../model/evidence.ts'
import type { LoginHint } from '../model/hint.ts'
import { type Detector, pairKey, saySpan } from './detector.ts'
import type { Ends } from './ends.ts'

/** Slips calls 3 refused log-ins in 10 s guessing (modules/flowalerts/smtp.py); people mistype as fast, so it weighs little. */
const BURST = { least: 3, spanMs: 10_000, weight: 1.5 } as const
/** fail2ban bans after 5 in 10 min (jail.conf, maxretry and findtime). */
const SERIES = { least: 5, spanMs: 600_000, weight: 2 } as const
/** Without an outcome: as many as the rule over flows asks for (login-services.ts). */
const UNTOLD = { least: 20, spanMs: 300_000, weight: 2 } as const
const HALF_LIFE_MS = 1_800_000
const MAX_TIMES = 1_024

const NAMES: Readonly<Record<LoginHint['service'], string>> = {
  ssh: 'SSH',
  smtp: 'SMTP',
  ftp: 'FTP',
  http: 'HTTP',
  rdp: 'RDP',
  other: '',
}

type Guesses = {
  readonly source: number
  readonly target: number
  readonly port: number
  service: LoginHint['service']
  refused: number[]
  untold: number[]
  /** A log-in was accepted while the last series of refusals was fresh. */
  letInAt: number
  last: number
}

export function createLoginGuesses(options: { readonly maxKeys?: number } = {}): Detector {
  const maxKeys = options.maxKeys ?? 32_768
  const held = new Map<number, Map<number, Guesses>>()
  const news = new Set<Guesses>()
  let size = 0
  let refused = 0

  const guessesOf = (hint: LoginHint, source: number, target: number): Guesses | null => {
    const pair = pairKey(source, target)
    let ports = held.get(pair)
    const known = ports?.get(hint.targetPort)
    if (known !== undefined) return known
    if (size >= maxKeys) {
      refused++
      return null
    }
    size++
    const guesses: Guesses = {
      source,
      target,
      port: hint.targetPort,
      service: hint.service,
      refused: [],
      untold: [],
      letInAt: Number.NEGATIVE_INFINITY,
      last: 0,
    }
    if (ports === undefined) {
      ports = new Map()
      held.set(pair, ports)
    }
    ports.set(hint.targetPort, guesses)
    return guesses
  }
  const sweep = (isKept: (guesses: Guesses) => boolean) => {
    for (const [pair, ports] of held) {
      for (const [port, guesses] of ports) {
        if (isKept(guesses)) continue
        ports.delete(port)
        news.delete(guesses)
        size--
      }
      if (ports.size === 0) held.delete(pair)
    }
  }

  return {
    name: 'login-guesses',
    spanMs: SERIES.spanMs,
    get held() {
      return size
    },
    get refused() {
      return refused
    },
    add(batch, ends) {
      for (let i = 0; i < batch.hints.length; i++) {
        const hint = batch.hints[i]!
        if (hint.kind !== 'login' || ends.hintSource[i]! < 0) continue
        const guesses = guessesOf(hint, ends.hintSource[i]!, ends.hintTarget[i]!)
        if (guesses === null) continue
        observe(guesses, hint)
        news.add(guesses)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const guesses of news) {
        const judged = judge(guesses)
        if (judged !== null) found.push(toEvidence(guesses, judged, ends))
      }
      news.clear()
      return found
    },
    forget: (before, after = Number.POSITIVE_INFINITY) => sweep(({ last }) => last >= before && last <= after),
    drop: (sources) => sweep(({ source }) => !sources.has(source)),
  }
}

function observe(guesses: Guesses, hint: LoginHint): void {
  guesses.last = Math.max(guesses.last, hint.at)
  guesses.service = hint.service
  if (hint.outcome === 'accepted') {
    if (within(guesses.refused, SERIES.spanMs, hint.at).length >= SERIES.least) guesses.letInAt = hint.at
    return
  }
  const times = hint.outcome === 'refused' ? guesses.refused : guesses.untold
  times.push(hint.at)
  if (times.length > MAX_TIMES * 1.5) times.splice(0, times.length - MAX_TIMES)
}

const within = (times: readonly number[], spanMs: number, until: number) =>
  times.filter((at) => at > until - spanMs && at <= until)

type Judged = {
  readonly weight: number
  readonly count: number
  readonly spanMs: number
  readonly outcome: 'refused' | 'untold'
}

/** The strongest of the three rules; every doubling of a series adds half a log-odd, of a burst nothing. */
function judge(guesses: Guesses): Judged | null {
  const series = within(guesses.refused, SERIES.spanMs, guesses.last)
  if (series.length >= SERIES.least) {
    const weight = Math.min(4.5, SERIES.weight + Math.log2(series.length / SERIES.least) / 2)
    return { weight, ...lengthOf(series), outcome: 'refused' }
  }
  const burst = within(guesses.refused, BURST.spanMs, guesses.refused.at(-1) ?? 0)
  if (burst.length >= BURST.least) return { weight: BURST.weight, ...lengthOf(burst), outcome: 'refused' }
  const untold = within(guesses.untold, UNTOLD.spanMs, guesses.last)
  if (untold.length < UNTOLD.least) return null
  const weight = Math.min(4.5, UNTOLD.weight + Math.log2(untold.length / UNTOLD.least))
  return { weight, ...lengthOf(untold), outcome: 'untold' }
}

function lengthOf(times: readonly number[]) {
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const at of times) {
    first = Math.min(first, at)
    last = Math.max(last, at)
  }
  return { count: times.length, spanMs: last - first }
}

function toEvidence(guesses: Guesses, judged: Judged, ends: Ends): Evidence {
  const peer = `${ends.text(guesses.target)}:${guesses.port}`
  const service = NAMES[guesses.service] === '' ? '' : `${NAMES[guesses.service]} `
  const wasLetIn = guesses.letInAt > guesses.last - SERIES.spanMs
  const how =
    judged.outcome === 'refused'
      ? `was refused ${judged.count} ${service}log-ins`
      : `tried ${judged.count} ${service}log-ins`
  return {
    kind: 'bruteforce',
    subject: ends.text(guesses.source),
    peer,
    weight: Math.min(5, judged.weight + (wasLetIn ? 1 : 0)),
    halfLifeMs: HALF_LIFE_MS,
    at: guesses.last,
    // A server answers a log-in only after the handshake.
    authenticated: true,
    source: 'detector login-guesses/1',
    why: `${how} at ${peer} in ${saySpan(judged.spanMs)}${wasLetIn ? ', then was let in' : ''}`,
    figures: { [judged.outcome]: judged.count, spanMs: judged.spanMs, port: guesses.port },
  }
}
