/**
 * Much more going out to one peer than the workload usually sends. Judged on deltas, so a long upload is seen while it
 * runs. "Usual" is the workload's own: the 95th percentile of what it sent in the ticks in which it sent anything.
 */
import type { Evidence } from '../model/evidence.ts'
import type { FlowBatch } from '../model/flow.ts'
import { Mark } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { TICK_MS } from '../model/window.ts'
import { type Detector, sayBytes, saySpan } from './detector.ts'
import { End, type Ends } from './ends.ts'

/**
 * Spans in ticks and the least that counts in each. Slips' one figure is 700 MB (config, data_exfiltration_threshold), which
 * is the last of these; the first is what a link of 10 Mbit/s carries in 8 s, so that theft at full speed shows in two ticks.
 */
const SPANS = [
  { ticks: 2, floor: 10e6 },
  { ticks: 12, floor: 30e6 },
  { ticks: 720, floor: 700e6 },
] as const
/** Times the usual before it is remarkable: 3 octaves above nearly all of its own history. */
const TIMES_USUAL = 8
/** Ticks with traffic, or ticks of age, before a workload has a "usual" at all. */
const LEAST_ACTIVE = 6
const LEAST_AGE_MS = 60_000
/** Bytes of a tick that could be part of something remarkable, and how many ticks may wait for a judge (two numbers each). */
const LARGE = SPANS[0].floor / SPANS[0].ticks
const MAX_WAITING = 2 * 16
/** Ordinary ticks before a large run, for that run to be a change. */
const LEAST_QUIET = 2
/** A peer of the home network first met less than this ago is new. */
const NEW_PEER_MS = 600_000
const HALF_LIFE_MS = 3_600_000
/** Octaves of bytes per tick, 1 kB to 1 TB. */
const OCTAVES = 32

type Source = {
  first: number
  last: number
  tick: number
  /** Bytes of the tick that is still filling. */
  bytes: number
  readonly octaves: Float64Array
  active: number
  isProven: boolean
  /** There was a usual to judge it by before. */
  isJudged: boolean
  /** Until then its ticks do not teach what is usual. */
  alarmedUntil: number
  /** Ticks that are over and have not taught anything yet: tick, bytes, in turn. */
  readonly waiting: number[]
}
type Pair = {
  readonly from: number
  readonly to: number
  readonly first: number
  last: number
  tick: number
  out: Float64Array
  into: Float64Array
  hourOut: number
  hourIn: number
  hour: number
}

const RING = 12

