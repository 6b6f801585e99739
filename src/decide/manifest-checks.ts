/** What a schema cannot say: addresses parse, ranges are ordered, `when` compiles, names are unique, references lead somewhere. */
import { isV4, parseAddress } from '../model/address.ts'
import { slug } from '../model/ids.ts'
import { FEED_ROUND_MS, type Manifest } from '../model/manifest.ts'
import type { Overlap } from '../model/overlap.ts'
import { durationMs, type PolicyRule } from '../model/policy.ts'
import { checkFacets } from './facet-checks.ts'
import { parseInterfaceAddress } from './interface-address.ts'
import { checkLadder } from './ladder-checks.ts'
import { checkOverlap } from './merge/overlap-checks.ts'
import { checkNetwork } from './network-checks.ts'
import { checkAmount, checkExpressions, checkRule } from './rule-checks.ts'
import { createRuleEngine } from './rules.ts'
import { checkSecretFacets } from './secret-facets.ts'

export type Finding = {
  readonly code: string
  readonly path: readonly (string | number)[]
  readonly why: string
  readonly cure: string
}
type Path = readonly (string | number)[]

const engine = createRuleEngine()

export function checkManifest(manifest: Manifest): Finding[] {
  const out: Finding[] = []
  const add = (path: Path, why: string, cure: string, code = 'semantic') => void out.push({ code, path, why, cure })
  const when = (text: string | undefined, path: Path) => {
    if (text === undefined) return
    const compiled = engine.compile(text)
    if (!compiled.ok) add(path, compiled.why, compiled.cure)
  }
  if (manifest.kind === 'Policy') {
    const { spec } = manifest
    when(spec.when, ['spec', 'when'])
    if (spec.overlap !== undefined) checkOverlap(spec.overlap, null, ['spec', 'overlap'], add)
    else if (spec.rules.length === 0) add(['spec', 'rules'], 'the policy has no rule and says nothing', 'add a rule')
    checkExpressions(spec.subjects?.matchExpressions, ['spec', 'subjects', 'matchExpressions'], add)
    spec.rules.forEach((rule, i) => {
      checkRule(rule, ['spec', 'rules', i], add)
      if (rule.action === 'pass' && spec.tier === 'baseline')
        add(['spec', 'rules', i, 'action'], 'no tier follows baseline to pass to', 'use allow, or another tier')
    })
    spec.tests?.forEach((one, i) => {
      if (one.protocol === 'icmp' && one.port !== undefined)
        add(['spec', 'tests', i, 'port'], 'icmp has no port', 'leave port out: an echo request is tried')
    })
    if (spec.ttl !== undefined && spec.when === undefined)
      add(['spec', 'ttl'], 'ttl says how long `when` takes hold, and there is no when', 'add when, or leave ttl out')
    if (
      spec.when !== undefined &&
      spec.ttl === undefined &&
      spec.rules.some(({ action }) => action === 'deny' || action === 'reject')
    )
      add(['spec', 'when'], 'a deny that comes by itself (`when`) has no end', 'add ttl, for example ttl: 15m')
  }
  if (manifest.kind === 'Feed') {
    const { refresh } = manifest.spec
    if (refresh !== undefined && durationMs(refresh) < FEED_ROUND_MS)
      add(['spec', 'refresh'], `lists are read once a minute, not every ${refresh}`, 'give 1m or more, or leave it out')
  }
  if (manifest.kind === 'Persona') {
    const { profile, mitigationRules, overlap } = manifest.spec
    if (overlap !== undefined) checkOverlap(overlap, manifest.metadata.name, ['spec', 'overlap'], add)
    checkLadder(manifest.spec, (rule, path) => checkRule(rule, path, add), add)
    profile?.rules?.forEach((rule, i) => {
      checkRule(rule, ['spec', 'profile', 'rules', i], add)
    })
    profile?.network?.addresses.forEach((text, i) => {
      if (parseInterfaceAddress(text) === null)
        add(
          ['spec', 'profile', 'network', 'addresses', i],
          `${text} is no address with a prefix length`,
          'write it like 10.0.0.5/24 or fd00::5/64',
        )
    })
    const given = (profile?.network?.addresses ?? []).map((text) => parseInterfaceAddress(text)?.address ?? text)
    given.forEach((address, i) => {
      if (given.indexOf(address) < i)
        add(['spec', 'profile', 'network', 'addresses', i], `${address} is here twice`, 'leave one out')
    })
    const gateways = (profile?.network?.gateways ?? []).map((text) => ({ text, address: parseAddress(text) }))
    gateways.forEach(({ text, address }, i) => {
      const path = ['spec', 'profile', 'network', 'gateways', i]
      if (address === null) add(path, `${text} is no address`, 'write it like 10.0.0.1')
      // A kernel keeps the default route that came last, without a word.
      else if (gateways.findIndex((one) => one.address !== null && isV4(one.address) === isV4(address)) < i)
        add(path, `${text} is the second gateway of its family`, 'leave one out; routes name other ways')
    })
    profile?.dns?.servers.forEach((text, i) => {
      if (parseAddress(text) === null)
        add(['spec', 'profile', 'dns', 'servers', i], `${text} is no address`, 'write it like 10.0.0.53')
    })
    if (profile !== undefined) checkNetwork(profile, add)
    if (profile !== undefined) checkFacets(profile, add)
    if (profile !== undefined) checkSecretFacets(profile, add)
    mitigationRules?.forEach((rule, i) => {
      when(rule.when, ['spec', 'mitigationRules', i, 'when'])
      if ((rule.do === 'shift') !== (rule.persona !== undefined))
        add(
          ['spec', 'mitigationRules', i],
          rule.do === 'shift' ? 'shift does not say to which persona' : `${rule.do} takes no persona`,
          rule.do === 'shift' ? 'add persona' : 'leave persona out, or use do: shift',
        )
      else if ((rule.do === 'limit') !== (rule.limit !== undefined))
        add(
          ['spec', 'mitigationRules', i],
          rule.do === 'limit' ? 'limit does not say how much' : `${rule.do} takes no limit`,
          rule.do === 'limit' ? 'add limit: { bytesPerSecond: 100000 }' : 'leave limit out, or use do: limit',
        )
      else if (rule.limit !== undefined) checkAmount(rule.limit, ['spec', 'mitigationRules', i, 'limit'], add)
      else if (rule.persona !== undefined && slug(rule.persona) === slug(manifest.metadata.name))
        add(['spec', 'mitigationRules', i, 'persona'], `${rule.persona} shifts to itself`, 'name another persona')
    })
  }
  return out
}

