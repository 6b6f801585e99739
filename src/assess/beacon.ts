/** Programs calling home: connections of one initiator to one service at machine-like times, with machine-like sizes. */

import { grown } from '../model/channels.ts'
import type { Evidence } from '../model/evidence.ts'
import { beginsFlow, type FlowBatch, Mark, Phase, Proto } from '../model/flow.ts'
import { createTripleTable } from '../model/triple-table.ts'
import { BARS, type BeaconParts, beaconScore } from './beacon-score.ts'
import { createByChannel, NEVER, UNKNOWN } from './by-channel.ts'
import { type Detector, saySpan, sweep } from './detector.ts'
import { End, type Ends } from './ends.ts'
import { loginService } from './login-services.ts'

/** Newest connections kept per series; a faster beacon is judged by its last 512 and its hourly counts. */
const MAX_TIMES = 512
const HOUR_MS = 3_600_000
/**
 * RITA's 24 hours; and the same 24 bars over shorter spans, so that a fast beacon need not be waited for. Persistence is
 * what makes a beacon one, so regularity over minutes is trusted less (people's programs poll for minutes, too).
 */
const SPANS = [
  { ms: 120_000, halfLifeMs: HOUR_MS, least: 10, trust: 0.9 },
  { ms: HOUR_MS, halfLifeMs: 6 * HOUR_MS, least: 8, trust: 0.9 },
  { ms: 24 * HOUR_MS, halfLifeMs: 24 * HOUR_MS, least: 4, trust: 1 },
] as const
/** RITA calls 0.70–0.90 "low"; half-way into that band noise of scanners on flows/rita is gone, the known beacon has 0.96. */
const LEAST_SCORE = 0.75

/** Clocks, names, discovery: periodic by design, and named in every network. A C2 over DNS needs names, not times. */
const PERIODIC_UDP = new Set([53, 67, 68, 123, 137, 138, 546, 547, 1900, 3702, 5353, 5355])

type Series = {
  readonly source: number
  readonly target: number
  readonly port: number
  readonly proto: number
  times: number[]
  sizes: number[]
  /** connections per hour of the epoch, newest 24 */
  readonly hours: Map<number, number>
  /** The place of `Hot` in the array of what rows change. */
  readonly at: number
  /**
   * epoch ms: when a row of many flows came last. Spans that hold one are not judged: what calls several times a second is
   * a strobe, as RITA has it (over 86,400 connections a day), and its times are not known.
   */
  crowdedAt: number
  isNews: boolean
  scoredFlows: number
  scoredAt: number
}

/**
 * What every row changes, side by side in one array. `inHour` of the flows are of `hour`, which has no place in
 * `Series.hours` yet; the newest times and sizes wait here and go to their lists together. `proof` is above zero while at least
 * half of the newest rows cannot have been made in its name: each takes a half, each that is proven adds one, all fade.
 */
const Hot = {
  last: 0,
  flows: 1,
  answered: 2,
  hour: 3,
  inHour: 4,
  proof: 5,
  newTimes: 6,
  newSizes: 7,
  times: 8,
  sizes: 16,
} as const
const FEW = 8
const STRIDE = 24
/** Of `proof`, per row: it is that of about 16, so that ten in its name (`SPANS`) weigh as much as all before them. */
const FADES = 15 / 16

