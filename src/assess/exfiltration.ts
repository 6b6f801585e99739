/**
 * Much more going out to one peer than the workload usually sends. Judged on deltas, so a long upload is seen while it
 * runs. "Usual" is the workload's own: the 95th percentile of what it sent in the ticks in which it sent anything.
 */

import { grown } from '../model/channels.ts'
import type { Evidence } from '../model/evidence.ts'
import type { FlowBatch } from '../model/flow.ts'
import { Mark } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { TICK_MS } from '../model/window.ts'
import { createByChannel, NEVER, UNKNOWN } from './by-channel.ts'
import { type Detector, sayBytes, saySpan, sweep } from './detector.ts'
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

const STRIDE = 8
/** `proven`, by pair: what its sender says elsewhere proves nothing of what is sent here in its name. */
type Hot = { sources: Float64Array; pairs: Float64Array; senders: Int32Array; proven: Uint8Array }

type Source = {
  /** Its number, the place of `OfSource` in `Hot.sources`. */
  readonly number: number
  readonly octaves: Float64Array
  active: number
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
  /** The place of `OfPair` in `Hot.pairs`. */
  readonly at: number
  /** By tick: bytes out, bytes in, in turn; those of the newest tick are not there yet. */
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
  const hot: Hot = {
    sources: new Float64Array(0),
    pairs: new Float64Array(0),
    senders: new Int32Array(0),
    proven: new Uint8Array(0),
  }
  let refused = 0

  const sourceOf = (id: number, at: number): Source => {
    let source = sources.get(id)
    if (source === undefined) {
      source = {
        number: id,
        octaves: new Float64Array(OCTAVES),
        active: 0,
        isJudged: false,
        alarmedUntil: Number.NEGATIVE_INFINITY,
        waiting: [],
      }
      hot.sources = grown(hot.sources, 2 ** Math.ceil(Math.log2((id + 1) * STRIDE)))
      hot.sources.set([at, at, Math.floor(at / TICK_MS), 0], id * STRIDE)
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
    hot.pairs = grown(hot.pairs, 2 ** Math.ceil(Math.log2((number + 1) * STRIDE)))
    hot.senders = grown(hot.senders, hot.pairs.length / STRIDE)
    hot.proven = grown(hot.proven, hot.senders.length)
    hot.proven[number] = 0
    hot.pairs.set([at, at, tick, 0, 0, 0, 0, Math.floor(tick / 720)], number * STRIDE)
    hot.senders[number] = from
    pairs[number] = { from, to, sender, at: number * STRIDE, ring: new Float64Array(RING * 2), isNews: false }
    return number
  }
  const learn = (number: number, batch: FlowBatch, row: number, tick: number) => {
    const { sources: now } = hot
    const at = number * STRIDE
    if (tick > now[at + OfSource.tick]!) closeTick(sources.get(number)!, now, tick)
    now[at + OfSource.bytes]! += batch.bytesOut[row]!
    if (batch.end[row]! > now[at + OfSource.last]!) now[at + OfSource.last] = batch.end[row]!
  }
  const accumulate = (number: number, batch: FlowBatch, row: number, tick: number) => {
    const { pairs: now } = hot
    const at = number * STRIDE
    const out = batch.bytesOut[row]!
    const into = batch.bytesIn[row]!
    if (tick > now[at + OfPair.tick]!) turnTick(pairs[number]!, now, tick)
    now[at + OfPair.out]! += out
    now[at + OfPair.into]! += into
    now[at + OfPair.hourOut]! += out
    now[at + OfPair.hourIn]! += into
    if (batch.end[row]! > now[at + OfPair.last]!) now[at + OfPair.last] = batch.end[row]!
    if (isProven(batch, row)) hot.proven[number] = 1
  }
  const lastOf = (pair: Pair) => hot.pairs[pair.at + OfPair.last]!
  /** The pair of a row; −1 = not to be judged, or no room: then at least its sender learns. */
  const meet = (batch: FlowBatch, row: number, ends: Ends, places: Int32Array): number => {
    const to = ends.target[row]!
    const channel = ends.channel[row]!
    if (ends.is(to, End.group)) {
      places[channel] = NEVER
      return -1
    }
    const at = batch.end[row]!
    const sender = sourceOf(ends.source[row]!, at)
    const number = pairOf(ends.source[row]!, to, at, sender)
    places[channel] = number + 1
    if (number < 0) learn(sender.number, batch, row, Math.floor(at / TICK_MS))
    return number
  }

  return {
    name: 'exfiltration',
    spanMs: SPANS[2].ticks * TICK_MS,
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
        const number = place === UNKNOWN ? meet(batch, row, ends, places) : place - 1
        if (number < 0) continue
        const tick = Math.floor(batch.end[row]! / TICK_MS)
        learn(hot.senders[number]!, batch, row, tick)
        accumulate(number, batch, row, tick)
        // Nothing below the first floor can be remarkable.
        if (hot.pairs[number * STRIDE + OfPair.hourOut]! < SPANS[0].floor) continue
        const pair = pairs[number]!
        if (pair.isNews) continue
        pair.isNews = true
        news.add(pair)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const pair of news) {
        const source = pair.sender
        pair.isNews = false
        const judged = judge(hot, pair, source, ends.is(pair.to, End.home))
        if (judged === null) continue
        source.alarmedUntil = lastOf(pair) + 60_000
        source.waiting.length = 0
        found.push(toEvidence(hot, pair, judged, ends))
      }
      news.clear()
      return found
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      const lastBy = (id: number) => hot.sources[id * STRIDE + OfSource.last]!
      // A pair goes with its sender, which was never seen last before the pair was.
      sweep(numbers, pairs, news, (pair) => lastOf(pair) >= before && lastBy(pair.from) <= after)
      for (const id of sources.keys()) if (lastBy(id) < before || lastBy(id) > after) sources.delete(id)
    },
    drop(gone) {
      sweep(numbers, pairs, news, ({ from }) => !gone.has(from))
      for (const id of gone) sources.delete(id)
    },
  }
}