type SetFinding = Finding & { readonly index: number }

/** `known` = personas that exist beside the set; null = not known, so nothing is warned about. */
export function checkSet(
  set: readonly Manifest[],
  known: readonly string[] | null,
): { problems: SetFinding[]; warnings: SetFinding[] } {
  const problems: SetFinding[] = []
  const warnings: SetFinding[] = []
  const seen = new Map<string, string>()
  set.forEach((manifest, index) => {
    const key = `${manifest.kind} ${slug(manifest.metadata.name)}`
    const other = seen.get(key)
    if (other === undefined) seen.set(key, manifest.metadata.name)
    else
      problems.push({
        index,
        code: 'duplicate',
        path: ['metadata', 'name'],
        why: `${manifest.kind} ${manifest.metadata.name} is here twice${other === manifest.metadata.name ? '' : ` (${other} has the same id)`}`,
        cure: 'rename or remove one',
      })
  })
  problems.push(...shiftCycles(set))
  warnings.push(...sharedAddresses(set))
  if (known === null) return { problems, warnings }
  const personas = new Set([...known.map(slug), 'standard-user'])
  for (const manifest of set) if (manifest.kind === 'Persona') personas.add(slug(manifest.metadata.name))
  set.forEach((manifest, index) => {
    for (const { persona, path } of personasNamed(manifest))
      if (!personas.has(slug(persona)))
        warnings.push({
          index,
          code: 'unknown-reference',
          path,
          why: `there is no persona ${persona} yet, so this matches nothing`,
          cure: `apply a Persona named ${persona}`,
        })
  })
  return { problems, warnings }
}

