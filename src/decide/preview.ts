/**
 * In: the whole state that a decision is made on, and manifests somebody is writing. Out: whom they touch, how rules change, and
 * what a plan would be. A policy is looked at as if it enforced and its `when` held, as its tests do, unless what is kept
 * enforces already: a change of that is looked at as it is written.
 */
import type { DesiredState, ResolvedRule, RuleList } from '../model/desired.ts'
import { slug } from '../model/ids.ts'
import type { Manifest, PolicyManifest } from '../model/manifest.ts'
import type { Direction, ManifestPreview, ReplayedConversation, RuleChange } from '../model/preview.ts'
import type { ManifestRecord } from '../model/records.ts'
import { approvalFor } from './authority.ts'
import { canonical, sameMeaning } from './canonical.ts'
import { type Draft, dressFleet } from './dress.ts'
import type { Members } from './judge.ts'
import { createPeerSets, type SetMeaning } from './peer-sets.ts'
import { type DecideInput, decideUnsigned } from './plan.ts'
import type { Resolution } from './resolve.ts'
import { isSubject } from './subjects.ts'

export type Assumed = 'enforce' | 'when'

/** A workload whose rules, or what else it wears, would be other ones. */
export type Changed = {
  readonly before: Draft | null
  readonly after: Draft
  readonly changes: readonly RuleChange[]
}
export type Reach = {
  readonly assumed: readonly Assumed[]
  /** Those the policies' subjects name, or that wear the personas. */
  readonly subjects: readonly Draft[]
  readonly groups: readonly (readonly Changed[])[]
  /** By workload, everyone: what is resolved now, and what would be. */
  readonly before: ReadonlyMap<string, Draft>
  readonly after: ReadonlyMap<string, Draft>
}

/** The records as they would be once the set is kept. */
export function withSet(records: readonly ManifestRecord[], set: readonly Manifest[]): ManifestRecord[] {
  const left = new Map(records.map((record) => [`${record.kind}/${record.id}`, record]))
  for (const manifest of set) {
    const { kind } = manifest
    const id = slug(manifest.metadata.name)
    const held = left.get(`${kind}/${id}`)
    const fresh = { kind, id, tenant: '' as ManifestRecord['tenant'], builtin: false, updatedAt: 0, updatedBy: '' }
    left.set(`${kind}/${id}`, { ...(held ?? fresh), manifest, version: (held?.version ?? 0) + 1 })
  }
  return [...left.values()]
}

/** Whom the set touches, and how. Groups: the largest first, each of workloads whose rules change alike. */
export function reachOf(input: DecideInput, set: readonly Manifest[]): Reach {
  const assumed = new Set<Assumed>()
  const looked = set.map((manifest) =>
    manifest.kind === 'Policy' ? assume(manifest, input.manifests, assumed) : manifest,
  )
  const byWorkload = (drafts: readonly Draft[]) => new Map(drafts.map((draft) => [draft.record.id as string, draft]))
  const before = byWorkload(dressFleet(input).drafts)
  const after = byWorkload(dressFleet({ ...input, manifests: withSet(input.manifests, looked) }).drafts)
  const compare = comparer()
  const groups = new Map<string, Changed[]>()
  for (const [id, draft] of after) {
    const was = before.get(id) ?? null
    const { key, changes } = compare(was?.resolution ?? null, draft.resolution)
    const facets = changedFacets(was?.after ?? null, draft.after)
    if (changes.length === 0 && facets.length === 0) continue
    const group = `${draft.effective.persona.ref.id} ${key} ${facets}`
    groups.set(group, [...(groups.get(group) ?? []), { before: was, after: draft, changes }])
  }
  return {
    assumed: [...assumed].sort(),
    subjects: subjectsOf(set, [...after.values()]),
    groups: [...groups.values()].sort((a, b) => b.length - a.length),
    before,
    after,
  }
}

