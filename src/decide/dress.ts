/**
 * What every workload should wear. In: the whole state. Out: a draft each (persona, resolved rules, what risk does to it),
 * with a reason for every workload left out.
 */

import { parseCidr } from '../model/address.ts'
import type { DesiredState } from '../model/desired.ts'
import { MOST_MIRRORED, withMirrored } from '../model/facets/inspection.ts'
import { MOST_REDIRECTS } from '../model/facets/redirects.ts'
import { CARRIES, facetsOf, lackText } from '../model/facets.ts'
import { slug, type WorkloadId } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { ApprovalClass } from '../model/plan.ts'
import { durationMs } from '../model/policy.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { takenAddresses } from './address-claims.ts'
import { sortBy } from './canonical.ts'
import { contextOf } from './context.ts'
import { desiredState } from './desired-state.ts'
import { type Effective, effectiveOf, type Persona, personasOf } from './effective.ts'
import { inForce } from './in-force.ts'
import { type Mitigation, mitigate } from './mitigate.ts'
import { fleetPortNames, ownPortLabels } from './named-ports.ts'
import type { Dressed } from './peer-sets.ts'
import { NO_PLACES, placeText } from './places.ts'
import type { DecideInput, ShiftProposal } from './plan.ts'
import { type Resolution, resolve } from './resolve.ts'
import { createRuleEngine, type RuleEngine } from './rules.ts'
import { secretFacets } from './secret-facets.ts'
import { isSubject } from './subjects.ts'
import { trustedResolvers } from './trusted-resolvers.ts'
import { wear } from './wear.ts'

export type Draft = {
  readonly record: WorkloadRecord
  readonly effective: Effective
  readonly resolution: Resolution
  readonly mitigation: Mitigation
  readonly byPolicy: readonly Why[]
  /** What a belief that grants needs. */
  readonly approval: ApprovalClass
  readonly before: DesiredState | null
  after: DesiredState
}
export type Notes = {
  readonly skipped: { workload: WorkloadId; why: Why }[]
  readonly wouldDo: { workload: WorkloadId; why: Why }[]
  readonly alarms: Why[]
  readonly shifts: ShiftProposal[]
  readonly activations: Record<string, number>
}

/** What every workload should wear by what is written, whatever the mode of its agent. */
export function dressFleet(input: DecideInput, notes: Notes = emptyNotes()) {
  const engine = createRuleEngine()
  const personas = personasOf(input.manifests)
  const policies = input.manifests.flatMap((one) => (one.manifest.kind === 'Policy' ? [one.manifest] : []))
  const dressed = sortBy(input.workloads, (one) => one.id).map((record) => ({
    record,
    effective: effectiveOf(record, personas, input.shifts, input.now),
  }))
  const resolving = resolveOnce(input.workloads)
  const remember = rememberer()
  const drafts = dressed.flatMap((one) => draftOf(input, one, policies, personas, engine, resolving, remember, notes))
  return { dressed, drafts: withoutTaken(input, dressed, drafts, notes) }
}

export function emptyNotes(): Notes {
  return { skipped: [], wouldDo: [], alarms: [], shifts: [], activations: {} }
}

type Remember = <T>(key: unknown, make: () => T) => T

/** What equal workloads come to is worked out once; it is one object for all of them, as previews expect. */
function rememberer(): Remember {
  const known = new Map<string, unknown>()
  return <T>(key: unknown, make: () => T): T => {
    const text = JSON.stringify(key)
    if (!known.has(text)) known.set(text, make())
    return known.get(text) as T
  }
}

type Resolving = (persona: Persona, policies: readonly PolicyManifest[], record: WorkloadRecord) => Resolution

/** Who wears the same persona under the same policies, with the same names for its ports, has the same rules: one list for all of them. */
function resolveOnce(workloads: readonly WorkloadRecord[]): Resolving {
  const known = new Map<string, Resolution>()
  const fleet = fleetPortNames(workloads.map((one) => one.report))
  return (persona, policies, { report }) => {
    const own = ownPortLabels(report.labels)
    const key = JSON.stringify([persona.ref.id, own, ...policies.map((policy) => policy.metadata.name)])
    const resolution = known.get(key) ?? resolve(persona, policies, { own, fleet })
    known.set(key, resolution)
    return resolution
  }
}

