/**
 * A merged `Window` comes in, a vector of numbers goes out: what a classifier may know of a workload. Shares, logs and
 * entropies, so that a model learnt on one host means the same on another; NaN = not known (never zero for "nothing").
 */
import { BUCKETS, HISTOGRAMS, REGISTERS, SKETCHES, type SumName, sumAt, TICK_MS, type Window } from '../model/window.ts'

/** Changes whenever a feature is added, removed, moved or redefined: a model of another version is refused. */
export const FEATURES_VERSION = 'features/2'

export type Feature = {
  readonly name: string
  readonly unit: 'share' | 'log2 count' | 'log2 bytes' | 'log2 per minute' | 'bits' | 'log2 ms'
  /** Why it tells personas apart. */
  readonly why: string
  readonly of: (reading: Reading) => number
  /** The value as a clause with its number. */
  readonly say: (value: number) => string
}

const percent = (x: number) => `${Math.round(x * 100)} %`
const count = (log2: number) => `${Math.round(2 ** log2 - 1)}`
const size = (log2: number) => {
  const bytes = 2 ** log2 - 1
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${Math.round(bytes)} B`
}
const log2 = (x: number) => Math.log2(1 + Math.max(0, x))
const share = (part: number, whole: number) => (whole > 0 ? Math.min(1, Math.max(0, part / whole)) : Number.NaN)

/** A share of something, said in one phrase. */
const shareOf = (name: string, why: string, phrase: string, of: Feature['of']): Feature => ({
  name,
  unit: 'share',
  why,
  of,
  say: (v) => `${phrase.replace('%', percent(v))}`,
})

export const FEATURES: readonly Feature[] = [
  shareOf('initiatedShare', 'clients open flows, servers receive them', 'it opened % of its flows', (r) =>
    share(r.sum('flowsInitiated'), r.flows),
  ),
  {
    name: 'flowRate',
    unit: 'log2 per minute',
    why: 'idle hosts are slow, scanners fast',
    of: (r) => log2(r.flows / r.minutes),
    say: (v) => `it had ${count(v)} flows a minute`,
  },
  {
    name: 'byteRate',
    unit: 'log2 per minute',
    why: 'exporters and browsers move bytes, heartbeats do not',
    of: (r) => log2(r.bytes / r.minutes),
    say: (v) => `it moved ${size(v)} a minute`,
  },
  shareOf('failedInitiated', 'a scanner meets closed doors', '% of the flows it opened failed', (r) =>
    share(r.sum('failedInitiated'), r.sum('flowsInitiated')),
  ),
  shareOf(
    'failedServed',
    'a server answers, a host under Internet noise does not',
    '% of flows towards it failed',
    (r) => share(r.sum('failedServed'), r.sum('flowsServed')),
  ),
  shareOf('outInitiated', 'uploads against downloads', 'it sent % of the bytes of flows it opened', (r) =>
    share(r.sum('bytesOutInitiated'), r.sum('bytesOutInitiated') + r.sum('bytesInInitiated')),
  ),
  shareOf(
    'outServed',
    'servers answer with more than they are asked',
    'it sent % of the bytes of flows it served',
    (r) => share(r.sum('bytesOutServed'), r.sum('bytesOutServed') + r.sum('bytesInServed')),
  ),
  shareOf('servedBytes', 'whether its bytes are in what it serves', '% of its bytes were in flows it served', (r) =>
    share(r.sum('bytesOutServed') + r.sum('bytesInServed'), r.bytes),
  ),
  bytesPerFlow(
    'outPerInitiated',
    'size of a request',
    'it sent VALUE per flow it opened',
    'bytesOutInitiated',
    'flowsInitiated',
  ),
  bytesPerFlow(
    'inPerInitiated',
    'size of an answer',
    'it got VALUE per flow it opened',
    'bytesInInitiated',
    'flowsInitiated',
  ),
  bytesPerFlow(
    'outPerServed',
    'size of what it answers',
    'it answered VALUE per flow it served',
    'bytesOutServed',
    'flowsServed',
  ),
  bytesPerFlow(
    'inPerServed',
    'size of what it is asked',
    'it was sent VALUE per flow it served',
    'bytesInServed',
    'flowsServed',
  ),
  shareOf('udpInitiated', 'heartbeats and look-ups are UDP', '% of the flows it opened were UDP', (r) =>
    share(r.sum('udpInitiated'), r.sum('flowsInitiated')),
  ),
  shareOf('icmpInitiated', 'sweeps are pings', '% of the flows it opened were ICMP', (r) =>
    share(r.sum('icmpInitiated'), r.sum('flowsInitiated')),
  ),
  ...(['web', 'database', 'dns'] as const).map((kind) =>
    shareOf(`${kind}Initiated`, 'a hint by port, not proof', `% of the flows it opened were ${kind}`, (r) =>
      share(r.sum(`${kind}Initiated`), r.sum('flowsInitiated')),
    ),
  ),
  ...(['web', 'database', 'dns'] as const).map((kind) =>
    shareOf(`${kind}Served`, 'a hint by port, not proof', `% of the flows it served were ${kind}`, (r) =>
      share(r.sum(`${kind}Served`), r.sum('flowsServed')),
    ),
  ),
  shareOf(
    'externalInitiated',
    'people and exporters go outside',
    '% of the flows it opened left the home networks',
    (r) => share(r.sum('externalInitiated'), r.sum('flowsInitiated')),
  ),
  shareOf('externalServed', 'who its clients are', '% of the flows it served came from outside', (r) =>
    share(r.sum('externalServed'), r.sum('flowsServed')),
  ),
  shareOf('externalOut', 'exfiltration and export leave', '% of the bytes it sent left the home networks', (r) =>
    share(r.sum('externalBytesOut'), r.sum('bytesOutInitiated') + r.sum('bytesOutServed')),
  ),
  distinct('peersInitiated', 'breadth of what it reaches for', 'it reached for N peers'),
  distinct('portsInitiated', 'a scanner tries many ports', 'it tried N ports'),
  distinct('peerPortsInitiated', 'services it depends on', 'it used N services'),
  distinct('portsServed', 'services it offers', 'it was asked for on N ports'),
  {
    name: 'flowsPerPeer',
    unit: 'log2 count',
    why: 'consumers come back to the same few, scanners never do',
    of: (r) =>
      r.sum('flowsInitiated') > 0
        ? Math.log2(1 + r.sum('flowsInitiated') / Math.max(1, r.distinct('peersInitiated')))
        : Number.NaN,
    say: (v) => `it opened ${(2 ** v - 1).toFixed(1)} flows per peer`,
  },
  shareOf('topPeer', 'concentration of bytes', '% of its bytes were with one peer', (r) => {
    const bytes = r.window.peers.map((p) => p.bytesOut + p.bytesIn)
    return share(Math.max(0, ...bytes), r.bytes)
  }),
  entropyOf(
    'outEntropy',
    'programs repeat themselves, people do not',
    'what it sent per flow spread over',
    'bytesOutPerFlow',
  ),
  entropyOf(
    'inEntropy',
    'programs repeat themselves, people do not',
    'what it received per flow spread over',
    'bytesInPerFlow',
  ),
  entropyOf(
    'durationEntropy',
    'queries are alike, sessions are not',
    'how long its flows lasted spread over',
    'durationMs',
  ),
  entropyOf('gapEntropy', 'clockwork against bursts', 'its gaps between flows spread over', 'gapMs'),
  {
    name: 'gapMean',
    unit: 'log2 ms',
    why: 'pace of what it opens',
    of: (r) => r.meanBucket('gapMs'),
    say: (v) => `it waited about ${Math.round(4 * 2 ** v)} ms between flows`,
  },
  {
    name: 'durationMean',
    unit: 'log2 ms',
    why: 'connections kept against connections made per request',
    of: (r) => r.meanBucket('durationMs'),
    say: (v) => `it kept flows about ${Math.round(4 * 2 ** v)} ms`,
  },
  shareOf('active', 'bursts and silences', 'it was active in % of the ticks', (r) =>
    share(r.sum('activeTicks'), r.ticks),
  ),
  {
    name: 'packetOut',
    unit: 'log2 bytes',
    why: 'bulk fills packets, questions do not',
    of: (r) => (r.sum('packetsOut') > 0 ? log2(r.bytesOut / r.sum('packetsOut')) : Number.NaN),
    say: (v) => `it sent packets of ${size(v)}`,
  },
  {
    name: 'packetIn',
    unit: 'log2 bytes',
    why: 'bulk fills packets, questions do not',
    of: (r) => (r.sum('packetsIn') > 0 ? log2(r.bytesIn / r.sum('packetsIn')) : Number.NaN),
    say: (v) => `it received packets of ${size(v)}`,
  },
]

function bytesPerFlow(name: string, why: string, phrase: string, bytes: SumName, flows: SumName): Feature {
  return {
    name,
    unit: 'log2 bytes',
    why,
    of: (r) => (r.sum(flows) > 0 ? log2(r.sum(bytes) / r.sum(flows)) : Number.NaN),
    say: (v) => phrase.replace('VALUE', size(v)),
  }
}

function distinct(name: (typeof SKETCHES)[number], why: string, phrase: string): Feature {
  return {
    name,
    unit: 'log2 count',
    why,
    of: (r) => (r.flows > 0 ? log2(r.distinct(name)) : Number.NaN),
    say: (v) => phrase.replace('N', count(v)),
  }
}

function entropyOf(name: string, why: string, phrase: string, histogram: HistogramName): Feature {
  return { name, unit: 'bits', why, of: (r) => r.entropy(histogram), say: (v) => `${phrase} ${v.toFixed(1)} bits` }
}

type HistogramName = (typeof HISTOGRAMS)[number]['name']

type Reading = {
  readonly window: Window
  readonly flows: number
  readonly bytes: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly ticks: number
  readonly minutes: number
  sum(name: SumName): number
  distinct(name: (typeof SKETCHES)[number]): number
  entropy(name: HistogramName): number
  meanBucket(name: HistogramName): number
}

/** The vector of a window, in the order of FEATURES; NaN where the window does not say. */
export function features(window: Window): Float64Array {
  const reading = read(window)
  return Float64Array.from(FEATURES, (feature) => feature.of(reading))
}

/** Flows that began in the window, on both sides: below a few, its shares mean nothing. */
export function flowsOf(window: Window): number {
  return window.sums[sumAt.flowsInitiated]! + window.sums[sumAt.flowsServed]!
}

function read(window: Window): Reading {
  const sum = (name: SumName) => window.sums[sumAt[name]]!
  const histogram = (name: HistogramName) => {
    const at = HISTOGRAMS.findIndex((h) => h.name === name) * BUCKETS
    return window.histograms.subarray(at, at + BUCKETS)
  }
  const bytesOut = sum('bytesOutInitiated') + sum('bytesOutServed')
  const bytesIn = sum('bytesInInitiated') + sum('bytesInServed')
  // By the span, not by the ticks seen: offline, silent ticks are left out.
  const ticks = Math.max(1, window.spanMs / TICK_MS)
  return {
    window,
    flows: flowsOf(window),
    bytes: bytesOut + bytesIn,
    bytesOut,
    bytesIn,
    ticks,
    minutes: (ticks * TICK_MS) / 60_000,
    sum,
    distinct: (name) => estimate(window.registers, SKETCHES.indexOf(name) * REGISTERS),
    entropy: (name) => entropy(histogram(name)),
    meanBucket: (name) => mean(histogram(name)),
  }
}

function entropy(counts: Float64Array): number {
  const total = counts.reduce((a, b) => a + b, 0)
  if (total <= 0) return Number.NaN
  let bits = 0
  for (const n of counts) if (n > 0) bits -= (n / total) * Math.log2(n / total)
  return bits
}

function mean(counts: Float64Array): number {
  let total = 0
  let weighted = 0
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!
    weighted += i * counts[i]!
  }
  return total > 0 ? weighted / total : Number.NaN
}

/** HyperLogLog with linear counting below 2.5 m (Flajolet et al. 2007, §4). */
export function estimate(registers: Uint8Array, at: number): number {
  let sum = 0
  let empty = 0
  for (let i = 0; i < REGISTERS; i++) {
    const rank = registers[at + i]!
    sum += 2 ** -rank
    if (rank === 0) empty++
  }
  const raw = (0.709 * REGISTERS * REGISTERS) / sum
  return raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw
}
