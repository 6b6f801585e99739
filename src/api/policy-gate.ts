/**
 * Before what a person wrote is kept: the tests of its policies, on the workloads, personas and ratings there are. A test that
 * fails refuses the write; so does one of another policy that passed until now. Nothing at boot goes through here.
 */
import { effectiveOf, personasOf } from '../decide/effective.ts'
import { type PolicyTestResult, policyTestText, runPolicyTests } from '../decide/policy-tests.ts'
import { slug, type TenantId } from '../model/ids.ts'
import type { Kind, Manifest, PolicyManifest } from '../model/manifest.ts'
import type { ManifestRecord } from '../model/records.ts'
import { type Fault, Problem } from './problem.ts'
import type { RouteDeps } from './route.ts'

type FaultAt = (index: number, path: readonly (string | number)[], message: string) => Fault

/** Answers with every result; throws when the set may not be kept. */
export async function runTestsBeforeWrite(
  deps: RouteDeps,
  tenant: TenantId,
  set: readonly Manifest[],
  faultAt: FaultAt,
): Promise<readonly PolicyTestResult[]> {
  if (!set.some((one) => one.kind === 'Policy' || one.kind === 'Persona')) return []
  const { manifests } = deps.store()
  const [policies, personas] = await Promise.all([manifests.all(tenant, 'Policy'), manifests.all(tenant, 'Persona')])
  const after = policiesOf(replaced(policies, set, 'Policy'))
  if (!after.some((policy) => policy.spec.tests !== undefined)) return []
  const around = await gather(deps, tenant)
  const run = (kept: readonly ManifestRecord[], wearing: readonly ManifestRecord[]) => {
    const defined = personasOf(wearing)
    const workloads = around.workloads.map((record) => ({
      record,
      effective: effectiveOf(record, defined, around.shifts, around.now),
    }))
    return runPolicyTests({ ...around, policies: policiesOf(kept), personas: defined, workloads })
  }
  const results = run(replaced(policies, set, 'Policy'), replaced(personas, set, 'Persona'))
  const written = new Map(set.flatMap((one, index) => (one.kind === 'Policy' ? [[one.metadata.name, index]] : [])))
  const own = results.filter((one) => !one.passed && written.has(one.policy))
  const ownFaults = own.map((one) =>
    faultAt(written.get(one.policy)!, ['spec', 'tests', one.index], policyTestText(one)),
  )
  const others = results.filter((one) => !one.passed && !written.has(one.policy))
  const passedBefore =
    others.length === 0
      ? new Set()
      : new Set(
          run(policies, personas)
            .filter((one) => one.passed)
            .map(keyOf),
        )
  const broken = others.filter((one) => passedBefore.has(keyOf(one)))
  const brokenFaults = broken.map((one) => faultAt(0, [], `policy ${one.policy}, ${policyTestText(one)}`))
  const faults = [...ownFaults, ...brokenFaults]
  if (faults.length > 0)
    throw new Problem(
      422,
      'policy-test-failed',
      `${faults.length} policy test(s) fail; nothing was stored.`,
      'Change the rules until they do what the tests say, or correct the tests.',
      { errors: faults.slice(0, 50) },
    )
  return results.filter((one) => written.has(one.policy))
}

async function gather(deps: RouteDeps, tenant: TenantId) {
  const store = deps.store()
  const [workloads, shifts, settings] = await Promise.all([
    store.workloads.all(tenant),
    store.shifts.current(tenant),
    store.settings.get(tenant),
  ])
  const { homeNetworks } = settings
  return { workloads, shifts, homeNetworks, entries: deps.control.ratings(tenant), controlPlane: [], now: deps.clock() }
}

function policiesOf(records: readonly ManifestRecord[]): PolicyManifest[] {
  return records.flatMap(({ manifest }) => (manifest.kind === 'Policy' ? [manifest] : []))
}

/** The records of a kind as they would be after the write. */
function replaced(records: readonly ManifestRecord[], set: readonly Manifest[], kind: Kind): ManifestRecord[] {
  const left = new Map(records.map((record) => [record.id, record]))
  for (const manifest of set) {
    if (manifest.kind !== kind) continue
    const id = slug(manifest.metadata.name)
    const before = left.get(id)
    const fresh = { kind, id, tenant: '' as TenantId, builtin: false, version: 0, updatedAt: 0, updatedBy: '' }
    left.set(id, { ...(before ?? fresh), manifest })
  }
  return [...left.values()]
}

function keyOf({ policy, index, test }: PolicyTestResult): string {
  return JSON.stringify([policy, index, test])
}