export function createBeacon(options: { readonly maxSeries?: number } = {}): Detector {
  const maxSeries = options.maxSeries ?? 65_536
  /** (source, target, port and protocol) → place in `all` */
  const numbers = createTripleTable(maxSeries)
  const all: Series[] = []
  const news = new Set<Series>()
  const byChannel = createByChannel()
  let hot: Float64Array = new Float64Array(0)
  let refused = 0

  /** Its number; −1 = none is to be kept now. */
  const seriesOf = (batch: FlowBatch, row: number, source: number, target: number, isNew: boolean): number => {
    const service = batch.targetPort[row]! * 256 + batch.proto[row]!
    const known = numbers.find(source, target, service)
    if (known >= 0 || !isNew) return known
    const number = numbers.intern(source, target, service)
    if (number < 0) {
      refused++
      return -1
    }
    const series: Series = {
      source,
      target,
      port: batch.targetPort[row]!,
      proto: batch.proto[row]!,
      times: [],
      sizes: [],
      hours: new Map(),
      at: number * STRIDE,
      crowdedAt: Number.NEGATIVE_INFINITY,
      isNews: false,
      scoredFlows: 0,
      scoredAt: Number.NEGATIVE_INFINITY,
    }
    all[number] = series
    hot = grown(hot, 2 ** Math.ceil(Math.log2((number + 1) * STRIDE)))
    hot.fill(0, number * STRIDE, (number + 1) * STRIDE)
    hot[number * STRIDE + Hot.hour] = Number.NEGATIVE_INFINITY
    return number
  }

  return {
    name: 'beacon',
    spanMs: HOUR_MS,
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
        const source = ends.source[row]!
        if (source < 0 || places[channel] === NEVER) continue
        const begins = beginsFlow(batch, row)
        if (places[channel] === UNKNOWN) {
          const target = ends.target[row]!
          places[channel] = canBeacon(batch, row, source, target, ends)
            ? seriesOf(batch, row, source, target, begins) + 1
            : NEVER
          if (places[channel]! <= UNKNOWN) continue
        }
        const number = places[channel]! - 1
        const at = number * STRIDE
        if (batch.flows[row]! > 1) all[number]!.crowdedAt = batch.end[row]!
        observe(hot, at, batch, row, begins)
        if (hot[at + Hot.newTimes] === FEW || hot[at + Hot.newSizes] === FEW) keepNew(hot, all[number]!)
        if (!begins) continue
        const hour = Math.floor(batch.start[row]! / HOUR_MS)
        if (hour !== hot[at + Hot.hour]) turnHour(hot, all[number]!, hour)
        hot[at + Hot.inHour]! += batch.flows[row]!
        if (hot[at + Hot.flows]! < 4) continue
        const series = all[number]!
        if (series.isNews) continue
        series.isNews = true
        news.add(series)
      }
    },
    evaluate(now, ends) {
      const found: Evidence[] = []
      for (const series of news) {
        // A score changes slowly: look again when a tenth more is known, or a while went by.
        const flows = hot[series.at + Hot.flows]!
        const ago = Math.abs(now - series.scoredAt)
        if (ago < LOOK_MS) continue
        keepNew(hot, series)
        if (flows < series.scoredFlows * 1.1 && ago < lookAgainMs(series, now)) continue
        news.delete(series)
        series.isNews = false
        series.scoredFlows = flows
        series.scoredAt = now
        const best = strongest(hot, series, now)
        if (best !== null) found.push(toEvidence(hot, series, best, ends))
      }
      return found
    },
    forget: (before, after = Number.POSITIVE_INFINITY) =>
      sweep(numbers, all, news, ({ at }) => hot[at + Hot.last]! >= before && hot[at + Hot.last]! <= after),
    drop: (sources) => sweep(numbers, all, news, ({ source }) => !sources.has(source)),
  }
}

/** Two ticks. */
const LOOK_MS = 10_000

/** A minute for a young series, an hour for one of a day. */
function lookAgainMs(series: Series, now: number): number {
  return Math.max(60_000, (now - (series.times[0] ?? now)) / 24)
}

/** Calling a machine of one's own network at fixed times is what monitoring and API consumers do: at least one end is outside. */
function canBeacon(batch: FlowBatch, row: number, source: number, target: number, ends: Ends): boolean {
  const proto = batch.proto[row]!
  if (proto !== Proto.tcp && proto !== Proto.udp) return false
  if (ends.is(target, End.group) || (ends.is(source, End.home) && ends.is(target, End.home))) return false
  return proto === Proto.tcp || !PERIODIC_UDP.has(batch.targetPort[row]!)
}

function observe(hot: Float64Array, at: number, batch: FlowBatch, row: number, begins: boolean): void {
  const end = batch.end[row]!
  const marks = batch.marks[row]!
  const isOne = batch.flows[row] === 1
  if (end > hot[at + Hot.last]!) hot[at + Hot.last] = end
  // Live, it is known of a connection that it was answered when it is over, and not when it begins.
  const isAnswered = (marks & Mark.handshake) !== 0 && (begins || batch.phase[row] === Phase.closed)
  const isProven = (marks & Mark.antispoofed) !== 0 ? begins : isAnswered
  if (begins) {
    hot[at + Hot.flows]! += batch.flows[row]!
    hot[at + Hot.proof] = hot[at + Hot.proof]! * FADES - 0.5
  }
  if (isProven) hot[at + Hot.proof]! += 1
  if (isAnswered) hot[at + Hot.answered]! += batch.flows[row]!
  if (begins && isOne) {
    hot[at + Hot.times + hot[at + Hot.newTimes]!] = batch.start[row]!
    hot[at + Hot.newTimes]!++
  }
  // Live, the size of a connection is known at the first dump after it, long before the kernel forgets it.
  if (isOne && batch.phase[row] !== Phase.opened && batch.bytesOut[row]! > 0) {
    hot[at + Hot.sizes + hot[at + Hot.newSizes]!] = batch.bytesOut[row]!
    hot[at + Hot.newSizes]!++
  }
}

function keepNew(hot: Float64Array, series: Series): void {
  const { at } = series
  series.times = keep(series.times, hot, at + Hot.times, hot[at + Hot.newTimes]!)
  series.sizes = keep(series.sizes, hot, at + Hot.sizes, hot[at + Hot.newSizes]!)
  hot[at + Hot.newTimes] = 0
  hot[at + Hot.newSizes] = 0
}

