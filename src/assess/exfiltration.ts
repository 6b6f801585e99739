/**
 * Much more going out to one peer than the workload usually sends. Judged on deltas, so a long upload is seen while it
 * runs. "Usual" is the workload's own: the 95th percentile of what it sent in the ticks in which it sent anything.
 */
import type { Evidence } from '../model/evidence.ts'
import type { FlowBatch } from '../model/flow.ts'
import { Mark } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { TICK_MS } from '../model/window.ts'
import { createByChannel, NEVER, UNKNOWN } from './by-channel.ts'
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

/**
 * What every row changes lies side by side in arrays of doubles: a field of an object that holds a double is a box of its
 * own, somewhere else in memory.
 */
const OfSource = { first: 0, last: 1, tick: 2, bytes: 3 } as const
/** `out` and `into` are those of `tick`, which is still filling. */
const OfPair = { first: 0, last: 1, tick: 2, out: 3, into: 4, hourOut: 5, hourIn: 6, hour: 7 } as const

type Source = {
  /** `OfSource`; bytes are those of the tick that is still filling. */
  readonly now: Float64Array
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
  readonly sender: Source
  /** `OfPair` */
  readonly now: Float64Array
  /** By tick: bytes out, bytes in, in turn. Those of the newest tick are in `now`. */
  readonly ring: Float64Array
  isNews: boolean
}

const RING = 12

