/**
 * What one workload wears in the end. In: its persona resolved, the personas beside it, its risk. Out: the merged rule lists
 * and numbers, the step of its ladder with what that takes away, and whose approval a belief that grants would need.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Containment } from '../model/containment.ts'
import type { DesiredState, ResolvedRule } from '../model/desired.ts'
import { LEAST_RATE } from '../model/facets/bandwidth.ts'
import { dlpWish } from '../model/facets/dlp.ts'
import { closerLook, type Mirrored } from '../model/facets/inspection.ts'
import { CARRIES } from '../model/facets.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { Merged } from '../model/overlap.ts'
import type { ApprovalClass } from '../model/plan.ts'
import { TIER_ORDER } from '../model/policy.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { contextOf, withoutForgeable } from './context.ts'
import { type DlpRules, dlpRules } from './dlp-rules.ts'
import type { Persona } from './effective.ts'
import { facetWishes } from './facet-wishes.ts'
import { stepFor, tighteningOf, withDeny } from './ladder.ts'
import { overlapFor, type Worn, wornBy } from './merge/candidates.ts'
import { type Candidate, mergeProfiles } from './merge/merge-profiles.ts'
import { mergeNumbers, type Wishes } from './merge/numbers.ts'
import { sparing } from './merge/spare.ts'
import { ownPortLabels } from './named-ports.ts'
import type { SetMeaning } from './peer-sets.ts'
import { type Resolution, withoutRedirects } from './resolve.ts'

export type WearInput = {
  readonly now: number
  readonly record: WorkloadRecord
  readonly persona: Persona
  readonly personas: ReadonlyMap<string, Persona>
  /** Policies that apply to it wearing `persona`. */
  readonly applying: readonly PolicyManifest[]
  readonly before: DesiredState | null
  readonly containment: Containment | null
  readonly neverBlock: readonly string[]
  /** Policies that would apply to it wearing that one. */
  readonly policiesOf: (persona: Persona) => readonly PolicyManifest[]
  readonly resolving: (persona: Persona, policies: readonly PolicyManifest[]) => Resolution
  readonly remember: <T>(key: unknown, make: () => T) => T
}
export type WornState = {
  readonly resolution: Resolution
  /** Beside rules, what differs from the persona's own profile. */
  readonly wishes: Pick<
    DesiredState,
    'bandwidth' | 'cpu' | 'memory' | 'inspection' | 'merged' | 'ladder' | 'dlp' | 'onDeny'
  >
  readonly containment: Containment | null
  readonly approval: ApprovalClass
  readonly skipped: readonly Why[]
}

export function wear(input: WearInput): WornState {
  const { record, persona, before, now } = input
  const base = guarded(input, overlapped(input))
  const sure = withoutForgeable(contextOf(record, persona.ref.name, now), record.risk).risk
  const on = stepFor(persona, sure, before?.persona.id === persona.ref.id ? (before.ladder ?? null) : null, now)
  if (on === null) return { ...base, containment: input.containment }
  const carried = CARRIES[record.report.driver]
  const whole = tighteningOf(persona, on)
  const tightening = carried.includes('dlp') ? whole : { ...whole, dlp: [] }
  const resolution = input.remember(['ladder', persona.ref.id, on.at, base.key], () =>
    withLadder(input, base.resolution, tightening),
  )
  const watched = tightening.dlp.find(({ dlp }) => dlp.dnsTunnels === 'watch')
  const told = watched === undefined ? {} : { dlp: dlpWish(watched.dlp) }
  const bandwidth = scaled(base.wishes.bandwidth, tightening.bandwidth)
  const inspection = closerLook(
    facetWishes(persona.spec.profile ?? {}).inspection ?? null,
    tightening.inspection == null ? null : { level: tightening.inspection },
  )
  const isLooked = inspection !== null && carried.includes('inspection')
  return {
    ...base,
    resolution,
    wishes: {
      ...base.wishes,
      ...(bandwidth === undefined ? {} : { bandwidth }),
      ...(isLooked ? { inspection } : {}),
      ...told,
      ladder: on,
    },
    containment: withDeny(input.containment, on, tightening.deny),
    skipped: [
      ...base.skipped,
      ...(whole.dlp.length === tightening.dlp.length ? [] : [uncarried(on, record)]),
      ...(inspection === null || isLooked ? [] : [notLooked(input)]),
    ],
  }
}

function uncarried(on: NonNullable<DesiredState['ladder']>, { report }: WorkloadRecord): Why {
  return { ...on.why, text: `${on.why.text}; driver ${report.driver} does not carry dlp, so that part is left out` }
}

type Overlapped = Omit<WornState, 'containment'> & { readonly key: unknown; readonly worn: readonly Persona[] }

