/** One target is fed for so many seconds; what it threw, what took too long, what it kept and how its time grows come out. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DecodeError } from '../../src/observe/reader.ts'
import { seeded } from '../seeded.ts'
import { mutate } from './mutate.ts'
import type { FuzzTarget } from './target.ts'

export type FuzzResult = {
  readonly inputs: number
  readonly bytes: number
  /** Refused by a `DecodeError`, as is right. */
  readonly refused: number
  /** Anything else that was thrown. */
  readonly thrown: number
  /** Inputs of more than 5 ms per kB, three times out of three. */
  readonly slow: number
  /** ms per kB of the slowest input that was seen more than once. */
  readonly worstMsPerKb: number
  /** MB by which what is alive grew from a quarter of the run to its end. */
  readonly grownMb: number
  /** time(2n) / time(n), the worst of the growing inputs; a decoder that is quadratic has 4. */
  readonly growth: number
  readonly growthOf: Readonly<Record<string, number>>
  /** Seed and number of the first inputs that failed, to be made again. */
  readonly examples: readonly string[]
}

const MS_PER_KB = 5
const MAX_EXAMPLES = 10
const MAX_BYTES = 65_535

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

export function runTarget(target: FuzzTarget, seconds: number, seed: number): FuzzResult {
  const samples = target.samples()
  if (samples.length === 0) throw new Error(`${target.name} has no sample to begin with`)
  const maxBytes = target.maxBytes ?? MAX_BYTES
  const random = seeded(seed)
  const feed = target.open()
  const examples: string[] = []
  const count = { inputs: 0, bytes: 0, refused: 0, thrown: 0, slow: 0, worst: 0 }
  const begun = performance.now()
  let keptAtQuarter = 0
  for (;;) {
    const share = (performance.now() - begun) / (seconds * 1_000)
    if (keptAtQuarter === 0 && share >= 0.25) keptAtQuarter = keptBytes()
    if (share >= 1) break
    for (let n = 0; n < 64; n++) {
      const input = mutate(samples, random, maxBytes)
      const budgetMs = MS_PER_KB * Math.max(1, input.length / 1_024)
      const at = performance.now()
      const failure = feedOne(feed, input)
      const took = performance.now() - at
      count.inputs++
      count.bytes += input.length
      if (failure === 'refused') count.refused++
      else if (failure !== null) {
        count.thrown++
        if (examples.length < MAX_EXAMPLES) examples.push(`seed ${seed} input ${count.inputs}: ${failure}`)
      }
      if (took <= budgetMs) continue
      // A collector or a neighbour may have been at work: what is slow stays slow.
      const least = Math.min(took, timeOf(feed, input), timeOf(feed, input), timeOf(feed, input))
      count.worst = Math.max(count.worst, (least / budgetMs) * MS_PER_KB)
      if (least <= budgetMs) continue
      count.slow++
      if (examples.length < MAX_EXAMPLES)
        examples.push(`seed ${seed} input ${count.inputs}: ${least.toFixed(1)} ms for ${input.length} bytes`)
    }
  }
  const growthOf = Object.fromEntries(
    Object.entries(target.growing).map(([name, make]) => [name, growthRatio(target, make, maxBytes)]),
  )
  return {
    inputs: count.inputs,
    bytes: count.bytes,
    refused: count.refused,
    thrown: count.thrown,
    slow: count.slow,
    worstMsPerKb: round(count.worst),
    grownMb: round(Math.max(0, keptBytes() - keptAtQuarter) / 1_048_576),
    growth: Math.max(0, ...Object.values(growthOf)),
    growthOf,
    examples,
  }
}

function feedOne(feed: (input: Uint8Array) => void, input: Uint8Array): string | null {
  try {
    feed(input)
    return null
  } catch (error) {
    if (error instanceof DecodeError) return 'refused'
    return error instanceof Error
      ? `${error.name}: ${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}`
      : String(error)
  }
}

/** CPU time: what the neighbours do does not count. */
function timeOf(feed: (input: Uint8Array) => void, input: Uint8Array): number {
  const at = process.cpuUsage()
  feedOne(feed, input)
  return cpuMsSince(at)
}

function cpuMsSince(at: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(at)
  return (user + system) / 1_000
}

function keptBytes(): number {
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}

const ROUNDS = 15
const ROUND_MS = 4
/** n is doubled so many times: one doubling alone shows where a buffer outgrows a cache, not how time grows. */
const DOUBLINGS = 3

/** time(2n) / time(n), the mean of three doublings; median over interleaved rounds, each on a decoder of its own. */
function growthRatio(target: FuzzTarget, make: (bytes: number) => Uint8Array, maxBytes: number): number {
  const n = Math.min(4_096, maxBytes >> DOUBLINGS)
  const small = make(n)
  const big = make(n << DOUBLINGS)
  const repeats = Math.max(1, Math.ceil(ROUND_MS / Math.max(0.0001, warmed(target, small))))
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const one = total(target, small, repeats)
    ratios.push(total(target, big, repeats) / Math.max(0.001, one))
  }
  ratios.sort((a, b) => a - b)
  return round(ratios[ROUNDS >> 1]! ** (1 / DOUBLINGS))
}

function warmed(target: FuzzTarget, input: Uint8Array): number {
  const feed = target.open()
  for (let i = 0; i < 20; i++) feedOne(feed, input)
  const at = process.cpuUsage()
  for (let i = 0; i < 10; i++) feedOne(feed, input)
  return cpuMsSince(at) / 10
}

function total(target: FuzzTarget, input: Uint8Array, repeats: number): number {
  const feed = target.open()
  for (let i = 0; i < 3; i++) feedOne(feed, input)
  const at = process.cpuUsage()
  for (let i = 0; i < repeats; i++) feedOne(feed, input)
  return cpuMsSince(at)
}

const round = (value: number) => Math.round(value * 100) / 100