/** The list with `count` more; cut to its newest now and then. */
function keep(list: number[], hot: Float64Array, from: number, count: number): number[] {
  let kept = list
  for (let i = 0; i < count; i++) {
    kept.push(hot[from + i]!)
    if (kept.length > MAX_TIMES * 1.5) kept = kept.slice(-MAX_TIMES)
  }
  return kept
}

/** Counts another hour from here on. */
function turnHour(hot: Float64Array, { hours, at }: Series, hour: number): void {
  const before = hot[at + Hot.hour]!
  if (hot[at + Hot.inHour]! > 0) hours.set(before, (hours.get(before) ?? 0) + hot[at + Hot.inHour]!)
  hot[at + Hot.hour] = hour
  hot[at + Hot.inHour] = 0
  if (!hours.has(hour)) hours.set(hour, 0)
  if (hours.size > BARS + 2) hours.delete(Math.min(...hours.keys()))
}

type Best = BeaconParts & { readonly span: (typeof SPANS)[number]; readonly count: number; readonly weight: number }

function strongest(hot: Float64Array, series: Series, now: number): Best | null {
  series.times.sort((a, b) => a - b)
  let best: Best | null = null
  for (const span of SPANS) {
    const from = now - span.ms
    if (series.crowdedAt >= from) continue
    const times = series.times.filter((time) => time >= from)
    if (times.length < span.least) continue
    const isWhole = series.times.length < MAX_TIMES || series.times[0]! < from
    if (!isWhole && span.ms < 24 * HOUR_MS) continue
    const bars = isWhole ? barsOf(times, from, span.ms) : hourlyBars(hot, series, now)
    const parts = beaconScore(times, series.sizes.slice(-times.length), bars, now, span.ms)
    if (parts === null || parts.score < LEAST_SCORE) continue
    const count = bars.reduce((sum, bar) => sum + bar, 0)
    const weight = weigh(parts.score, count, hot, series) * span.trust
    if (best === null || weight > best.weight) best = { ...parts, span, count, weight }
  }
  return best
}

/**
 * RITA's bands as log-odds: 0.6 at our threshold (σ(−2) = 0.12), 2.6 where "medium" begins (0.50), 4.6 for a perfect score
 * (0.88). Less while few connections speak for it, and half when nobody ever answers (a dead rendezvous is still called, but so is every switched-off server) or when
 * the service is one to log in to: guesses at machine times are brute force, which has a detector of its own.
 */
function weigh(score: number, count: number, hot: Float64Array, series: Series): number {
  const fresh = 4.6 * ((score - 0.6) / 0.4) ** 2 * (count / (count + 6))
  const answered = hot[series.at + Hot.answered]!
  const isAnswered = answered * 2 >= hot[series.at + Hot.flows]! || answered >= count / 2
  return isAnswered && loginService(series.port) === null ? fresh : fresh / 2
}

function barsOf(times: readonly number[], from: number, spanMs: number): number[] {
  const bars = new Array<number>(BARS).fill(0)
  for (const time of times) bars[Math.min(BARS - 1, Math.floor(((time - from) / spanMs) * BARS))]!++
  return bars
}

function hourlyBars(hot: Float64Array, series: Series, now: number): number[] {
  turnHour(hot, series, hot[series.at + Hot.hour]!)
  const last = Math.floor(now / HOUR_MS)
  return Array.from({ length: BARS }, (_, i) => series.hours.get(last - BARS + 1 + i) ?? 0)
}

function toEvidence(hot: Float64Array, series: Series, best: Best, ends: Ends): Evidence {
  const peer = ends.text(series.target)
  const answered = hot[series.at + Hot.answered]!
  const service = `${series.port}/${series.proto === Proto.tcp ? 'tcp' : 'udp'}`
  return {
    kind: 'beacon',
    subject: ends.text(series.source),
    peer,
    weight: best.weight,
    halfLifeMs: best.span.halfLifeMs,
    at: hot[series.at + Hot.last]!,
    authenticated: hot[series.at + Hot.proof]! >= 0,
    source: 'detector beacon/1',
    why: `called ${peer} port ${service} ${best.count} times in ${saySpan(best.span.ms)}, typically every ${saySpan(best.intervalMs)}: beacon score ${best.score.toFixed(2)}${answered === 0 ? ', never answered' : ''}`,
    figures: {
      score: best.score,
      timing: best.timing,
      ...(Number.isNaN(best.size) ? {} : { size: best.size }),
      duration: best.duration,
      histogram: best.histogram,
      connections: best.count,
      intervalMs: best.intervalMs,
      spanMs: best.span.ms,
      port: series.port,
    },
  }
}