/** Members of every set that the rules of these workloads name, or those of `more`. */
export function membersOf(
  input: DecideInput,
  drafts: ReadonlyMap<string, Draft>,
  more: readonly Resolution[] = [],
): Members {
  const resolutions = new Set([...[...drafts.values()].map((draft) => draft.resolution), ...more])
  return createPeerSets({
    workloads: [...drafts.values()],
    entries: input.intel.entries,
    homeNetworks: input.settings.homeNetworks,
    names: new Map<string, SetMeaning>([...resolutions].flatMap(({ sets }) => [...sets])),
    ...(input.intel.places === undefined ? {} : { places: input.intel.places }),
  }).members
}

/** Above this many workloads the plan is estimated: deciding over all of them twice would keep others waiting. */
const MAX_DECIDED = 1_000

/** The plan that keeping the set would lead to; null when none would, or the one that is due anyway. */
export function planAfter(
  input: DecideInput,
  set: readonly Manifest[],
  reach: Reach,
  changed: readonly ReplayedConversation[],
): ManifestPreview['plan'] {
  // A policy in observe that stays there is in no rule, whatever it says.
  if (reach.groups.length === 0 || set.every((one) => isAside(one))) {
    if (!set.some((one) => isTaken(one, input.manifests))) return null
  }
  if (input.workloads.length > MAX_DECIDED) return estimated(input, reach, changed)
  const { plan } = decideUnsigned({ ...input, manifests: withSet(input.manifests, set) })
  if (plan === null) return null
  const due = decideUnsigned(input).plan
  if (due !== null && canonical(due.agents) === canonical(plan.agents)) return null
  const { direction, approval, blastRadius, steps, summary } = plan
  return { direction, approval, blastRadius, steps: steps.length, summary, isExact: true }
}

function isAside(manifest: Manifest): boolean {
  return manifest.kind === 'Policy' && manifest.spec.mode !== 'enforce'
}

/** It enforces now, and would not any more. */
function isTaken(manifest: Manifest, kept: readonly ManifestRecord[]): boolean {
  const held = kept.find((one) => one.kind === manifest.kind && one.id === slug(manifest.metadata.name))?.manifest
  return isAside(manifest) && held?.kind === 'Policy' && held.spec.mode === 'enforce'
}

function estimated(
  input: DecideInput,
  { groups }: Reach,
  changed: readonly ReplayedConversation[],
): ManifestPreview['plan'] {
  const enforcing = new Set(input.agents.flatMap((agent) => (agent.mode === 'enforce' ? [agent.id] : [])))
  const moved = groups.flat().filter(({ after }) => enforcing.has(after.record.agent))
  if (moved.length === 0) return null
  const ids = new Set<string>(moved.map(({ after }) => after.record.id))
  const cut = changed.filter((one) => one.after === 'deny' && ids.has(one.workload)).length
  const adopted = moved.filter(({ after }) => after.before !== null).length
  return {
    direction: 'change',
    approval: approvalFor(input.workloads.length, adopted, cut),
    blastRadius: { workloads: moved.length, conversationsCut: cut, cut: [] },
    steps: moved.length,
    summary: '',
    isExact: false,
  }
}

function assume(policy: PolicyManifest, kept: readonly ManifestRecord[], assumed: Set<Assumed>): PolicyManifest {
  const mode = policy.spec.mode ?? 'observe'
  const held = kept.find((one) => one.kind === 'Policy' && one.id === slug(policy.metadata.name))?.manifest
  const enforces = held?.kind === 'Policy' && held.spec.mode === 'enforce'
  if (mode === 'off' || (enforces && mode !== 'enforce')) return policy
  if (mode !== 'enforce') assumed.add('enforce')
  const { when, ttl: _ttl, ...spec } = policy.spec
  if (when !== undefined) assumed.add('when')
  return { ...policy, spec: { ...spec, mode: 'enforce' } }
}

function subjectsOf(set: readonly Manifest[], drafts: readonly Draft[]): readonly Draft[] {
  return drafts.filter((draft) =>
    set.some((one) =>
      one.kind === 'Policy'
        ? isSubject(one, draft)
        : one.kind === 'Persona' && slug(one.metadata.name) === draft.effective.persona.ref.id,
    ),
  )
}

