/**
 * Rules that are in order and still not what their author meant: those that never decide because others fit all they fit and are
 * asked first, those that are there twice, and allows that are wider than anybody needs. In: manifests, in any order. Out: findings at
 * their path. What is found is certain; what is not found may still be so.
 */
import type { Manifest, PolicyManifest } from '../../model/manifest.ts'
import { type PeerSelector, type PolicyRule, TIER_ORDER, type Tier } from '../../model/policy.ts'
import { canonical } from '../canonical.ts'
import { END_DESCRIPTION } from '../import/network-policy.ts'
import { sortPolicies } from '../resolve.ts'
import { ruleText } from '../rule-text.ts'
import { atomsOf, coversAtom, coversSubjects } from './covers.ts'

export type LintKind = 'shadowed' | 'duplicate' | 'broad' | 'unused'
export type LintFinding = {
  readonly kind: LintKind
  /** Of the manifest. */
  readonly index: number
  readonly path: readonly (string | number)[]
  readonly why: string
  readonly cure: string
}

/** A rule where it stands in the order of asking. */
type Placed = {
  readonly index: number
  readonly path: readonly (string | number)[]
  readonly name: string
  readonly number: number
  readonly rule: PolicyRule
  readonly tier: Tier
  /** null: a persona's own rule, for its wearers. */
  readonly policy: PolicyManifest | null
  readonly persona: string | null
}

export function lintRules(manifests: readonly Manifest[]): LintFinding[] {
  const placed = inOrder(manifests)
  const found = [...placed.flatMap((one, i) => hidden(one, placed.slice(0, i))), ...placed.flatMap(broad)]
  const last = ({ path }: LintFinding) => Number(path.at(-1))
  return found.sort((a, b) => a.index - b.index || last(a) - last(b))
}

function inOrder(manifests: readonly Manifest[]): Placed[] {
  const policies = manifests.flatMap((one) => (one.kind === 'Policy' ? [one] : []))
  const own: Placed[] = manifests.flatMap((one, index) =>
    one.kind === 'Persona'
      ? (one.spec.profile?.rules ?? []).map((rule, i) => ({
          index,
          path: ['spec', 'profile', 'rules', i],
          name: `persona ${one.metadata.name}`,
          number: i + 1,
          rule,
          tier: 'persona' as const,
          policy: null,
          persona: one.metadata.name,
        }))
      : [],
  )
  const written = sortPolicies(policies).flatMap((policy): Placed[] =>
    policy.spec.rules.map((rule, i) => ({
      index: manifests.indexOf(policy),
      path: ['spec', 'rules', i],
      name: `policy ${policy.metadata.name}`,
      number: i + 1,
      rule,
      tier: policy.spec.tier ?? 'policies',
      policy,
      persona: null,
    })),
  )
  return TIER_ORDER.flatMap(({ tier }) => (tier === 'persona' ? own : written.filter((one) => one.tier === tier)))
}

/** Each of its atoms is fitted by some rule before it, for every workload and at every time that it is about. */
function hidden(one: Placed, before: readonly Placed[]): LintFinding[] {
  if (one.rule.description === END_DESCRIPTION) return []
  const asked = before.filter((other) => decidesBefore(other, one, before))
  const by = atomsOf(one.rule).map((atom) =>
    asked.find((other) =>
      atomsOf(other.rule).some((wide) => coversAtom(other.rule.action, wide, atom, one.rule.action)),
    ),
  )
  if (by.includes(undefined)) return []
  const others = [...new Set(by as Placed[])]
  const words = others
    .map((other) => `${other.name === one.name ? '' : `${other.name} `}rule ${other.number}`)
    .join(', ')
  const { index, path } = one
  if (others.length === 1 && sameRule(others[0]!.rule, one.rule))
    return [
      { kind: 'duplicate', index, path, why: `rule ${one.number} says what ${words} says`, cure: 'leave one out' },
    ]
  return [
    {
      kind: 'shadowed',
      index,
      path,
      why: `rule ${one.number} never decides: ${words} ${others.length === 1 ? `(${ruleText(others[0]!.rule)}) is` : 'are'} asked first and ${others.length === 1 ? 'fits' : 'fit'} all that it fits`,
      cure: 'put it before, narrow what is before it, or leave it out',
    },
  ]
}

function decidesBefore(other: Placed, one: Placed, before: readonly Placed[]): boolean {
  if (other.rule.direction !== one.rule.direction || !isAlwaysThere(other, one)) return false
  // It leads away what an allow before it lets through; of two that redirect the first leads.
  if (one.rule.action === 'redirect' && other.rule.action === 'allow') return false
  // It copies whatever is decided of what it fits.
  if (one.rule.action === 'mirror' && other.rule.action !== 'mirror') return false
  if (other.tier === one.tier) return true
  // Into a later tier, what some pass let through could still come.
  const passes = before
    .slice(0, before.indexOf(other))
    .some(({ tier, rule }) => tier === other.tier && rule.action === 'pass' && rule.direction === one.rule.direction)
  return other.rule.action !== 'pass' && !passes
}

const WEIGHT = { off: 0, observe: 1, suggest: 1, enforce: 2 } as const

/** Wherever `one` stands, `other` does. */
function isAlwaysThere(other: Placed, one: Placed): boolean {
  if (other.policy === null) return other.persona === one.persona
  const [a, b] = [other.policy.spec, one.policy?.spec]
  const weight = WEIGHT[a.mode ?? 'observe']
  if (weight === 0 || weight < WEIGHT[b === undefined ? 'enforce' : (b.mode ?? 'observe')]) return false
  if (a.when !== undefined && other.policy !== one.policy && (a.when !== b?.when || a.ttl !== b.ttl)) return false
  return coversSubjects(a.subjects, one.persona === null ? b?.subjects : { persona: one.persona })
}

function sameRule(a: PolicyRule, b: PolicyRule): boolean {
  const plain = ({ description: _d, origin: _o, ...rest }: PolicyRule) => canonical(rest)
  return plain(a) === plain(b)
}

const WIDE_PORTS = 1_024

function broad({ index, path, rule, number }: Placed): LintFinding[] {
  if (rule.action !== 'allow' && rule.action !== 'mirror') return []
  const found = (why: string, cure: string): LintFinding[] => [
    { kind: 'broad', index, path, why: `rule ${number} ${why}`, cure },
  ]
  const services = rule.ports === undefined ? 'every service' : null
  const everybody = rule.peers.find(isEverybody)
  if (everybody !== undefined && services !== null)
    return found(
      `allows ${rule.direction} ${rule.direction === 'egress' ? 'to' : 'from'} anyone on ${services}`,
      'name the peers, or the ports',
    )
  if (rule.peers.some(asksNothing))
    return found(
      'allows every workload that lacks a label, also those that nobody labelled',
      'ask for a label that its peers have, for example with In or Exists',
    )
  const wide = rule.ports?.find((port) => 'to' in port && (port.to ?? 0) - (port.port ?? 0) >= WIDE_PORTS)
  if (wide !== undefined && everybody !== undefined)
    return found(`allows anyone on more than ${WIDE_PORTS} ports`, 'name the peers, or fewer ports')
  return []
}

function isEverybody(peer: PeerSelector): boolean {
  return 'any' in peer || ('cidr' in peer && /\/0$/.test(peer.cidr) && (peer.except ?? []).length === 0)
}

function asksNothing(peer: PeerSelector): boolean {
  if (!('matchExpressions' in peer) || 'labels' in peer) return false
  return (peer.matchExpressions ?? []).every(({ operator }) => operator === 'NotIn' || operator === 'DoesNotExist')
}
