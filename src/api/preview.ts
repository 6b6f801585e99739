/** Puts a preview together: reads the text, gathers what is, asks decide/ and compile/ what would be. Writes nothing. */
import { failSafePaths } from '../decide/fail-safe.ts'
import { type ManifestProblem, parseManifests } from '../decide/manifest.ts'
import type { DecideInput } from '../decide/plan.ts'
import type { PolicyTestResult } from '../decide/policy-tests.ts'
import { type Changed, membersOf, planAfter, type Reach, reachOf } from '../decide/preview.ts'
import { replay } from '../decide/preview-replay.ts'
import type { Place } from '../decide/read-documents.ts'
import { slug, type TenantId, type WorkloadId } from '../model/ids.ts'
import type { Manifest } from '../model/manifest.ts'
import type {
  AffectedGroup,
  ManifestPreview,
  PreviewFault,
  PreviewTest,
  Replay,
  ReplayedConversation,
} from '../model/preview.ts'
import type { AgentRecord } from '../model/records.ts'
import { testSet } from './policy-gate.ts'
import { compiledPreview } from './preview-compiled.ts'
import type { RouteDeps } from './route.ts'

/** Recorded conversations are kept for a day. */
const SINCE_MS = 86_400_000
/** Workloads whose conversations are replayed, and conversations in all. */
const MAX_REPLAYED_WORKLOADS = 1_000
const MAX_CONVERSATIONS = 10_000
/** Above this a sample of the fleet is looked at. */
const MAX_FLEET = 10_000
const MAX_GROUPS = 50
const MAX_NAMED = 400
const MAX_CHANGED = 50

const NOTHING = {
  manifests: [],
  stored: [],
  tests: [],
  broken: [],
  affected: null,
  replay: null,
  plan: null,
  compiled: null,
}

/** `workload`: whose rules to compile; without one, the first that is affected, or else that it is about. */
export async function previewManifests(
  deps: RouteDeps,
  tenant: TenantId,
  text: string,
  workload: WorkloadId | null,
): Promise<ManifestPreview> {
  const whole = await deps.control.decisionInput(tenant)
  const personas = whole.manifests.flatMap((one) => (one.kind === 'Persona' ? [one.id] : []))
  const read = parseManifests(text, { file: 'text', known: { personas } })
  if (!read.ok) return { ok: false, faults: read.problems.map(faultOf), warnings: [], ...NOTHING }
  const input = sampled(whole, workload)
  const set = read.value
  const { own, broken } = testSet(
    { ...input, entries: input.intel.entries, homeNetworks: input.settings.homeNetworks },
    set,
  )
  const placeOf = (test: PolicyTestResult): PreviewTest =>
    placed(test, read.places[set.findIndex((one) => one.kind === 'Policy' && one.metadata.name === test.policy)])
  const base = {
    ok: true,
    faults: [],
    warnings: read.warnings.map(faultOf),
    manifests: set,
    stored: set.map((one) => storedOf(input, one)),
    tests: own.map(placeOf),
    broken: broken.map((one) => placed(one, undefined)),
  }
  if (!set.some((one) => one.kind === 'Policy' || one.kind === 'Persona'))
    return { ...base, affected: null, replay: null, plan: null, compiled: null }
  return { ...base, ...(await consequences(deps, input, whole.workloads.length, set, workload)) }
}

