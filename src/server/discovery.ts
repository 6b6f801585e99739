/**
 * The loop's side of discovery: strange windows come in from intake, a round a minute clusters them, what is stable becomes a
 * proposal in the record, and a person's word on proposals and workloads becomes lessons that the model is read through.
 */
import { describe, familiar, sentence } from '../learn/discover/describe.ts'
import { discover, type Stray } from '../learn/discover/discover.ts'
import { editProposal } from '../learn/discover/edit.ts'
import { type Followed, isStable } from '../learn/discover/follow.ts'
import { generalise, suggestName, type Whois } from '../learn/discover/generalise.ts'
import type { Model } from '../learn/model.ts'
import { LESSON_WINDOWS, taughtBy } from '../learn/taught.ts'
import { parseAddress } from '../model/address.ts'
import type { TenantId, WorkloadId } from '../model/ids.ts'
import { createNetworks, isGroupAddress } from '../model/networks.ts'
import type { Lesson, ProposalAct, ProposalRecord, ProposedCluster } from '../model/proposal.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome } from '../model/why.ts'
import { createInTurn } from './in-turn.ts'

export type Discovery = {
  /** The model with all that people said. */
  readonly model: () => Model
  /** Another one, with the same. */
  taught(fitted: Model): Model
  /** From the next window this one is in force; nothing is waited for, nothing can fail. */
  use(fitted: Model): void
  /** A window that no persona explains. */
  stray(workload: WorkloadId, at: number, x: Float64Array): void
  /** From the record, at the start. */
  restore(): Promise<void>
  round(now: number): Promise<void>
  act(id: string, act: ProposalAct, by: string): Promise<Outcome<ProposalRecord>>
  teach(workload: WorkloadId, persona: string, vector: readonly number[] | null, by: string): Promise<Outcome<Lesson>>
}

type Deps = {
  readonly tenant: TenantId
  readonly store: Pick<
    Store,
    'proposals' | 'workloads' | 'conversations' | 'evidence' | 'settings' | 'manifests' | 'ledger'
  >
  readonly model: Model
  readonly clock: () => number
  /** Told at once when `model` is another, so that what was made by the one before can follow. */
  readonly changed?: (before: Model, after: Model) => void
}

const KEPT_WINDOWS = 24
const KEPT_MS = 30 * 60_000
/** Beyond this many open ones a person has not looked for long: the next wait. */
const MOST_OPEN = 50
const TALK_MS = 24 * 3_600_000
const MOST_TALKS = 2_000