/** What may leave, by the word of each persona that is worn: it only takes away, so none is asked whose counts more. */
function guarded(input: WearInput, unguarded: Overlapped): Overlapped {
  const carried = CARRIES[input.record.report.driver]
  const resets = carried.includes('onDeny') && unguarded.worn.some(({ spec }) => spec.profile?.onDeny === 'reset')
  const base = resets ? { ...unguarded, wishes: { ...unguarded.wishes, onDeny: 'reset' as const } } : unguarded
  const saying = carried.includes('dlp') ? base.worn.filter(({ spec }) => spec.profile?.dlp !== undefined) : []
  if (saying.length === 0) return base
  const resolution = input.remember(['dlp', saying.map(({ ref }) => ref.id), base.key], () => {
    const rules = saying.map((one) => dlpRules(one.spec.profile!.dlp!, one, input.neverBlock, `persona:${one.ref.id}`))
    return inFront(base.resolution, rules)
  })
  return { ...base, resolution, key: ['dlp', base.key] }
}

type Taking = Pick<DlpRules, 'egress' | 'ingress' | 'sets'>
/** Rules that only take away, in front of all. */
function inFront(base: Resolution, taking: readonly Taking[]): Resolution {
  const sets = new Map([...base.sets, ...taking.flatMap((one) => [...one.sets])])
  const list = (direction: 'egress' | 'ingress') => {
    const isTiered = base[direction].rules.some((rule) => rule.tier !== undefined)
    const first = taking.flatMap((one) => one[direction])
    return {
      ...base[direction],
      rules: [...first.map((rule) => (isTiered ? { ...rule, tier: 0 } : rule)), ...base[direction].rules],
    }
  }
  return { ...base, egress: list('egress'), ingress: list('ingress'), sets }
}

function overlapped(input: WearInput): Overlapped {
  const { record, persona, personas, applying, before } = input
  const own = input.resolving(persona, applying)
  const wishes = numbersOf(persona)
  const alone = {
    resolution: own,
    wishes,
    approval: 'auto' as const,
    skipped: [],
    key: keyOf(input, []),
    worn: [persona],
  }
  const chosen = overlapFor(persona, applying)
  if (chosen === null) return alone
  const worn = wornBy(persona, chosen.overlap, record.belief, personas, before?.merged ?? null)
  if (worn.length === 1) return alone
  const asks = new Set(['strictest', 'expectedCost'])
  const meets = asks.has(chosen.overlap.strategy ?? 'priority') || worn.some((one) => one.word === 'inferred')
  if (
    meets &&
    worn.some((one) => input.resolving(one.persona, input.policiesOf(one.persona)).sets.values().some(isOfDomain))
  ) {
    const text = `rules about domains cannot be met with those of other personas, since only hosts know who they are, so it wears ${persona.ref.name} alone`
    return { ...alone, skipped: [{ rule: 'overlap-of-domains', text }] }
  }
  const dressed = worn.map((one, i) => ({ ...one, policies: i === 0 ? applying : input.policiesOf(one.persona) }))
  const key = keyOf(input, [
    chosen.overlap,
    ...dressed.map((one) => [one.persona.ref.id, one.p, one.word, one.policies.map(({ metadata }) => metadata.name)]),
  ])
  const resolution = input.remember(['overlap', key], () => mergedRules(input, chosen.overlap, dressed, own))
  if (resolution === null) {
    const text = `${worn.map((one) => one.persona.ref.name).join(', ')} have too many rules to be merged, so it wears ${persona.ref.name} alone`
    return { ...alone, skipped: [{ rule: 'overlap-too-large', text: text.slice(0, 500) }] }
  }
  const carried = CARRIES[record.report.driver]
  const sayers = worn.map((one) => ({
    name: one.persona.ref.name,
    p: one.p,
    alone: one.alone,
    word: one.word,
    wishes: numbersOf(one.persona),
  }))
  const { wishes: numbers, numbers: traced } = mergeNumbers(sayers, chosen.overlap, carried)
  const merged: Merged = {
    strategy: chosen.overlap.strategy ?? 'priority',
    of: worn.map(({ persona: { ref }, p, word }) => ({ ...ref, p, word })),
    ...(traced.length === 0 ? {} : { numbers: traced as NonNullable<Merged['numbers']> }),
  }
  const isTrusted = worn.some((one) => one.word === 'trusted')
  return {
    resolution,
    wishes: { ...numbers, merged },
    approval: isTrusted ? (chosen.overlap.trust?.approval ?? 'two') : 'auto',
    skipped: [],
    key,
    worn: worn.map((one) => one.persona),
  }
}