export function createExfiltration(options: { readonly maxPairs?: number } = {}): Detector {
  const maxPairs = options.maxPairs ?? 32_768
  const sources = new Map<number, Source>()
  const numbers = createTripleTable(maxPairs)
  const pairs: Pair[] = []
  const news = new Set<Pair>()
  const byChannel = createByChannel()
  let refused = 0

  const sourceOf = (id: number, at: number): Source => {
    let source = sources.get(id)
    if (source === undefined) {
      source = {
        now: Float64Array.of(at, at, Math.floor(at / TICK_MS), 0),
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
  /** Its number; −1 = there is no room for it. */
  const pairOf = (from: number, to: number, at: number, sender: Source): number => {
    const known = numbers.find(from, to, 0)
    if (known >= 0) return known
    const number = numbers.intern(from, to, 0)
    if (number < 0) {
      refused++
      return -1
    }
    const tick = Math.floor(at / TICK_MS)
    const now = Float64Array.of(at, at, tick, 0, 0, 0, 0, Math.floor(tick / 720))
    pairs[number] = { from, to, sender, now, ring: new Float64Array(RING * 2), isNews: false }
    return number
  }
  /** The pair of a row; null = not to be judged, or no room: then at least its sender learns. */
  const meet = (batch: FlowBatch, row: number, ends: Ends, places: Int32Array): Pair | null => {
    const to = ends.target[row]!
    const channel = ends.channel[row]!
    if (ends.is(to, End.group)) {
      places[channel] = NEVER
      return null
    }
    const at = batch.end[row]!
    const sender = sourceOf(ends.source[row]!, at)
    const number = pairOf(ends.source[row]!, to, at, sender)
    places[channel] = number + 1
    if (number >= 0) return pairs[number]!
    sender.isProven ||= isProven(batch, row)
    learn(sender, at, Math.floor(at / TICK_MS), batch.bytesOut[row]!)
    return null
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
      const places = byChannel.of(ends)
      for (let row = 0; row < batch.count; row++) {
        const place = places[ends.channel[row]!]!
        if (place === NEVER || ends.source[row]! < 0) continue
        const pair = place === UNKNOWN ? meet(batch, row, ends, places) : pairs[place - 1]!
        if (pair === null) continue
        const at = batch.end[row]!
        const tick = Math.floor(at / TICK_MS)
        const out = batch.bytesOut[row]!
        const { sender } = pair
        if (!sender.isProven) sender.isProven = isProven(batch, row)
        learn(sender, at, tick, out)
        accumulate(pair, at, tick, out, batch.bytesIn[row]!)
        // Nothing below the first floor can be remarkable.
        if (pair.isNews || pair.now[OfPair.hourOut]! < SPANS[0].floor) continue
        pair.isNews = true
        news.add(pair)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const pair of news) {
        const source = pair.sender
        pair.isNews = false
        const judged = judge(pair, source, ends.is(pair.to, End.home))
        if (judged === null) continue
        source.alarmedUntil = pair.now[OfPair.last]! + 60_000
        source.waiting.length = 0
        found.push(toEvidence(pair, source, judged, ends))
      }
      news.clear()
      return found
    },
    forget(before) {
      for (const pair of news)
        if (pair.now[OfPair.last]! < before) {
          pair.isNews = false
          news.delete(pair)
        }
      numbers.sweep((number) => pairs[number]!.now[OfPair.last]! >= before)
      for (const [id, source] of sources) if (source.now[OfSource.last]! < before) sources.delete(id)
    },
  }
}

/**
 * Closes the source's ticks up to now: one in which it sent something says what is usual, an alarming one does not. A tick
 * teaches only once the shortest span has judged it, else a theft would be its own excuse where there is little history.
 * For the same reason large ticks wait while there is no usual to judge them by; when there is, a run of them that came
 * after quieter ones and is still going on is judged before it may teach.
 */
function learn(source: Source, at: number, tick: number, out: number): void {
  const { now } = source
  if (tick > now[OfSource.tick]!) closeTick(source, tick)
  now[OfSource.bytes]! += out
  if (at > now[OfSource.last]!) now[OfSource.last] = at
}

function closeTick(source: Source, tick: number): void {
  const { now } = source
  const over = now[OfSource.tick]!
  if (now[OfSource.bytes]! > 0 && over * TICK_MS >= source.alarmedUntil)
    source.waiting.push(over, now[OfSource.bytes]!)
  const isFirstJudged = !source.isJudged && hasUsual(source)
  const until = tick - SPANS[0].ticks
  if (isFirstJudged) teach(source, until, source.active >= LEAST_QUIET ? beforeRun(source) : source.waiting.length)
  else if (source.isJudged) teach(source, until, source.waiting.length)
  else teach(source, until, beforeLarge(source))
  source.isJudged ||= isFirstJudged
  now[OfSource.tick] = tick
  now[OfSource.bytes] = 0
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
const hasUsual = ({ active, now }: Source) =>
  active >= LEAST_ACTIVE || now[OfSource.last]! - now[OfSource.first]! >= LEAST_AGE_MS

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

function accumulate(pair: Pair, at: number, tick: number, out: number, into: number): void {
  const { now } = pair
  if (tick > now[OfPair.tick]!) turnTick(pair, tick)
  now[OfPair.out]! += out
  now[OfPair.into]! += into
  now[OfPair.hourOut]! += out
  now[OfPair.hourIn]! += into
  if (at > now[OfPair.last]!) now[OfPair.last] = at
}

function turnTick({ now, ring }: Pair, tick: number): void {
  const over = now[OfPair.tick]!
  ring[(over % RING) * 2] = now[OfPair.out]!
  ring[(over % RING) * 2 + 1] = now[OfPair.into]!
  for (let gone = Math.max(over + 1, tick - RING + 1); gone <= tick; gone++)
    ring.fill(0, (gone % RING) * 2, (gone % RING) * 2 + 2)
  now[OfPair.tick] = tick
  now[OfPair.out] = 0
  now[OfPair.into] = 0
  const hour = Math.floor(tick / 720)
  if (hour === now[OfPair.hour]) return
  now[OfPair.hour] = hour
  now[OfPair.hourOut] = 0
  now[OfPair.hourIn] = 0
}

const isProven = (batch: FlowBatch, row: number) => (batch.marks[row]! & (Mark.handshake | Mark.antispoofed)) !== 0

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
  if (isHome && pair.now[OfPair.last]! - pair.now[OfPair.first]! > NEW_PEER_MS) return null
  const usual = usualPerTick(source)
  let best: Judged | null = null
  for (const span of SPANS) {
    const isHour = span.ticks > RING
    let out = pair.now[isHour ? OfPair.hourOut : OfPair.out]!
    let into = pair.now[isHour ? OfPair.hourIn : OfPair.into]!
    for (let i = 1; !isHour && i < span.ticks; i++) {
      const slot = (((pair.now[OfPair.tick]! - i) % RING) + RING) % RING
      out += pair.ring[slot * 2]!
      into += pair.ring[slot * 2 + 1]!
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
    at: pair.now[OfPair.last]!,
    authenticated: source.isProven,
    source: 'detector exfiltration/1',
    why: `sent ${sayBytes(judged.out)} to ${peer} within ${saySpan(spanMs)}; it usually sends up to ${sayBytes(judged.usual)} in 5 s to everyone together`,
    figures: { bytesOut: judged.out, bytesIn: judged.into, spanMs, usualPerTick: judged.usual, ratio: judged.ratio },
  }
}