export function createExfiltration(options: { readonly maxPairs?: number } = {}): Detector {
  const maxPairs = options.maxPairs ?? 32_768
  const sources = new Map<number, Source>()
  const numbers = createTripleTable(maxPairs)
  const pairs: Pair[] = []
  const news = new Set<Pair>()
  let refused = 0

  const sourceOf = (id: number, at: number): Source => {
    let source = sources.get(id)
    if (source === undefined) {
      source = {
        first: at,
        last: at,
        tick: Math.floor(at / TICK_MS),
        bytes: 0,
        octaves: new Float64Array(OCTAVES),
        active: 0,
        isProven: false,
        isJudged: false,
        alarmedUntil: Number.NEGATIVE_INFINITY,
        waiting: [],
      }
      sources.set(id, source)
    }
    return source
  }
  const pairOf = (from: number, to: number, at: number): Pair | null => {
    const known = numbers.find(from, to, 0)
    if (known >= 0) return pairs[known]!
    const number = numbers.intern(from, to, 0)
    if (number < 0) {
      refused++
      return null
    }
    const tick = Math.floor(at / TICK_MS)
    const pair: Pair = {
      from,
      to,
      first: at,
      last: at,
      tick,
      out: new Float64Array(RING),
      into: new Float64Array(RING),
      hourOut: 0,
      hourIn: 0,
      hour: Math.floor(tick / 720),
    }
    pairs[number] = pair
    return pair
  }
  const sent = (from: number, to: number, out: number, into: number, at: number, isProven: boolean, ends: Ends) => {
    if (ends.is(to, End.group)) return
    const source = sourceOf(from, at)
    source.isProven ||= isProven
    learn(source, at, out)
    const pair = pairOf(from, to, at)
    if (pair === null) return
    accumulate(pair, at, out, into)
    // Nothing below the first floor can be remarkable.
    if (pair.hourOut >= SPANS[0].floor) news.add(pair)
  }

  return {
    name: 'exfiltration',
    get held() {
      return numbers.size
    },
    get refused() {
      return refused
    },
    add(batch: FlowBatch, ends) {
      for (let row = 0; row < batch.count; row++) {
        const source = ends.source[row]!
        const target = ends.target[row]!
        if (source < 0) continue
        const isProven = (batch.marks[row]! & (Mark.handshake | Mark.antispoofed)) !== 0
        sent(source, target, batch.bytesOut[row]!, batch.bytesIn[row]!, batch.end[row]!, isProven, ends)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const pair of news) {
        const source = sources.get(pair.from)
        if (source === undefined) continue
        const judged = judge(pair, source, ends.is(pair.to, End.home))
        if (judged === null) continue
        source.alarmedUntil = pair.last + 60_000
        source.waiting.length = 0
        found.push(toEvidence(pair, source, judged, ends))
      }
      news.clear()
      return found
    },
    forget(before) {
      for (const pair of news) if (pair.last < before) news.delete(pair)
      numbers.sweep((number) => pairs[number]!.last >= before)
      for (const [id, source] of sources) if (source.last < before) sources.delete(id)
    },
  }
}

/**
 * Closes the source's ticks up to now: one in which it sent something says what is usual, an alarming one does not. A tick
 * teaches only once the shortest span has judged it, else a theft would be its own excuse where there is little history.
 * For the same reason large ticks wait while there is no usual to judge them by; when there is, a run of them that came
 * after quieter ones and is still going on is judged before it may teach.
 */
function learn(source: Source, at: number, out: number): void {
  const tick = Math.floor(at / TICK_MS)
  if (tick > source.tick) {
    if (source.bytes > 0 && source.tick * TICK_MS >= source.alarmedUntil) source.waiting.push(source.tick, source.bytes)
    const isFirstJudged = !source.isJudged && hasUsual(source)
    const until = tick - SPANS[0].ticks
    if (isFirstJudged) teach(source, until, source.active >= LEAST_QUIET ? beforeRun(source) : source.waiting.length)
    else if (source.isJudged) teach(source, until, source.waiting.length)
    else teach(source, until, beforeLarge(source))
    source.isJudged ||= isFirstJudged
    source.tick = tick
    source.bytes = 0
  }
  source.bytes += out
  source.last = Math.max(source.last, at)
}

/** Ticks before `until`, of the first `end` numbers waiting, say what is usual from now on. */
function teach(source: Source, until: number, end: number): void {
  let left = end
  while (left > 0 && source.waiting[0]! < until) {
    const [, bytes] = source.waiting.splice(0, 2)
    left -= 2
    // Half of what is known is forgotten in about 3 hours of activity.
    if (source.active > 0 && source.active % 64 === 0) for (let i = 0; i < OCTAVES; i++) source.octaves[i]! *= 0.98
    source.octaves[octaveOf(bytes!)]!++
    source.active++
  }
}

/** Numbers waiting before the first large tick. */
function beforeLarge({ waiting }: Source): number {
  if (waiting.length > MAX_WAITING) return waiting.length
  for (let i = 0; i < waiting.length; i += 2) if (waiting[i + 1]! >= LARGE) return i
  return waiting.length
}

/** Numbers waiting before the run of large ticks at the end. */
function beforeRun({ waiting }: Source): number {
  let end = waiting.length
  while (end >= 2 && waiting[end - 1]! >= LARGE) end -= 2
  return end
}