function draftOf(
  input: DecideInput,
  one: Dressed,
  policies: readonly PolicyManifest[],
  personas: ReadonlyMap<string, Persona>,
  engine: RuleEngine,
  resolving: Resolving,
  remember: Remember,
  notes: Notes,
): Draft[] {
  const { record, effective } = one
  const skip = (rule: string, text: string): Draft[] => {
    notes.skipped.push({ workload: record.id, why: { rule, text } })
    return []
  }
  if (record.report.driver === 'recording')
    return skip('driver/recording', 'it is a recording: everything is observed, nothing is worn')
  if (record.report.frontedBy !== undefined)
    return skip('fronted', `${record.report.frontedBy} fronts it and wears its persona`)
  const missing = facetsOf(effective.persona.spec).filter((facet) => !CARRIES[record.report.driver].includes(facet))
  const before = inForce(input, record)
  if (missing.length > 0)
    return skip(
      'facet-not-supported',
      `${lackText(record.report.driver, missing)}, so it does not wear ${effective.persona.ref.name}`,
    )
  const { applying, byPolicy } = policiesFor(input, one, policies, engine, notes)
  const mitigation = mitigate(record, effective.persona, before?.containment ?? null, input.now, engine)
  const worn = wear({
    now: input.now,
    record,
    persona: effective.persona,
    personas,
    applying,
    before,
    containment: mitigation.containment,
    neverBlock: neverBlockOf(input),
    // What only holds for a while was judged for the persona it wears; the rest is about whoever wears the other one.
    policiesOf: (persona) =>
      policies.filter(
        (policy) =>
          isSubject(policy, { record, effective: { ...effective, persona } }) &&
          (policy.spec.when === undefined || applying.includes(policy)),
      ),
    resolving: (persona, given) => resolving(persona, given, record),
    remember,
  })
  const { resolution } = worn
  const { redirects, mirrored } = resolution
  const besides = [
    { what: 'redirects', facet: 'redirects', list: redirects, most: MOST_REDIRECTS },
    { what: 'mirrors', facet: 'inspection', list: mirrored, most: MOST_MIRRORED },
  ] as const
  for (const { what, facet, list, most } of besides) {
    if (list.length > most) return skip(`${what}-too-many`, `${list.length} ${what}; a workload takes at most ${most}`)
    if (list.length > 0 && !CARRIES[record.report.driver].includes(facet))
      return skip('facet-not-supported', `${lackText(record.report.driver, [facet])}, which ${list[0]!.rule} asks for`)
  }
  const nameless = namesInVain(input, personas, resolution, remember)
  if (nameless !== null) notes.skipped.push({ workload: record.id, why: nameless })
  for (const why of placesInVain(input, resolution)) notes.skipped.push({ workload: record.id, why })
  for (const why of worn.skipped) notes.skipped.push({ workload: record.id, why })
  for (const rule of resolution.wouldDo)
    if (rule.verdict === 'deny' || rule.verdict === 'reject') notes.wouldDo.push({ workload: record.id, why: rule.why })
  for (const why of mitigation.skipped) notes.skipped.push({ workload: record.id, why })
  proposeShift(input, one, mitigation, personas, notes)
  const secret = secretFacets(effective.persona.spec.profile, before, input.secrets ?? new Map())
  for (const why of secret.missing) notes.skipped.push({ workload: record.id, why })
  const profile = { ...desiredState(record, effective.persona, resolution, worn.containment), ...worn.wishes }
  const inspection = withMirrored(profile.inspection ?? null, mirrored)
  const after = {
    ...profile,
    ...(inspection === null ? {} : { inspection }),
    ...(redirects.length === 0 ? {} : { redirects: { flows: [...redirects], spared: sparedBy(input) } }),
    ...secret.facets,
  }
  return [{ record, effective, resolution, mitigation, byPolicy, approval: worn.approval, before, after }]
}

/** No redirect leads the way to the control plane away. */
function sparedBy({ controlPlane }: DecideInput): { cidr: string; port: number }[] {
  const known = controlPlane.filter(({ cidr }) => parseCidr(cidr) !== null)
  return sortBy(known, (one) => `${one.cidr}:${one.port}`).map(({ cidr, port }) => ({ cidr, port }))
}

/** A rule that asks for a name where nobody's answers are trusted matches nothing: its author should hear of it. */
function namesInVain(
  { settings }: DecideInput,
  personas: ReadonlyMap<string, Persona>,
  { sets }: Resolution,
  remember: Remember,
): Why | null {
  const named = [...sets.values()].find((meaning) => meaning.kind === 'domain' || meaning.kind === 'names')
  if (named === undefined) return null
  const trusted = remember('trusted resolvers', () => trustedResolvers(personas.values(), settings.resolvers))
  if (trusted.length > 0) return null
  const name = named.kind === 'names' ? named.names.join(', ') : named.domain
  const text = `no resolver is trusted, so ${name} stands for nobody; give its persona dns.servers, or set resolvers in the settings`
  return { rule: 'domain-without-resolver', text: text.slice(0, 500) }
}