export function createDiscovery({ tenant, store, model: begun, clock, changed }: Deps): Discovery {
  const strays = new Map<WorkloadId, Stray[]>()
  const inTurn = createInTurn()
  let fitted = begun
  let known = familiar(fitted)
  let lessons: readonly Lesson[] = []
  let model = fitted
  let followed: readonly Followed[] = []

  async function learnAgain(): Promise<void> {
    lessons = await store.proposals.lessons(tenant)
    settle()
  }

  function settle(): void {
    const before = model
    model = taughtBy(fitted, lessons)
    changed?.(before, model)
  }

  function recent(now: number): Stray[] {
    for (const [workload, own] of strays) {
      const kept = own.filter(({ at }) => at > now - KEPT_MS)
      if (kept.length === 0) strays.delete(workload)
      else strays.set(workload, kept)
    }
    return [...strays.values()].flat()
  }

  async function round(now: number): Promise<void> {
    const seen = recent(now)
    if (seen.length === 0 && followed.length === 0) return
    const workloads = await store.workloads.all(tenant)
    const assigned = new Set<string>(workloads.flatMap(({ id, assigned: by }) => (by === null ? [] : [id])))
    const unlabelled = seen.filter(({ workload }) => !assigned.has(workload))
    followed = discover(fitted.novelty, followed, unlabelled, now)
    const stable = followed.filter((one) => isStable(one) && one.last === now)
    if (stable.length === 0) return
    const rows = await store.proposals.all(tenant)
    const taken = new Set([
      ...fitted.personas.map((name) => name.toLowerCase()),
      ...(await store.manifests.all(tenant, 'Persona')).map(({ manifest }) => manifest.metadata.name.toLowerCase()),
      ...rows.map(({ name }) => name.toLowerCase()),
    ])
    for (const one of stable) {
      const row = rows.find(({ clusters }) => clusters.some(({ id }) => id === one.id))
      if (row === undefined && rows.filter(({ state }) => state === 'open').length >= MOST_OPEN) continue
      if (row !== undefined && (row.state !== 'open' || row.isHeld)) {
        await store.proposals.refresh(tenant, { ...row, clusters: replaced(row.clusters, one) })
        continue
      }
      const record = await propose(one, row, workloads, taken, now)
      taken.add(record.name.toLowerCase())
      if (row !== undefined) await store.proposals.refresh(tenant, record)
      else
        await store.proposals.change(tenant, [record], [], {
          actor: 'guise',
          action: 'proposal.found',
          object: record.id,
          summary: `${record.name}: ${record.description}`.slice(0, 500),
        })
    }
  }

  async function propose(
    one: Followed,
    row: ProposalRecord | undefined,
    workloads: readonly WorkloadRecord[],
    taken: ReadonlySet<string>,
    now: number,
  ): Promise<ProposalRecord> {
    const members = one.cluster.workloads as readonly WorkloadId[]
    const [settings, talks, evidence] = await Promise.all([
      store.settings.get(tenant),
      store.conversations.busiest(tenant, members, now - TALK_MS, MOST_TALKS),
      store.evidence.since(tenant, now - TALK_MS),
    ])
    const own = new Set<string>(members)
    const suspects = new Map(
      evidence.flatMap(({ workload, evidence: { peer, kind } }) =>
        peer !== null && own.has(workload) ? [[peer, kind] as const] : [],
      ),
    )
    const whois = whoisOf(workloads, own, settings.homeNetworks, suspects)
    const { rules, leftOut } = generalise(talks, whois, settings.homeNetworks)
    const told = describe(fitted, known, one.cluster)
    return {
      id: row?.id ?? `pr_${one.id}`,
      state: 'open',
      name: row?.name ?? suggestName(talks, taken),
      description: sentence(told, members.length, one.cluster.windows),
      because: told.because,
      workloads: members,
      nearest: told.nearest.slice(0, 3),
      rules,
      leftOut,
      clusters: row === undefined ? [toRecord(one)] : replaced(row.clusters, one),
      isHeld: false,
      became: null,
      createdAt: row?.createdAt ?? now,
      updatedAt: now,
      version: row?.version ?? 0,
    }
  }

  /** What an accepted proposal showed is taught at once, so that its kind is recognised from the next window. */
  function lessonsOf(record: ProposalRecord, by: string): Lesson[] {
    const shown = record.clusters.flatMap(({ exemplars }) => exemplars)
    return [...Map.groupBy(shown, ({ workload }) => workload)]
      .filter(([workload]) => record.workloads.includes(workload))
      .map(([workload, own]) => ({ workload, persona: record.name, vectors: own.map(({ x }) => x), at: clock(), by }))
  }

  return {
    model: () => model,
    taught: (other) => taughtBy(other, lessons),
    use(other) {
      fitted = other
      known = familiar(other)
      settle()
    },
    stray(workload, at, x) {
      const own = strays.get(workload) ?? []
      own.push({ workload, at, x })
      strays.set(workload, own.slice(-KEPT_WINDOWS))
    },
    async restore() {
      await learnAgain()
      followed = (await store.proposals.all(tenant)).flatMap(({ clusters }) =>
        clusters.filter(({ id }) => id > 0).map(fromRecord),
      )
    },
    round: (now) => inTurn(() => round(now)),
    act: (id, act, by) =>
      inTurn(async () => {
        const edited = editProposal(await store.proposals.all(tenant), id, act, clock())
        if (!edited.ok) return edited
        const about = edited.value.find((record) => record.id === id)!
        const audit = { actor: by, action: `proposal.${act.do}`, object: id, summary: summaryOf(about, act) }
        const taught = act.do === 'accept' ? lessonsOf(about, by) : []
        const written = await store.proposals.change(tenant, edited.value, taught, audit)
        if (!written.ok)
          return {
            ok: false,
            code: 'proposal-moved-on',
            why: `Proposal ${id} was changed meanwhile.`,
            cure: 'Look at it again, then say it again.',
          }
        if (taught.length > 0) await learnAgain()
        return { ok: true, value: written.value[0]! }
      }),
    teach: (workload, persona, vector, by) =>
      inTurn(async () => {
        const shown = (strays.get(workload) ?? []).slice(-LESSON_WINDOWS).map(({ x }) => plain(x))
        const vectors = shown.length > 0 ? shown : vector === null ? [] : [plain(vector)]
        if (vectors.length === 0)
          return {
            ok: false,
            code: 'not-observed',
            why: 'No window of it was seen since the server started.',
            cure: 'Wait half a minute for its next one, then say it again.',
          }
        const lesson: Lesson = { workload, persona, vectors, at: clock(), by }
        const summary = `${workload} is ${persona}, by ${vectors.length} of its windows`
        const audit = { actor: by, action: 'workload.teach', object: workload, summary }
        await store.proposals.change(tenant, [], [lesson], audit)
        strays.delete(workload)
        await learnAgain()
        return { ok: true, value: lesson }
      }),
  }
}