/** Its own history is long enough to judge by. */
const hasUsual = (source: Source) => source.active >= LEAST_ACTIVE || source.last - source.first >= LEAST_AGE_MS

const octaveOf = (bytes: number) => Math.min(OCTAVES - 1, Math.max(0, Math.floor(Math.log2(1 + bytes / 1024))))

/** Upper edge of the octave that holds the 95th percentile of its active ticks. */
function usualPerTick(source: Source): number {
  let total = 0
  for (const n of source.octaves) total += n
  let below = 0
  for (let i = 0; i < OCTAVES; i++) {
    below += source.octaves[i]!
    if (below >= total * 0.95) return total === 0 ? 0 : 1024 * (2 ** (i + 1) - 1)
  }
  return 0
}

function accumulate(pair: Pair, at: number, out: number, into: number): void {
  const tick = Math.max(Math.floor(at / TICK_MS), pair.tick)
  for (let gone = Math.max(pair.tick + 1, tick - RING + 1); gone <= tick; gone++) {
    pair.out[gone % RING] = 0
    pair.into[gone % RING] = 0
  }
  pair.tick = tick
  pair.out[tick % RING]! += out
  pair.into[tick % RING]! += into
  const hour = Math.floor(tick / 720)
  if (hour !== pair.hour) {
    pair.hour = hour
    pair.hourOut = 0
    pair.hourIn = 0
  }
  pair.hourOut += out
  pair.hourIn += into
  pair.last = Math.max(pair.last, at)
}

type Judged = {
  readonly out: number
  readonly into: number
  readonly ticks: number
  readonly usual: number
  readonly ratio: number
  readonly isHome: boolean
}

function judge(pair: Pair, source: Source, isHome: boolean): Judged | null {
  if (!source.isJudged) return null
  if (isHome && pair.last - pair.first > NEW_PEER_MS) return null
  const usual = usualPerTick(source)
  let best: Judged | null = null
  for (const span of SPANS) {
    let out = 0
    let into = 0
    if (span.ticks > RING) [out, into] = [pair.hourOut, pair.hourIn]
    else
      for (let i = 0; i < span.ticks; i++) {
        const slot = (((pair.tick - i) % RING) + RING) % RING
        out += pair.out[slot]!
        into += pair.into[slot]!
      }
    // A download has acknowledgements, a dialogue has two sides; an upload has neither.
    if (out < 4 * into) continue
    const least = Math.max(span.floor, TIMES_USUAL * usual * span.ticks)
    if (out >= least && (best === null || out / least > best.ratio))
      best = { out, into, ticks: span.ticks, usual, ratio: out / least, isHome }
  }
  return best
}

function toEvidence(pair: Pair, source: Source, judged: Judged, ends: Ends): Evidence {
  const peer = ends.text(pair.to)
  const spanMs = judged.ticks * TICK_MS
  // 3.5 at the threshold (σ(0.9) = 0.71), half an octave's worth per doubling, at most 5; to a new machine of the home
  // network half of it: that is how back-ups and migrations begin, too.
  const weight = Math.min(5, 3.5 + Math.log2(judged.ratio) / 2) * (judged.isHome ? 0.5 : 1)
  return {
    kind: 'exfiltration',
    subject: ends.text(pair.from),
    peer,
    weight,
    halfLifeMs: HALF_LIFE_MS,
    at: pair.last,
    authenticated: source.isProven,
    source: 'detector exfiltration/1',
    why: `sent ${sayBytes(judged.out)} to ${peer} within ${saySpan(spanMs)}; it usually sends up to ${sayBytes(judged.usual)} in 5 s to everyone together`,
    figures: { bytesOut: judged.out, bytesIn: judged.into, spanMs, usualPerTick: judged.usual, ratio: judged.ratio },
  }
}