/** As for names: a rule by a place that no file knows, or that is too large for a set. */
function placesInVain({ intel }: DecideInput, { sets }: Resolution): Why[] {
  return [...sets.values()].flatMap((meaning) => {
    if (meaning.kind !== 'place') return []
    const found = (intel.places ?? NO_PLACES).members(meaning.place)
    if (found === 'no-data') {
      const text = `no feed knows where addresses are, so rules about ${placeText(meaning.place)} match nothing; apply a Feed with use: location`
      return [{ rule: 'place-without-data', text }]
    }
    if (found !== 'too-many') return []
    const text = `${placeText(meaning.place)} has more prefixes than a set holds, so rules about it match nothing`
    return [{ rule: 'place-too-large', text }]
  })
}

export function neverBlockOf({ settings, intel }: DecideInput): string[] {
  return [...new Set([...settings.neverBlock, ...intel.neverBlock])].sort()
}

/** An address is worn once: who may not have it wears the rest of its persona. */
function withoutTaken(input: DecideInput, dressed: readonly Dressed[], drafts: Draft[], notes: Notes): Draft[] {
  const taken = takenAddresses(dressed, ({ record }) => inForce(input, record))
  return drafts.map((draft) => {
    const found = taken.get(draft.record.id)
    if (found === undefined) return draft
    const { network: _network, ...after } = draft.after
    const text = `its persona ${draft.effective.persona.ref.name} has the address ${found.address}, which is ${found.by.record.report.name}'s, so it keeps its own network`
    notes.skipped.push({ workload: draft.record.id, why: { rule: 'address-taken', text: text.slice(0, 500) } })
    return { ...draft, after }
  })
}

/** Policies whose subject and `when` hold. A `when` that took hold stays for its ttl, and is renewed only if it still holds then. */
function policiesFor(
  input: DecideInput,
  dressed: Dressed,
  policies: readonly PolicyManifest[],
  engine: RuleEngine,
  notes: Notes,
) {
  const { record, effective } = dressed
  const byPolicy: Why[] = []
  const applying = policies.filter((policy) => {
    const { when, ttl } = policy.spec
    if (!isSubject(policy, dressed)) return false
    if (when === undefined) return true
    const name = policy.metadata.name
    const compiled = engine.compile(when)
    const held = compiled.ok
      ? compiled.value.evaluate(contextOf(record, effective.persona.ref.name, input.now))
      : { holds: false, failed: compiled.why }
    if (held.failed !== null)
      notes.skipped.push({
        workload: record.id,
        why: { rule: name, policy: name, text: `\`${when}\` could not be evaluated: ${held.failed}`.slice(0, 500) },
      })
    const key = `${slug(name)}/${record.id}`
    const since = input.activations[key]
    const span = ttl === undefined ? 0 : durationMs(ttl)
    const running = since !== undefined && input.now < since + span
    if (!running && !held.holds) return false
    notes.activations[key] = running ? since : input.now
    byPolicy.push({ rule: name, policy: name, text: `policy ${name} holds because \`${when}\``.slice(0, 500) })
    return true
  })
  return { applying, byPolicy }
}

function proposeShift(
  input: DecideInput,
  { record, effective }: Dressed,
  mitigation: Mitigation,
  personas: ReadonlyMap<string, Persona>,
  notes: Notes,
): void {
  const { shift } = mitigation
  if (shift === null) return
  const to = personas.get(slug(shift.persona))
  if (to === undefined) {
    notes.skipped.push({
      workload: record.id,
      why: { ...shift.why, text: `there is no persona ${shift.persona} to shift to` },
    })
    return
  }
  if (to.ref.id === effective.persona.ref.id) return
  const proposal = {
    workload: record.id,
    from: effective.persona.ref,
    to: to.ref,
    until: shift.until,
    why: [shift.why] as const,
  }
  const agent = input.agents.find((one) => one.id === record.agent)
  if (agent?.mode === 'enforce') notes.shifts.push(proposal)
  else
    notes.wouldDo.push({
      workload: record.id,
      why: { ...shift.why, text: `would shift it to ${to.ref.name}: ${shift.why.text}`.slice(0, 500) },
    })
}