/** A shifts to B, B to A: under the same risk they would take turns for ever. Each circle is told once, where it closes. */
function shiftCycles(set: readonly Manifest[]): SetFinding[] {
  const shifts = new Map<string, { to: string; name: string; index: number; path: Path }[]>()
  set.forEach((manifest, index) => {
    if (manifest.kind !== 'Persona') return
    const edges = (manifest.spec.mitigationRules ?? []).flatMap((rule, i) =>
      rule.do !== 'shift' || rule.persona === undefined
        ? []
        : [{ to: slug(rule.persona), name: rule.persona, index, path: ['spec', 'mitigationRules', i, 'persona'] }],
    )
    shifts.set(slug(manifest.metadata.name), edges)
  })
  const found: SetFinding[] = []
  const done = new Set<string>()
  const visit = (id: string, trail: readonly string[]): void => {
    for (const edge of shifts.get(id) ?? []) {
      const from = trail.indexOf(edge.to)
      if (from >= 0 && edge.to !== id)
        found.push({
          index: edge.index,
          code: 'cycle',
          path: edge.path,
          why: `personas shift in a circle: ${[...trail.slice(from), edge.to].join(' → ')}`,
          cure: 'let one of them deny or isolate instead of shift',
        })
      if (from < 0 && !done.has(edge.to) && trail.length < 1_000) visit(edge.to, [...trail, edge.to])
    }
    done.add(id)
  }
  for (const id of shifts.keys()) if (!done.has(id)) visit(id, [id])
  return found
}

/** Legal, as long as no two workloads wear them at once; then the planner leaves one out. */
function sharedAddresses(set: readonly Manifest[]): SetFinding[] {
  const seen = new Map<string, string>()
  return set.flatMap((manifest, index) => {
    if (manifest.kind !== 'Persona') return []
    const { name } = manifest.metadata
    return (manifest.spec.profile?.network?.addresses ?? []).flatMap((text, i): SetFinding[] => {
      const address = parseInterfaceAddress(text)?.address ?? text
      const other = seen.get(address)
      if (other === undefined) seen.set(address, name)
      if (other === undefined || other === name) return []
      return [
        {
          index,
          code: 'shared-address',
          path: ['spec', 'profile', 'network', 'addresses', i],
          why: `${address} is also the address of persona ${other}, and two workloads cannot wear it at once`,
          cure: 'give each persona an address of its own',
        },
      ]
    })
  })
}

function personasNamed(manifest: Manifest): { persona: string; path: Path }[] {
  const ofRules = (rules: readonly PolicyRule[] | undefined, path: Path) =>
    (rules ?? []).flatMap((rule, i) =>
      rule.peers.flatMap((peer, j) =>
        'persona' in peer ? [{ persona: peer.persona, path: [...path, i, 'peers', j, 'persona'] }] : [],
      ),
    )
  const besides = (overlap: Overlap | undefined) =>
    (overlap?.with ?? []).map(({ persona }, i) => ({ persona, path: ['spec', 'overlap', 'with', i, 'persona'] }))
  if (manifest.kind === 'Policy') {
    const { subjects } = manifest.spec
    const own =
      subjects?.persona === undefined ? [] : [{ persona: subjects.persona, path: ['spec', 'subjects', 'persona'] }]
    return [...own, ...besides(manifest.spec.overlap), ...ofRules(manifest.spec.rules, ['spec', 'rules'])]
  }
  if (manifest.kind !== 'Persona') return []
  const shifts = (manifest.spec.mitigationRules ?? []).flatMap((rule, i) =>
    rule.persona === undefined ? [] : [{ persona: rule.persona, path: ['spec', 'mitigationRules', i, 'persona'] }],
  )
  const steps = (manifest.spec.ladder ?? []).flatMap(({ rules }, i) => ofRules(rules, ['spec', 'ladder', i, 'rules']))
  const own = ofRules(manifest.spec.profile?.rules, ['spec', 'profile', 'rules'])
  return [...own, ...steps, ...shifts, ...besides(manifest.spec.overlap)]
}
