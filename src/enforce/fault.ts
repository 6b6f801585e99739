/**
 * Named points at which a test may kill the agent: the steps of a change, and within each step before and after every
 * effect (a program that writes to the kernel, a write, an fsync, a rename). Unarmed (always, outside tests) a point costs
 * one comparison. Armed by `GUISE_FAULT`, the path of a file with lines `victim:point`: whoever passes the point of the
 * first line strikes that line out, so that it happens once, and the victim (`worker`, `supervisor`) gets SIGKILL. A point
 * is a step, or `step>effect#n/before` and `…/after`, the n-th such effect since that step. Where `FILE.passed` exists, every
 * point passed is written to it: that is how a test learns which points there are.
 */
import { channel } from 'node:diagnostics_channel'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'

export const FAULT_SITES = [
  'before-intent',
  'intent-written',
  'facets-prepared',
  'nft-sent',
  'nft-flipped',
  'source-switched',
  'probed',
  'before-commit',
  'committed',
  'permanent',
  'old-removed',
  'intent-cleared',
  'revert-begun',
  'reverted',
  'recovery-begun',
  'recovered',
  'undo-begun',
  'undone',
] as const
export type FaultSite = (typeof FAULT_SITES)[number]

const file = process.env.GUISE_FAULT
/** Each step's name as it is passed, for whoever measures a change (`bench -- shift`). */
const steps = channel('guise:enforce:step')
let role: 'worker' | 'supervisor' = 'worker'
let step = 'started'
const seen = new Map<string, number>()

/** The process that started this one is the supervisor, unless this one is. */
export function actAsSupervisor(): void {
  role = 'supervisor'
}

export function maybe(site: FaultSite): void {
  if (steps.hasSubscribers) steps.publish(site)
  if (file === undefined) return
  step = site
  seen.clear()
  pass(site)
}

/** `act` between its two points. */
export async function effect<T>(what: string, act: () => Promise<T>): Promise<T> {
  if (file === undefined) return act()
  const name = nameOf(what)
  pass(`${name}/before`)
  const done = await act()
  pass(`${name}/after`)
  return done
}

export function effectSync<T>(what: string, act: () => T): T {
  if (file === undefined) return act()
  const name = nameOf(what)
  pass(`${name}/before`)
  const done = act()
  pass(`${name}/after`)
  return done
}

function nameOf(what: string): string {
  const n = (seen.get(what) ?? 0) + 1
  seen.set(what, n)
  return `${step}>${what}#${n}`
}

function pass(point: string): void {
  const passed = `${file}.passed`
  if (existsSync(passed)) appendFileSync(passed, `${role}:${point}\n`)
  let lines: string[]
  try {
    lines = readFileSync(file!, 'utf8').split('\n').filter(Boolean)
  } catch {
    return
  }
  const [victim, at] = (lines[0] ?? '').split(/:(.*)/s)
  if (at !== point || (victim === 'worker' && role === 'supervisor')) return
  writeFileSync(file!, lines.slice(1).join('\n'))
  process.kill(victim === 'supervisor' && role === 'worker' ? process.ppid : process.pid, 'SIGKILL')
}