function summaryOf({ name, workloads }: ProposalRecord, act: ProposalAct): string {
  if (act.do === 'rename') return `is called ${act.name}`
  if (act.do === 'merge') return `${name} becomes part of ${act.into}`
  if (act.do === 'split') return `${act.workloads.length} workloads leave ${name}`
  return act.do === 'accept'
    ? `${name} is the persona ${act.persona}, seen on ${workloads.length} workloads`
    : `${name} is no persona`
}

/** Belief names nobody here: rules are made of what people assigned and wrote. With suspects nobody learns to talk. */
function whoisOf(
  workloads: readonly WorkloadRecord[],
  members: ReadonlySet<string>,
  homeNetworks: readonly string[],
  suspects: ReadonlyMap<string, string>,
): (address: string) => Whois {
  const byAddress = new Map(workloads.flatMap((one) => one.report.addresses.map((address) => [address, one] as const)))
  const homes = createNetworks(homeNetworks)
  return (address) => {
    const suspicion = suspects.get(address)
    if (suspicion !== undefined)
      return { kind: 'nobody', why: `there is evidence of kind ${suspicion} about talking with it` }
    const workload = byAddress.get(address)
    if (workload !== undefined) {
      if (members.has(workload.id)) return { kind: 'alike' }
      if (workload.assigned !== null) return { kind: 'persona', name: workload.assigned.name }
      const { app } = workload.report.labels
      return app === undefined
        ? { kind: 'nobody', why: `${workload.report.name} has no persona assigned, and no label app` }
        : { kind: 'labels', labels: { app } }
    }
    const words = parseAddress(address)
    if (words === null) return { kind: 'nobody', why: 'it is no address' }
    if (isGroupAddress(words)) return { kind: 'nobody', why: 'it is an address of a group' }
    return homes.covers(words) ? { kind: 'nobody', why: 'no workload has this address' } : { kind: 'outside' }
  }
}

const plain = (x: Iterable<number>): (number | null)[] => Array.from(x, (v) => (Number.isNaN(v) ? null : v))
const vectorOf = (x: readonly (number | null)[]): Float64Array => Float64Array.from(x, (v) => v ?? Number.NaN)

function replaced(clusters: readonly ProposedCluster[], one: Followed): ProposedCluster[] {
  return clusters.map((cluster) => (cluster.id === one.id ? toRecord(one) : cluster))
}

function toRecord({ id, since, last, rounds, cluster }: Followed): ProposedCluster {
  const { workloads, windows, centre, spread, newest, exemplars } = cluster
  return {
    ...{ id, since, last, rounds, windows, spread, newest },
    workloads: workloads as readonly WorkloadId[],
    centre: plain(centre),
    exemplars: exemplars.map(({ workload, at, x }) => ({ workload: workload as WorkloadId, at, x: plain(x) })),
  }
}

function fromRecord({ id, since, last, rounds, ...cluster }: ProposedCluster): Followed {
  const exemplars = cluster.exemplars.map(({ workload, at, x }) => ({ workload, at, x: vectorOf(x) }))
  return { id, since, last, rounds, cluster: { ...cluster, centre: vectorOf(cluster.centre), exemplars } }
}