type Worn = Partial<DesiredState>
/** Who wears what by whose word; what follows from it stands in rules and facets. The version of the persona says nothing of its own. */
const TOLD = ['workload', 'key', 'persona', 'merged', 'ladder', 'egress', 'ingress'] as const satisfies (keyof Worn)[]

/** What is worn beside rules, and would be another. */
function changedFacets(before: Worn | null, after: Worn): string[] {
  const was: Worn = before ?? { containment: null }
  const names = new Set([...Object.keys(was), ...Object.keys(after)] as (keyof Worn)[])
  return [...names.difference(new Set<string>(TOLD))].filter((name) => !sameMeaning(was[name], after[name])).sort()
}

type Comparison = { readonly key: string; readonly changes: readonly RuleChange[] }

/** Resolutions are shared by many workloads, so each pair is compared once. */
function comparer(): (before: Resolution | null, after: Resolution) => Comparison {
  const known = new Map<Resolution | null, Map<Resolution, Comparison>>()
  return (before, after) => {
    const of = known.get(before) ?? new Map<Resolution, Comparison>()
    known.set(before, of)
    const found = of.get(after) ?? compared(before, after)
    of.set(after, found)
    return found
  }
}

function compared(before: Resolution | null, after: Resolution): Comparison {
  const changes = (['egress', 'ingress'] as const).flatMap((direction) =>
    ruleChanges(before?.[direction] ?? null, after[direction], direction).filter((one) => one.change !== 'same'),
  )
  return {
    key: JSON.stringify(changes.map((one) => [one.direction, one.change, textOf(one)])),
    changes,
  }
}

/**
 * Every rule of both lists in the order of the new one, a removed rule where it stood. Lists are compared as sequences,
 * since their order decides; a rule that says the same in other words, or under another name, is the same rule.
 */
export function ruleChanges(before: RuleList | null, after: RuleList, direction: Direction): RuleChange[] {
  const old = before === null ? [] : [...before.rules, rest(before)]
  const now = [...after.rules, rest(after)]
  const kept = longestCommon(old.map(textOf), now.map(textOf))
  const change = (rule: Line, what: RuleChange['change']): RuleChange => ({ direction, change: what, ...rule })
  const out: RuleChange[] = []
  let [from, to] = [0, 0]
  const upTo = (oldEnd: number, nowEnd: number) => {
    while (from < oldEnd) out.push(change(old[from++]!, 'removed'))
    while (to < nowEnd) out.push(change(now[to++]!, 'added'))
  }
  for (let i = 0; i < now.length; i++) {
    const was = kept.get(i)
    if (was === undefined) continue
    upTo(was, i)
    out.push(change(now[i]!, 'same'))
    from = was + 1
    to = i + 1
  }
  upTo(old.length, now.length)
  return out
}

type Line = Pick<RuleChange, 'verdict' | 'match' | 'why' | 'tier' | 'limit' | 'log' | 'beyond'>
function rest(list: RuleList): Line {
  return { verdict: list.otherwise, match: null, why: list.why }
}
function textOf({ verdict, match, tier, limit, log, beyond }: Line | ResolvedRule): string {
  return JSON.stringify([verdict, match, tier ?? 0, limit, log, beyond])
}

/** Above this many pairs, what is left between equal ends counts as changed: a list may have 5,000 rules. */
const MAX_PAIRS = 4_000_000

/** Index in `b` → index in `a` of a longest common subsequence; equal ends are taken first. */
function longestCommon(a: readonly string[], b: readonly string[]): Map<number, number> {
  const found = new Map<number, number>()
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) found.set(start, start++)
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) {
    end++
    found.set(b.length - end, a.length - end)
  }
  const [rows, columns] = [a.length - start - end, b.length - start - end]
  if (rows * columns === 0 || rows * columns > MAX_PAIRS) return found
  const width = columns + 1
  const lengths = new Uint16Array((rows + 1) * width)
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[start + i] === b[start + j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
  for (let i = 0, j = 0; i < rows && j < columns; ) {
    if (a[start + i] === b[start + j]) found.set(start + j++, start + i++)
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++
    else j++
  }
  return found
}
