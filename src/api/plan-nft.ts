/**
 * What a plan does to each agent's table, compiled here as the agent will: the hash to compare with what it read back, and
 * the lines that change. In: the states before and after, and where the workloads are. Nothing is applied by looking.
 */
import { bindingsOfReport } from '../compile/bind.ts'
import { type Compiled, compileAgent } from '../compile/nft.ts'
import type { Binding } from '../compile/tree.ts'
import type { AgentState } from '../model/desired.ts'
import type { NftLine } from '../model/plan-preview.ts'
import type { WorkloadRecord } from '../model/records.ts'

/** Above this many set members compiling takes longer than a person looks (1 µs each on one core, twice). */
const MOST_MEMBERS = 200_000
const MOST_LINES = 2_000

/** As the agent finds them: what a persona gives counts, else what was reported. */
export function bindingsFor(state: AgentState, workloads: readonly WorkloadRecord[]): Binding[] {
  const desired = new Map(state.workloads.map((one) => [one.key, one]))
  return workloads.flatMap(({ report }) => bindingsOfReport(report, desired.get(report.key)?.network?.addresses))
}

/** Null when it is too large for a look, or breaks a promise of the model: the agent refuses such a state and says why. */
export function compileForLook(state: AgentState | null, workloads: readonly WorkloadRecord[]): Compiled | null {
  if (state === null) return null
  const members = state.neverBlock.length + state.sets.reduce((sum, set) => sum + set.members.length, 0)
  if (members > MOST_MEMBERS) return null
  try {
    return compileAgent(state, bindingsFor(state, workloads))
  } catch {
    return null
  }
}

export function nftDiff(before: Compiled | null, after: Compiled): { lines: readonly NftLine[]; more: number } {
  const lines = [
    ...blocks('chain', before?.chains, after.chains, (rules) => [...rules]),
    ...blocks('set', before?.sets, after.sets, (set) => [`type ${set.type}`, ...[...set.elements].sort()]),
    ...blocks(
      'map',
      before === null ? undefined : new Map(Object.entries(before.maps)),
      new Map(Object.entries(after.maps)),
      (entries) => [...entries].map(([element, verdict]) => `${element} : ${verdict}`).sort(),
    ),
    ...blocks('contained', before === null ? undefined : contained(before), contained(after), (entries) => entries),
  ]
  return { lines: lines.slice(0, MOST_LINES), more: Math.max(0, lines.length - MOST_LINES) }
}

function contained({ contained: all }: Compiled): Map<string, string[]> {
  const lines = all.map(({ map, element, chain, until }) => {
    return [map as string, `${element} : goto ${chain} until ${new Date(until).toISOString()}`] as const
  })
  return new Map([...Map.groupBy(lines, ([map]) => map)].map(([map, some]) => [map, some.map(([, line]) => line)]))
}

/** Blocks that differ only; of one that is there before and after, only its lines that differ. */
function blocks<T>(
  kind: string,
  before: ReadonlyMap<string, T> | undefined,
  after: ReadonlyMap<string, T>,
  body: (block: T) => readonly string[],
): NftLine[] {
  const names = [...new Set([...(before?.keys() ?? []), ...after.keys()])].sort()
  return names.flatMap((name): NftLine[] => {
    const [was, will] = [before?.get(name), after.get(name)].map((one) => (one === undefined ? null : body(one)))
    const old = new Set(was ?? [])
    const fresh = new Set(will ?? [])
    const changes: NftLine[] = [
      ...[...old].filter((line) => !fresh.has(line)).map((line) => ({ sign: '-' as const, text: `  ${line}` })),
      ...[...fresh].filter((line) => !old.has(line)).map((line) => ({ sign: '+' as const, text: `  ${line}` })),
    ]
    if (changes.length === 0) return []
    const sign = was == null ? '+' : will == null ? '-' : ' '
    return [{ sign, text: `${kind} ${name} {` }, ...changes, { sign, text: '}' }]
  })
}