/** Equal for workloads whose rules are equal: what they wear, under which policies, with which names for their ports. */
function keyOf({ record, persona, applying }: WearInput, more: readonly unknown[]): unknown {
  return [persona.ref.id, applying.map((one) => one.metadata.name), ownPortLabels(record.report.labels), more]
}

function mergedRules(
  input: WearInput,
  overlap: Parameters<typeof mergeProfiles>[1],
  worn: readonly (Worn & { readonly policies: readonly PolicyManifest[] })[],
  own: Resolution,
): Resolution | null {
  const candidates = worn.map((one, i): Candidate => {
    const { egress, ingress, sets } = i === 0 ? own : withoutRedirects(input.resolving(one.persona, one.policies))
    const { ref, spec } = one.persona
    return {
      persona: ref,
      probability: one.p,
      alone: one.alone,
      word: one.word,
      rules: spec.profile?.rules?.length ?? 0,
      egress,
      ingress,
      sets,
    }
  })
  const tiers = new Map(
    input.applying.map(({ metadata, spec }) => [
      metadata.name,
      TIER_ORDER.findIndex((one) => one.tier === (spec.tier ?? 'policies')),
    ]),
  )
  const merged = mergeProfiles(candidates as [Candidate, ...Candidate[]], overlap, tiers, input.neverBlock)
  // Whose rules count for less is copied all the same: it takes nothing from anybody.
  const others = worn.slice(1).flatMap((one) => input.resolving(one.persona, one.policies).mirrored)
  const mirrored = [...own.mirrored, ...others].filter(isFirst)
  return merged === null ? null : { ...own, ...merged, mirrored }
}

/** A policy that is asked for several personas says the same for each. */
function isFirst(one: Mirrored, i: number, all: readonly Mirrored[]): boolean {
  return all.findIndex((other) => isDeepStrictEqual(other, one)) === i
}

/** Before every other rule: a ladder that a policy's allow could pass by would be none. */
function withLadder(
  input: WearInput,
  base: Resolution,
  { rules: steps, dlp }: ReturnType<typeof tighteningOf>,
): Resolution {
  const { ref } = input.persona
  const sets = new Map(base.sets)
  const mirrored = [...base.mirrored]
  const added = steps.map(({ at, rules }) => {
    const id = `${ref.id}/ladder/${at}` as typeof ref.id
    const found = input.resolving({ ref: { ...ref, id }, spec: { profile: { rules } } }, [])
    for (const [name, meaning] of found.sets) sets.set(name, meaning)
    mirrored.push(...found.mirrored)
    const named = (list: readonly ResolvedRule[]) =>
      list.map((rule) => ({
        ...rule,
        why: {
          ...rule.why,
          text: rule.why.text.replace(/^persona .{1,63} rule (?=\d+:)/, `step ${at} of ${ref.name}'s ladder, rule `),
        },
      }))
    return { egress: named(found.egress.rules), ingress: named(found.ingress.rules) }
  })
  const leaving = dlp.map((step) =>
    dlpRules(step.dlp, input.persona, input.neverBlock, `persona:${ref.id}/ladder/${step.at}`),
  )
  for (const one of leaving) for (const [name, meaning] of one.sets) sets.set(name, meaning)
  const list = (direction: 'egress' | 'ingress') =>
    sparing(
      [...added, ...leaving].flatMap((one) => one[direction]),
      input.neverBlock,
      sets,
    )
  return { ...inFront(base, [{ egress: list('egress'), ingress: list('ingress'), sets }]), mirrored }
}

const isOfDomain = ({ kind }: SetMeaning) => kind === 'domain'

function numbersOf({ spec }: Persona): Wishes {
  const { bandwidth, cpu, memory } = facetWishes(spec.profile ?? {})
  return {
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  }
}

function notLooked({ record, persona }: WearInput): Why {
  const text = `driver ${record.report.driver} does not carry inspection, so ${persona.ref.name}'s ladder tightens everything but that`
  return { rule: 'facet-not-supported', text: text.slice(0, 500) }
}

function scaled(bandwidth: Wishes['bandwidth'], factor: number): Wishes['bandwidth'] {
  if (bandwidth === undefined || factor === 1) return bandwidth
  const rate = (bits: number) => Math.max(LEAST_RATE, Math.floor(bits * factor))
  const shape = (way: NonNullable<Wishes['bandwidth']>['up']) =>
    way === undefined ? undefined : { rate: rate(way.rate), ceiling: rate(way.ceiling) }
  const [down, up] = [shape(bandwidth.down), shape(bandwidth.up)]
  return { ...bandwidth, ...(down === undefined ? {} : { down }), ...(up === undefined ? {} : { up }) }
}
