/** What every lab program shares: its parameters (one JSON argument), its seed, its sign of being ready, its names. */
import { lookup } from 'node:dns/promises'
import { writeFileSync } from 'node:fs'
import { type Random, seeded } from '../../src/learn/random.ts'

export type Parameters = { readonly name: string; readonly seed: number; readonly ready: string } & Record<
  string,
  unknown
>

export function readParameters<T>(): Parameters & T {
  return JSON.parse(process.argv[2]!) as Parameters & T
}

export function randomOf(parameters: Parameters): Random {
  return seeded(parameters.seed)
}

/** The lab waits for this file: a program that serves makes it once it listens. */
export function sayReady(parameters: Parameters): void {
  writeFileSync(parameters.ready, `${process.pid}\n`)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Log-normal, as think times and object sizes are (Barford & Crovella 1998). */
export function logNormal(random: Random, median: number, sigma: number): number {
  const u = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return median * Math.exp(sigma * u)
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random()
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

const NAME_TTL_MS = 45_000
const known = new Map<string, { address: string; until: number }>()

/** A real look-up in the namespace's resolver, kept for a while as every real client does. */
export async function resolveName(name: string, random: Random): Promise<string> {
  const kept = known.get(name)
  if (kept && kept.until > Date.now()) return kept.address
  const found = await lookup(name, { all: true })
  const address = pick(random, found).address
  known.set(name, { address, until: Date.now() + NAME_TTL_MS })
  return address
}

/** Runs `step` for ever; a failure (a peer not up yet, a policy in the way) is what programs meet: they try again. */
export async function forever(step: () => Promise<void>): Promise<never> {
  let failures = 0
  for (;;) {
    try {
      await step()
      failures = 0
    } catch (error) {
      failures++
      if (failures <= 3 || failures % 50 === 0) console.error(new Date().toISOString(), String(error))
      await pause(Math.min(10_000, 500 * failures))
    }
  }
}
