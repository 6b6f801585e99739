/** The rules of one workload as the kernel would get them: by meaning, and as text under the name that is the text's hash. */
import { type Compiled, compileAgent } from '../compile/nft.ts'
import type { Draft } from '../decide/dress.ts'
import { failSafePaths } from '../decide/fail-safe.ts'
import type { Members } from '../decide/judge.ts'
import { isLearnedSet } from '../decide/peer-sets.ts'
import type { DecideInput } from '../decide/plan.ts'
import { ruleChanges } from '../decide/preview.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { PACKETS } from '../model/facets.ts'
import type { CompiledPreview, CompiledSide, Direction } from '../model/preview.ts'
import type { WorkloadRecord } from '../model/records.ts'

type Chains = Readonly<Record<Direction, { readonly name: string; readonly text: readonly string[] }>>

export function compiledPreview(
  input: DecideInput,
  before: { readonly draft: Draft | null; readonly members: Members },
  after: { readonly draft: Draft; readonly members: Members },
): CompiledPreview {
  const { record } = after.draft
  const now = before.draft === null ? null : chainsOf(input, record, before.draft.after, before.members)
  const then = chainsOf(input, record, after.draft.after, after.members)
  const live = liveChains(input, record)
  const side = (direction: Direction): CompiledSide => ({
    before: now?.[direction].name ?? null,
    after: then[direction].name,
    live: live?.[direction].name ?? null,
    rules: ruleChanges(before.draft?.after[direction] ?? null, after.draft.after[direction], direction),
    text: { before: now?.[direction].text ?? [], after: then[direction].text },
  })
  return { workload: record.id, name: record.report.name, egress: side('egress'), ingress: side('ingress') }
}

function liveChains(input: DecideInput, record: WorkloadRecord): Chains | null {
  const state = input.target[record.agent]
  const desired = state?.workloads.find((one) => one.workload === record.id)
  if (state === undefined || desired === undefined) return null
  const sets = new Map(state.sets.map((set) => [set.name, set.members]))
  return chainsOf(input, record, desired, (set) => sets.get(set) ?? [])
}

function chainsOf(input: DecideInput, { report }: WorkloadRecord, desired: DesiredState, members: Members): Chains {
  const named = [...desired.egress.rules, ...desired.ingress.rules].flatMap(({ match: { peer } }) =>
    peer.kind === 'set' ? [peer.set] : [],
  )
  const state: AgentState = {
    generation: { system: '', timeline: 0, n: 0 },
    plan: '',
    mode: 'enforce',
    workloads: [{ ...desired, key: report.key, containment: null }],
    sets: [...new Set(named)].map((name) => ({
      name,
      members: [...members(name)],
      ...(isLearnedSet(name) ? { learned: { names: ['any'], resolvers: [], use: 'allow' as const } } : {}),
    })),
    neverBlock: [],
    failSafe: failSafePaths(input.controlPlane),
    confirmWithinMs: input.settings.confirmWithinMs,
  }
  const place = PACKETS[report.driver] ?? 'netns'
  // Chains do not depend on where a workload is bound, so one that is not bound yet has a stand-in.
  const binding = {
    key: report.key,
    interface: place === 'host' ? null : 'preview',
    addresses: place === 'gateway' ? ['192.0.2.1'] : [],
    driver: place,
  }
  const compiled = compileAgent(state, [binding])
  const of = (map: ReadonlyMap<string, string>) => {
    const name = [...map.values()][0]!.replace(/^goto /, '')
    return { name, text: textOf(compiled, name) }
  }
  const { maps } = compiled
  switch (place) {
    case 'host':
      return { egress: of(maps.host_eg), ingress: of(maps.host_ing) }
    case 'gateway':
      return { egress: of(maps.dev_eg4), ingress: of(maps.dev_ing4) }
    case 'netns':
      return { egress: of(maps.eg), ingress: of(maps.ing) }
  }
}

/** A chain as `nft list` would show it, followed by those it leads to. */
function textOf(compiled: Compiled, name: string): string[] {
  const wanted = [name]
  for (const one of wanted)
    for (const line of compiled.chains.get(one) ?? [])
      for (const [, next] of line.matchAll(/\b(?:goto|jump) ([a-z]_[0-9a-z]+)/g))
        if (next !== undefined && !wanted.includes(next)) wanted.push(next)
  return wanted.flatMap((one) => [
    `chain ${one} {`,
    ...(compiled.chains.get(one) ?? []).map((line) => `  ${line}`),
    '}',
  ])
}
