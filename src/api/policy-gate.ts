/**
 * Before what a person wrote is kept: the tests of its policies, on the workloads, personas and ratings there are. A test that
 * fails refuses the write; so does one of another policy that passed until now. Nothing at boot goes through here.
 */
import { effectiveOf, personasOf } from '../decide/effective.ts'
import type { IntelEntry } from '../decide/peer-sets.ts'
import { type PolicyTestResult, policyTestText, runPolicyTests } from '../decide/policy-tests.ts'
import { withSet } from '../decide/preview.ts'
import type { TenantId } from '../model/ids.ts'
import type { Manifest, PolicyManifest } from '../model/manifest.ts'
import type { ManifestRecord, ShiftRecord, WorkloadRecord } from '../model/records.ts'
import { type Fault, Problem } from './problem.ts'
import type { RouteDeps } from './route.ts'

type FaultAt = (index: number, path: readonly (string | number)[], message: string) => Fault

export type TestedOn = {
  readonly manifests: readonly ManifestRecord[]
  readonly workloads: readonly WorkloadRecord[]
  readonly shifts: readonly ShiftRecord[]
  readonly entries: readonly IntelEntry[]
  readonly homeNetworks: readonly string[]
  /** epoch ms */
  readonly now: number
}

type Tested = Readonly<Record<'own' | 'broken' | 'all', readonly PolicyTestResult[]>>

/** Every test as it would be: of the policies in the set (`own`), and of other policies that pass now and would not any more (`broken`). */
export function testSet(around: TestedOn, set: readonly Manifest[]): Tested {
  const after = withSet(around.manifests, set)
  if (policiesOf(after).every((policy) => policy.spec.tests === undefined)) return { own: [], broken: [], all: [] }
  const run = (manifests: readonly ManifestRecord[]) => {
    const personas = personasOf(manifests)
    const workloads = around.workloads.map((record) => ({
      record,
      effective: effectiveOf(record, personas, around.shifts, around.now),
    }))
    return runPolicyTests({ ...around, policies: policiesOf(manifests), personas, workloads, controlPlane: [] })
  }
  const results = run(after)
  const written = new Set(set.flatMap((one) => (one.kind === 'Policy' ? [one.metadata.name] : [])))
  const others = results.filter((one) => !one.passed && !written.has(one.policy))
  const passed = run(others.length === 0 ? [] : around.manifests).filter((one) => one.passed)
  const passedBefore = new Set(passed.map(keyOf))
  return {
    own: results.filter((one) => written.has(one.policy)),
    broken: others.filter((one) => passedBefore.has(keyOf(one))),
    all: results,
  }
}

/** Answers with every result; throws when the set may not be kept. */
export async function runTestsBeforeWrite(
  deps: RouteDeps,
  tenant: TenantId,
  set: readonly Manifest[],
  faultAt: FaultAt,
): Promise<readonly PolicyTestResult[]> {
  if (!set.some((one) => one.kind === 'Policy' || one.kind === 'Persona')) return []
  const around = await gather(deps, tenant, set)
  if (around === null) return []
  const { own, broken } = testSet(around, set)
  const indexOf = (policy: string) => set.findIndex((one) => one.kind === 'Policy' && one.metadata.name === policy)
  const faults = [
    ...own
      .filter((one) => !one.passed)
      .map((one) => faultAt(indexOf(one.policy), ['spec', 'tests', one.index], policyTestText(one))),
    ...broken.map((one) => faultAt(0, [], `policy ${one.policy}, ${policyTestText(one)}`)),
  ]
  if (faults.length > 0)
    throw new Problem(
      422,
      'policy-test-failed',
      `${faults.length} policy test(s) fail; nothing was stored.`,
      'Change the rules until they do what the tests say, or correct the tests.',
      { errors: faults.slice(0, 50) },
    )
  return own
}

/** Null when no policy has tests, kept or in the set: then nobody needs the fleet. */
async function gather(deps: RouteDeps, tenant: TenantId, set: readonly Manifest[]): Promise<TestedOn | null> {
  const store = deps.store()
  const [policies, personas] = await Promise.all([
    store.manifests.all(tenant, 'Policy'),
    store.manifests.all(tenant, 'Persona'),
  ])
  const manifests = [...policies, ...personas]
  if (!policiesOf(withSet(manifests, set)).some((policy) => policy.spec.tests !== undefined)) return null
  const [workloads, shifts, settings] = await Promise.all([
    store.workloads.all(tenant),
    store.shifts.current(tenant),
    store.settings.get(tenant),
  ])
  const { homeNetworks } = settings
  return { manifests, workloads, shifts, homeNetworks, entries: deps.control.ratings(tenant), now: deps.clock() }
}

function policiesOf(records: readonly ManifestRecord[]): PolicyManifest[] {
  return records.flatMap(({ manifest }) => (manifest.kind === 'Policy' ? [manifest] : []))
}

function keyOf({ policy, index, test }: PolicyTestResult): string {
  return JSON.stringify([policy, index, test])
}
