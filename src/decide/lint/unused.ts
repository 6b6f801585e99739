/** Rules that no recorded conversation met: each is judged as if every policy enforced and every `when` held. */
import type { PersonaManifest, PolicyManifest } from '../../model/manifest.ts'
import type { ConversationRecord, ManifestRecord, ShiftRecord, WorkloadRecord } from '../../model/records.ts'
import { effectiveOf, personasOf } from '../effective.ts'
import { judge } from '../judge.ts'
import { fleetPortNames, ownPortLabels } from '../named-ports.ts'
import { createPeerSets, type SetMeaning } from '../peer-sets.ts'
import { resolve } from '../resolve.ts'
import { isSubject } from '../subjects.ts'
import type { LintFinding } from './lint-rules.ts'

export type Talks = {
  /** Every policy there is, in its newest words. */
  readonly policies: readonly PolicyManifest[]
  readonly personas: readonly PersonaManifest[]
  readonly workloads: readonly WorkloadRecord[]
  /** A person's shift says what is worn, as an assignment does. */
  readonly shifts: readonly ShiftRecord[]
  /** epoch ms */
  readonly now: number
  readonly conversations: readonly ConversationRecord[]
  /** `the last 24 h` */
  readonly span: string
}

const ELSEWHERE = ['reputation', 'domain', 'geo', 'asn']

/** `asked`: which to tell of, with the place of each in the set that is linted. Ratings and places are the server's, and addresses of domains the hosts', so rules by these are left out. */
export function unusedRules(
  talks: Talks,
  asked: readonly { readonly index: number; readonly policy: PolicyManifest }[],
): LintFinding[] {
  const met = metRules(talks)
  return asked.flatMap(({ index, policy }) =>
    policy.spec.rules.flatMap((rule, i): LintFinding[] => {
      const { name } = policy.metadata
      if (met.has(`${name}/${i}`) || rule.peers.some((peer) => ELSEWHERE.some((kind) => kind in peer))) return []
      return [
        {
          kind: 'unused',
          index,
          path: ['spec', 'rules', i],
          why: `rule ${i + 1} decided no conversation of ${talks.span}`,
          cure: 'look whether anybody needs it',
        },
      ]
    }),
  )
}

function metRules({ policies, personas, workloads, shifts, now, conversations }: Talks): ReadonlySet<string> {
  const known = personasOf(personas.map((manifest) => ({ manifest, version: 1 }) as unknown as ManifestRecord))
  const fleet = fleetPortNames(workloads.map((one) => one.report))
  const dressed = workloads.map((record) => ({ record, effective: effectiveOf(record, known, shifts, now) }))
  const lists = new Map(
    dressed.map((one) => {
      const applying = policies
        .filter((policy) => isSubject(policy, one))
        .map((policy) => ({ ...policy, spec: { ...policy.spec, mode: 'enforce' as const } }))
      const own = ownPortLabels(one.record.report.labels)
      return [one.record.id, resolve(one.effective.persona, applying, { own, fleet })]
    }),
  )
  const sets = createPeerSets({
    workloads: dressed,
    entries: [],
    homeNetworks: [],
    names: new Map<string, SetMeaning>([...lists.values()].flatMap((one) => [...one.sets])),
  })
  const met = new Set<string>()
  for (const { workload, direction, peer, proto, port } of conversations) {
    const list = lists.get(workload)?.[direction === 'initiated' ? 'egress' : 'ingress']
    if (list === undefined) continue
    met.add(judge(list, { peer, proto, port }, sets.members).why.rule)
  }
  return met
}
