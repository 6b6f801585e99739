/** What policies stand for now: whom each is about and whether its tests pass, and one policy's selectors as addresses. */
import { dressFleet } from '../decide/dress.ts'
import type { Members } from '../decide/judge.ts'
import { fleetPortNames } from '../decide/named-ports.ts'
import type { DecideInput } from '../decide/plan.ts'
import { membersOf } from '../decide/preview.ts'
import { resolve } from '../decide/resolve.ts'
import { ruleText } from '../decide/rule-text.ts'
import { isSubject } from '../decide/subjects.ts'
import type { ResolvedRule } from '../model/desired.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import type { PolicyState, ResolvedPeer, ResolvedPolicy } from '../model/preview.ts'
import type { WorkloadRecord } from '../model/records.ts'
import { testSet } from './policy-gate.ts'

const MAX_LISTED = 200

/** Of every policy: how many workloads it is about, and its tests. */
export function policyStates(input: DecideInput): PolicyState[] {
  const { drafts, dressed } = dressFleet(input)
  const tests = testSet({ ...input, entries: input.intel.entries, homeNetworks: input.settings.homeNetworks }, []).all
  const chosen = new Set(drafts.flatMap((one) => one.byPolicy.map((why) => `${why.policy} ${one.record.id}`)))
  return input.manifests.flatMap(({ id, manifest }) => {
    if (manifest.kind !== 'Policy') return []
    const { name } = manifest.metadata
    const subjects = dressed.filter((one) => isSubject(manifest, one))
    const own = tests.filter((one) => one.policy === name)
    const holds = subjects.filter(({ record }) => chosen.has(`${name} ${record.id}`)).length
    return {
      id,
      subjects: subjects.length,
      holds: manifest.spec.when === undefined ? null : holds,
      tests: own.length,
      passing: own.filter((one) => one.passed).length,
    }
  })
}

export function resolvePolicy(input: DecideInput, policy: PolicyManifest): ResolvedPolicy {
  const { dressed, drafts } = dressFleet(input)
  const subjects = dressed.filter((one) => isSubject(policy, one)).map(({ record }) => named(record))
  const alone = { ...policy, spec: { ...policy.spec, mode: 'enforce' as const } }
  const resolution = resolve({ ref: { id: '' as never, name: '', version: 0 }, spec: {} }, [alone], {
    own: {},
    fleet: fleetPortNames(input.workloads.map((one) => one.report)),
  })
  const members = membersOf(input, new Map(drafts.map((one) => [one.record.id, one])), [resolution])
  const owners = new Map<string, WorkloadRecord[]>()
  for (const { record } of dressed)
    for (const address of record.report.addresses) {
      const plain = address.split('/')[0]!
      owners.set(plain, [...(owners.get(plain) ?? []), record])
    }
  const resolved = [...resolution.egress.rules, ...resolution.ingress.rules]
  return {
    policy: policy.metadata.name,
    mode: policy.spec.mode ?? 'observe',
    subjects: { total: subjects.length, workloads: subjects.slice(0, MAX_LISTED) },
    rules: policy.spec.rules.map((rule, index) => {
      const of = resolved.filter((one) => one.why.rule === `${policy.metadata.name}/${index}`.slice(0, 160))
      return { index, text: ruleText(rule), peers: peersOf(of, members, owners) }
    }),
    ...(policy.spec.overlap === undefined
      ? {}
      : { overlap: { strategy: policy.spec.overlap.strategy ?? 'priority', worn: mergedBy(input, alone) } }),
  }
}

/** Who would wear what at once if the policy were enforced. */
function mergedBy(input: DecideInput, policy: PolicyManifest): NonNullable<ResolvedPolicy['overlap']>['worn'] {
  const manifests = input.manifests.map((one) =>
    one.manifest.kind === 'Policy' && one.manifest.metadata.name === policy.metadata.name
      ? { ...one, manifest: policy }
      : one,
  )
  return dressFleet({ ...input, manifests })
    .drafts.flatMap((draft) => {
      const { merged } = draft.after
      return merged === undefined || !isSubject(policy, draft) ? [] : [{ name: draft.record.report.name, merged }]
    })
    .slice(0, MAX_LISTED)
}

function peersOf(
  rules: readonly ResolvedRule[],
  members: Members,
  owners: ReadonlyMap<string, readonly WorkloadRecord[]>,
): ResolvedPeer[] {
  // One peer with several ports is as many rules.
  const peers = new Map(rules.map(({ match }) => [JSON.stringify(match.peer), match.peer]))
  return [...peers.values()].map((peer) => {
    const addresses = peer.kind === 'set' ? members(peer.set) : peer.kind === 'cidr' ? [peer.cidr] : []
    const who = addresses.flatMap((one) => owners.get(one.replace(/\/\d+$/, '')) ?? [])
    return {
      text: peer.kind === 'any' ? 'anyone' : peer.kind === 'cidr' ? peer.cidr : peer.set,
      set: peer.kind === 'set' ? peer.set : null,
      outside: peer.kind === 'set' && peer.not === true,
      total: addresses.length,
      addresses: addresses.slice(0, MAX_LISTED),
      workloads: [...new Map(who.map((record) => [record.id, named(record)])).values()].slice(0, MAX_LISTED),
    }
  })
}

function named({ id, report }: WorkloadRecord): { readonly id: WorkloadRecord['id']; readonly name: string } {
  return { id, name: report.name }
}