/**
 * Closes the source's ticks up to now: one in which it sent something says what is usual, an alarming one does not. A tick
 * teaches only once the shortest span has judged it, else a theft would be its own excuse where there is little history.
 * For the same reason large ticks wait while there is no usual to judge them by; when there is, a run of them that came
 * after quieter ones and is still going on is judged before it may teach.
 */
function closeTick(source: Source, sources: Float64Array, tick: number): void {
  const at = source.number * STRIDE
  const over = sources[at + OfSource.tick]!
  const bytes = sources[at + OfSource.bytes]!
  if (bytes > 0 && over * TICK_MS >= source.alarmedUntil) source.waiting.push(over, bytes)
  const isFirstJudged = !source.isJudged && hasUsual(source.active, sources, at)
  const until = tick - SPANS[0].ticks
  if (isFirstJudged) teach(source, until, source.active >= LEAST_QUIET ? beforeRun(source) : source.waiting.length)
  else if (source.isJudged) teach(source, until, source.waiting.length)
  else teach(source, until, beforeLarge(source))
  source.isJudged ||= isFirstJudged
  sources[at + OfSource.tick] = tick
  sources[at + OfSource.bytes] = 0
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
const hasUsual = (active: number, sources: Float64Array, at: number) =>
  active >= LEAST_ACTIVE || sources[at + OfSource.last]! - sources[at + OfSource.first]! >= LEAST_AGE_MS

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

function turnTick({ ring, at }: Pair, now: Float64Array, tick: number): void {
  const over = now[at + OfPair.tick]!
  ring[(over % RING) * 2] = now[at + OfPair.out]!
  ring[(over % RING) * 2 + 1] = now[at + OfPair.into]!
  for (let gone = Math.max(over + 1, tick - RING + 1); gone <= tick; gone++)
    ring.fill(0, (gone % RING) * 2, (gone % RING) * 2 + 2)
  now[at + OfPair.tick] = tick
  now[at + OfPair.out] = 0
  now[at + OfPair.into] = 0
  const hour = Math.floor(tick / 720)
  if (hour === now[at + OfPair.hour]) return
  now[at + OfPair.hour] = hour
  now[at + OfPair.hourOut] = 0
  now[at + OfPair.hourIn] = 0
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

function judge({ pairs }: Hot, pair: Pair, source: Source, isHome: boolean): Judged | null {
  if (!source.isJudged) return null
  if (isHome && pairs[pair.at + OfPair.last]! - pairs[pair.at + OfPair.first]! > NEW_PEER_MS) return null
  const usual = usualPerTick(source)
  let best: Judged | null = null
  for (const span of SPANS) {
    const isHour = span.ticks > RING
    let out = pairs[pair.at + (isHour ? OfPair.hourOut : OfPair.out)]!
    let into = pairs[pair.at + (isHour ? OfPair.hourIn : OfPair.into)]!
    for (let i = 1; !isHour && i < span.ticks; i++) {
      const slot = (((pairs[pair.at + OfPair.tick]! - i) % RING) + RING) % RING
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

function toEvidence({ pairs, proven }: Hot, pair: Pair, judged: Judged, ends: Ends): Evidence {
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
    at: pairs[pair.at + OfPair.last]!,
    authenticated: proven[pair.at / STRIDE] === 1,
    source: 'detector exfiltration/1',
    why: `sent ${sayBytes(judged.out)} to ${peer} within ${saySpan(spanMs)}; it usually sends up to ${sayBytes(judged.usual)} in 5 s to everyone together`,
    figures: { bytesOut: judged.out, bytesIn: judged.into, spanMs, usualPerTick: judged.usual, ratio: judged.ratio },
  }
}
