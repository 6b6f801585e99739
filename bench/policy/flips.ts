/** Workloads shift to rules that others wear: as texts, one fleet alone, and fleets of several sizes in turns. */
import { classOf } from '../../src/compile/classes.ts'
import { compileDelta } from '../../src/compile/delta.ts'
import { type Compiled, compileAgent } from '../../src/compile/nft.ts'
import { fleetState } from '../dispatch/fleet.ts'
import { Loading } from './space.ts'
import { Times, type Timing } from './times.ts'

/** What a shift writes ends by itself, as in a change that waits. */
export const HOLD = ' timeout 60000ms'
/** Shifts of one step. */
const AT_ONCE = 50
const TURNS = 40

/** A fleet of `count` workloads whose table is loaded. */
export type Loaded = { readonly space: Loading; readonly compiled: Compiled; readonly count: number }

/** Each wears what the one `step` after it wears, one transaction each; then all are back. */
export async function flip({ space, compiled, count }: Loaded, step: number, times: Times): Promise<void> {
  const from = (step - 1) * AT_ONCE
  const texts = Array.from({ length: AT_ONCE }, (_, i) => shift(compiled, [(from + i) % count], step))
  times.add(await space.ask({ op: 'each', way: 'netlink', texts }))
  await space.load('netlink', forgetText(compiled))
}

/**
 * Sizes are compared by what is measured a moment apart: what the machine does beside falls on all of them, where a size
 * measured in a minute of its own tells of that minute. Each has a namespace with its table for as long as this takes.
 */
export async function flipsInTurns(sizes: readonly number[], profiles: number): Promise<Timing[]> {
  const fleets: { loaded: Loaded; times: Times }[] = []
  try {
    for (const [i, count] of sizes.entries()) {
      const { state, bindings } = fleetState(count, profiles)
      const compiled = compileAgent(state, bindings)
      const space = await Loading.create(`p${i}`)
      fleets.push({ loaded: { space, compiled, count }, times: new Times() })
      await space.load('libnftables', compileDelta(null, compiled, { pendingMs: null, now: 0 }))
    }
    // Not measured: the code is compiled while it runs first, in a process for each of them.
    for (let turn = -TURNS; turn < TURNS; turn++)
      for (const { loaded, times } of turn % 2 === 0 ? fleets : fleets.toReversed())
        await flip(loaded, 1 + (((turn % 4) + 4) % 4), turn < 0 ? new Times() : times)
    return fleets.map(({ times }) => times.timing)
  } finally {
    for (const { loaded } of fleets) await loaded.space.close()
  }
}

/** What `shift` wrote is gone. */
export function forgetText({ classes }: Compiled): string {
  return [
    'flush map inet guise eg_pending\nflush map inet guise ing_pending\nflush set inet guise shifted\n',
    ...[...classes.values()].map((name) => `flush set inet guise ${name}\n`),
  ].join('')
}

/**
 * Workloads `who` wear what the one `step` after them wears, as a delta writes it: elements that end by themselves, of the
 * set of these rules, or in the maps where there are too many rules for sets.
 */
export function shift({ classes, maps: { eg, ing } }: Compiled, who: readonly number[], step: number): string {
  const sets = new Map<string, string[]>()
  const add = (set: string, element: string) => {
    const known = sets.get(set)
    if (known === undefined) sets.set(set, [element])
    else known.push(element)
  }
  for (const one of who) {
    const other = `"f${(one + step) % eg.size}"`
    const [face, egress, ingress] = [`"f${one}"${HOLD}`, eg.get(other)!, ing.get(other)!]
    const set = classes.get(classOf(egress, ingress))
    add(set ?? 'eg_pending', set === undefined ? `${face} : ${egress}` : face)
    add(set === undefined ? 'ing_pending' : 'shifted', set === undefined ? `${face} : ${ingress}` : face)
  }
  return [...sets].map(([set, elements]) => `add element inet guise ${set} { ${elements.join(', ')} }\n`).join('')
}
