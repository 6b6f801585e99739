/** Policies of Kubernetes and the pods they are about become what an agent is told to enforce: imported, then decided, as on a server. */
import { importPolicies } from '../../src/decide/import/import-policies.ts'
import { problemText } from '../../src/decide/manifest.ts'
import { type DecideInput, decideUnsigned } from '../../src/decide/plan.ts'
import type { AgentState } from '../../src/model/desired.ts'
import { type AgentId, DEFAULT_TENANT, slug, type WorkloadId } from '../../src/model/ids.ts'
import type { WorkloadRecord } from '../../src/model/records.ts'
import type { ManifestText, Pod } from './table.ts'

const AGENT = 'conformance' as AgentId

export type Scenery = { readonly pods: readonly Pod[]; readonly addressesOf: (pod: string) => readonly string[] }

/** Throws a sentence when a text cannot be imported. */
export function stateOf(texts: readonly ManifestText[], { pods, addressesOf }: Scenery): AgentState {
  const { manifests, problems } = importPolicies(texts)
  if (problems.length > 0) throw new Error(`not imported: ${problems.map(problemText).join('; ')}`)
  const input: DecideInput = {
    now: 0,
    seed: 1,
    tenant: DEFAULT_TENANT,
    settings: { homeNetworks: [], neverBlock: [], maxChangesPerMinute: 10_000, confirmWithinMs: 60_000, version: 1 },
    agents: [
      {
        id: AGENT,
        tenant: DEFAULT_TENANT,
        host: 'bench',
        mode: 'enforce',
        lastReport: null,
        applied: null,
        counters: {},
        version: 1,
      },
    ],
    workloads: pods.map((pod, i) => workloadOf(pod, i + 1, addressesOf(pod.name))),
    manifests: manifests.map((manifest) => ({
      kind: 'Policy',
      id: slug(manifest.metadata.name),
      tenant: DEFAULT_TENANT,
      manifest: { ...manifest, spec: { ...manifest.spec, mode: 'enforce' } },
      builtin: false,
      version: 1,
      updatedAt: 0,
      updatedBy: 'bench',
    })),
    intel: { entries: [], neverBlock: [], hash: '' },
    shifts: [],
    target: {},
    conversations: [],
    controlPlane: [],
    recentChanges: 0,
    activations: {},
  }
  const draft = decideUnsigned(input).plan?.agents[AGENT]
  if (draft === undefined) throw new Error('nothing was decided for these pods')
  return {
    ...draft,
    generation: { system: 'bench', timeline: 1, n: 1 },
    plan: 'conformance',
    // Names can always be looked up, whatever a policy says; here port 53 is one to try like any other.
    failSafe: draft.failSafe.filter(({ id }) => !id.startsWith('failsafe/dns-')),
  }
}

function workloadOf({ name, labels }: Pod, n: number, addresses: readonly string[]): WorkloadRecord {
  return {
    id: `w_${n}` as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: AGENT,
    report: {
      key: name,
      name,
      kind: 'namespace',
      driver: 'netns',
      interface: `p${n}h`,
      addresses: [...addresses],
      labels: { ...labels },
    },
    assigned: null,
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: 0,
    lastSeen: 0,
    version: 1,
  }
}
