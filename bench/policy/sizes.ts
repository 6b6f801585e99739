/** One size of fleet in one shape: full loads, single shifts, a new profile and 1,000 shifts at once, ours and naive in turn. */
import { performance } from 'node:perf_hooks'
import { compileDelta, removeText } from '../../src/compile/delta.ts'
import { type Compiled, compileAgent } from '../../src/compile/nft.ts'
import type { AgentState, RuleList } from '../../src/model/desired.ts'
import { fleetState, profile } from '../dispatch/fleet.ts'
import { flip, forgetText, HOLD, shift } from './flips.ts'
import type { Way } from './inside.ts'
import { naiveShift, naiveText, removeNaive } from './naive.ts'
import type { Loading } from './space.ts'
import { median, Times, type Timing } from './times.ts'

/** Of 50 shifts. */
const STEPS = 4
/** Each shift takes tens of milliseconds where no profile is shared. */
const FEW_STEPS = 1
const BULK = 1_000
const NEW_PROFILES = 15

export type SizeResult = {
  readonly workloads: number
  readonly profiles: number
  readonly compile: Timing
  readonly load: Timing
  /** The way it went. */
  readonly by: string
  readonly full_ms: number
  readonly full_least_ms: number
  readonly flip: Timing
  /** The same, with the whole state compiled anew and compared, as the agent does today. */
  readonly replan_ms: number
  readonly new_chain: Timing
  readonly bulk1000: Timing
  readonly element: Timing
  /** null: not loaded in this shape. */
  readonly naive: Readonly<
    Record<'program' | 'libnftables', { readonly full_ms: number; readonly flip_ms: number } | null>
  >
}

export async function measureSize(
  space: Loading,
  workloads: number,
  profiles: number,
  rounds: number,
): Promise<SizeResult> {
  const fleet = fleetState(workloads, profiles)
  const [compile, load, full] = [new Times(), new Times(), new Times()]
  const naive = {
    program: { full: new Times(), flip: new Times() },
    libnftables: { full: new Times(), flip: new Times() },
  }
  let compiled = compileAgent(fleet.state, fleet.bindings.slice(0, 1))
  let by = ''
  for (let round = 0; round < rounds; round++) {
    const [start, used] = [performance.now(), process.cpuUsage()]
    compiled = compileAgent(fleet.state, fleet.bindings)
    const text = compileDelta(null, compiled, { pendingMs: null, now: 0 })
    const ms = performance.now() - start
    const { user, system } = process.cpuUsage(used)
    compile.add({ ms: [ms], cpuMs: [(user + system) / 1_000], kernelMs: [system / 1_000] })
    const loaded = await space.load('quickest', text)
    load.add(loaded)
    by = loaded.by
    full.add({ ms: [ms + loaded.ms[0]!] })
    await space.load('libnftables', removeText())
    // Without shared profiles the naive table is as large as with them; the largest is loaded once a run, not twice.
    for (const way of profiles > 1_000 ? [] : (['program', 'libnftables'] as const)) {
      naive[way].full.add(await space.load(way, naiveText(fleet.state)))
      naive[way].flip.add(await each(space, way, naiveFlips(fleet.state, rounds)))
      await space.load('libnftables', removeNaive)
    }
  }
  await space.load('libnftables', compileDelta(null, compiled, { pendingMs: null, now: 0 }))
  const ours = await changes(space, compiled, fleet.state, rounds)
  const replan_ms = await replan(space, compiled, fleet)
  await space.load('libnftables', removeText())
  const told = (way: 'program' | 'libnftables') =>
    naive[way].full.ms.length === 0 ? null : { full_ms: naive[way].full.timing.ms, flip_ms: naive[way].flip.timing.ms }
  return {
    workloads,
    profiles,
    compile: compile.timing,
    load: load.timing,
    by,
    full_ms: full.timing.ms,
    full_least_ms: full.timing.least_ms,
    ...ours,
    replan_ms,
    naive: { program: told('program'), libnftables: told('libnftables') },
  }
}

const each = (space: Loading, way: Way, texts: readonly string[]) => space.ask({ op: 'each', way, texts })

async function changes(
  space: Loading,
  compiled: Compiled,
  state: AgentState,
  rounds: number,
): Promise<Pick<SizeResult, 'flip' | 'new_chain' | 'bulk1000' | 'element'>> {
  const [flips, chain, bulk, element] = [new Times(), new Times(), new Times(), new Times()]
  const forget = forgetText(compiled)
  const count = state.workloads.length
  const loaded = { space, compiled, count }
  // The first is not measured: the code is compiled while it runs.
  for (const times of [new Times(), ...Array.from({ length: rounds }, () => flips)])
    for (let step = 1; step <= (rounds > 1 ? STEPS : FEW_STEPS); step++) await flip(loaded, step, times)
  const known = [...compiled.sets.get('source4')!.elements].slice(0, 50)
  for (let round = 0; round <= rounds; round++)
    (round === 0 ? new Times() : element).add(
      await each(
        space,
        'netlink',
        known.map((one) => `delete element inet guise source4 { ${one} }\nadd element inet guise source4 { ${one} }\n`),
      ),
    )
  for (let round = -2; round < rounds; round++) {
    const all = Array.from({ length: Math.min(BULK, count) }, (_, i) => i)
    const loaded = await space.load('netlink', shift(compiled, all, 3 + round))
    if (round >= 0) bulk.add(loaded)
    await space.load('netlink', forget)
  }
  const fresh = newProfiles(compiled)
  chain.add(
    await each(
      space,
      'quickest',
      fresh.map(({ text }) => text),
    ),
  )
  const gone = fresh.map(({ chain }) => `flush chain inet guise ${chain}\ndelete chain inet guise ${chain}\n`)
  await space.load('libnftables', [forget, ...gone].join(''))
  return { flip: flips.timing, new_chain: chain.timing, bulk1000: bulk.timing, element: element.timing }
}

/** What a delta writes when one workload gets 20 rules that nobody wore before. */
function newProfiles(compiled: Compiled): { readonly chain: string; readonly text: string }[] {
  const [name, lines] = [...compiled.chains].find(([chain]) => chain.startsWith('e_'))!
  return Array.from({ length: NEW_PROFILES }, (_, i) => {
    const chain = `${name.slice(0, -3)}${String(100 + i)}`
    const rules = lines.map((line) => line.replace(/proto-dst \d+/, `proto-dst ${61_000 + i}`))
    const text = [
      `add chain inet guise ${chain}\nflush chain inet guise ${chain}\n`,
      `table inet guise {\n  chain ${chain} {\n${rules.map((rule) => `    ${rule}\n`).join('')}  }\n}\n`,
      `add element inet guise eg_pending { "f${i}"${HOLD} : goto ${chain} }\n`,
    ].join('')
    return { chain, text }
  })
}

async function replan(space: Loading, before: Compiled, fleet: ReturnType<typeof fleetState>): Promise<number> {
  const ms: number[] = []
  let held = before
  for (const state of [fleet.shifted, fleet.state, fleet.shifted]) {
    const start = performance.now()
    const next = compileAgent(state, fleet.bindings)
    const text = compileDelta(held, next, { pendingMs: null, now: 0 })
    ms.push(performance.now() - start + (await space.load('quickest', text)).ms[0]!)
    held = next
  }
  return median(ms)
}

function naiveFlips(state: AgentState, rounds: number): string[] {
  const other: RuleList = profile(1)
  return state.workloads
    .slice(0, rounds > 1 ? 5 : 2)
    .map((workload) => naiveShift({ ...workload, egress: other, ingress: other }))
}