async function consequences(
  deps: RouteDeps,
  input: DecideInput,
  fleet: number,
  set: readonly Manifest[],
  workload: WorkloadId | null,
): Promise<Pick<ManifestPreview, 'affected' | 'replay' | 'plan' | 'compiled'>> {
  const reach = reachOf(input, set)
  const touched = reach.groups.flat()
  const asked = touched.slice(0, MAX_REPLAYED_WORKLOADS).map((one) => one.after.record.id)
  const since = input.now - SINCE_MS
  const conversations = await deps.store().conversations.busiest(input.tenant, asked, since, MAX_CONVERSATIONS)
  const membersBefore = membersOf(input, reach.before)
  const membersAfter = membersOf(input, reach.after)
  const names = new Map(
    input.workloads.flatMap(({ report }) => report.addresses.map((a) => [a.split('/')[0]!, report.name] as const)),
  )
  const replayed = replay({
    ...{ before: reach.before, after: reach.after, membersBefore, membersAfter, conversations },
    failSafe: failSafePaths(input.controlPlane),
    neverBlock: input.settings.neverBlock,
    nameOf: (address) => names.get(address) ?? null,
  })
  const plan = planAfter({ ...input, conversations }, set, reach, replayed.changed)
  const shown = (workload === null ? (touched[0]?.after ?? reach.subjects[0]) : reach.after.get(workload)) ?? null
  return {
    affected: {
      assumed: reach.assumed,
      subjects: reach.subjects.length,
      changed: touched.length,
      fleet,
      looked: input.workloads.length,
      groups: groupsOf(reach, replayed.changed, input.agents),
    },
    replay: summary(replayed, since, touched.length <= asked.length && conversations.length < MAX_CONVERSATIONS),
    plan,
    compiled:
      shown === null
        ? null
        : compiledPreview(
            input,
            { draft: reach.before.get(shown.record.id) ?? null, members: membersBefore },
            { draft: shown, members: membersAfter },
          ),
  }
}

function summary({ replayed, changed }: ReturnType<typeof replay>, since: number, whole: boolean): Replay {
  const dropped = changed.filter((one) => one.after === 'deny').length
  return {
    ...{ since, replayed, dropped, whole },
    same: replayed - changed.length,
    allowed: changed.length - dropped,
    changed: [...changed].sort((a, b) => (a.after === b.after ? 0 : a.after === 'deny' ? -1 : 1)).slice(0, MAX_CHANGED),
  }
}

function groupsOf(
  { groups }: Reach,
  changed: readonly ReplayedConversation[],
  agents: readonly AgentRecord[],
): AffectedGroup[] {
  const modes = new Map(agents.map((agent) => [agent.id, agent.mode]))
  const counts = new Map<string, { loses: number; gains: number }>()
  for (const one of changed) {
    const count = counts.get(one.workload) ?? { loses: 0, gains: 0 }
    count[one.after === 'deny' ? 'loses' : 'gains']++
    counts.set(one.workload, count)
  }
  let room = MAX_NAMED
  const named = ({ after: { record } }: Changed) => ({
    id: record.id,
    name: record.report.name,
    mode: modes.get(record.agent) ?? ('observe' as const),
    ...(counts.get(record.id) ?? { loses: 0, gains: 0 }),
  })
  return groups.slice(0, MAX_GROUPS).map((group) => {
    const workloads = group
      .map(named)
      .sort((a, b) => b.loses - a.loses || (a.name < b.name ? -1 : 1))
      .slice(0, room)
    room -= workloads.length
    const [first] = group
    return { persona: first!.after.effective.persona.ref.name, total: group.length, workloads, changes: first!.changes }
  })
}

/** Every k-th workload of a fleet that is too large, and the one that was asked about. */
function sampled(input: DecideInput, workload: WorkloadId | null): DecideInput {
  if (input.workloads.length <= MAX_FLEET) return input
  const every = Math.ceil(input.workloads.length / MAX_FLEET)
  return { ...input, workloads: input.workloads.filter((one, i) => i % every === 0 || one.id === workload) }
}

function storedOf(input: DecideInput, manifest: Manifest): ManifestPreview['stored'][number] {
  const { kind } = manifest
  const id = slug(manifest.metadata.name)
  return { kind, id, version: input.manifests.find((one) => one.kind === kind && one.id === id)?.version ?? 0 }
}

function placed(result: PolicyTestResult, place: Place | undefined): PreviewTest {
  const at = place?.(['spec', 'tests', result.index]) ?? { line: null, column: null }
  return { ...result, ...at }
}

function faultOf({ line, column, path, code, why, cure }: ManifestProblem): PreviewFault {
  return { line, column, path, code, why, cure }
}
