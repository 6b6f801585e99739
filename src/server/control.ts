/**
 * What the API may ask to happen, for one tenant: reports go to intake, shifts and approvals to the reconciler and the plan
 * flow, questions to the explainers. One instance per process; what it holds in memory can be lost.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Control, ShiftRequest } from '../api/control.ts'
import type { EventHub } from '../api/events.ts'
import { ALARMING, alarmingAmong, riskOf } from '../assess/risk.ts'
import type { Endpoint } from '../decide/fail-safe.ts'
import { carryBelief } from '../learn/filter.ts'
import { DEFAULT_MODEL, type Model } from '../learn/model.ts'
import { standingOf } from '../learn/typical.ts'
import { driftOf, seriesOf } from '../learn/watch/watch.ts'
import type { ForeignChain } from '../model/foreign-chain.ts'
import type { AgentId, PlanId, TenantId, WorkloadId } from '../model/ids.ts'
import { FEED_ROUND_MS } from '../model/manifest.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal } from '../model/why.ts'
import type { AgentReport, ServerMessage } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { createDelivery } from './delivery.ts'
import { createDenialLog } from './denials.ts'
import { createDiscovery } from './discovery.ts'
import { createExplain } from './explain.ts'
import { createFlowExplain, foreignFlow } from './explain-flow.ts'
import { addEvidence, createFleet } from './fleet.ts'
import { createForeteller } from './foreteller.ts'
import { createForgetting, FORGET_EVERY_MS } from './forget.ts'
import { createHalts } from './halts.ts'
import { createAgain } from './in-turn.ts'
import { takeReport } from './intake.ts'
import { createIntel } from './intel.ts'
import { createMachineDesk } from './machine-desk.ts'
import { createModelDesk } from './models.ts'
import { createPersonaMap } from './persona-map.ts'
import { createPlanFlow } from './plan-flow.ts'
import { createReconciler } from './reconcile.ts'
import { recordReflexes } from './reflexes.ts'
import { releaseEvidence } from './release.ts'
import { createReportDesk } from './report-desk.ts'
import { restore } from './restore.ts'
import { createHitBook } from './rule-hits.ts'
import { createSourceBook } from './source-book.ts'
import { forgetShifted, noteContained } from './usual.ts'
import { createVitalsBook } from './vitals-book.ts'
import { loadWorkloadAuthority, type WorkloadAuthority } from './workload-authority.ts'

export type ControlDeps = {
  /** Answers once the database is open; nothing calls it before `start`. */
  readonly store: () => Store
  readonly events: EventHub
  readonly clock: () => number
  readonly log: { warn(detail: object, text: string): void; error(detail: object, text: string): void }
  readonly tenant: TenantId
  readonly home: string
  /** Where agents on other hosts reach us: no plan cuts that off. */
  readonly controlPlane: () => readonly Endpoint[]
}

export type RunningControl = Control & {
  start(): Promise<void>
  stop(): Promise<void>
}

/** How often the reconciler wakes without a reason. */
const CLOCK_MS = 2_000
const DISCOVER_MS = 60_000

export function createControl(deps: ControlDeps): RunningControl {
  const { tenant, events, clock, log } = deps
  const fleet = createFleet()
  const delivery = createDelivery(clock)
  const intel = createIntel(deps.home, (text) => log.warn({}, text), clock)
  // The store is there before any of these is used; the getter keeps construction order free.
  const store = new Proxy({} as Store, { get: (_, name) => Reflect.get(deps.store(), name) })
  const flow = createPlanFlow({ tenant, store, delivery, clock, log, moved })
  const machines = createMachineDesk({ tenant, store, delivery, clock })
  const halts = createHalts({ tenant, store, events, clock })
  const reconciler = createReconciler({
    halts,
    tenant,
    store,
    fleet,
    intel,
    model: () => discovery.model().id,
    flow,
    released: takeWord,
    clock,
    log,
    events,
    controlPlane: deps.controlPlane,
  })
  const explain = createExplain({ tenant, store, clock })
  const denials = createDenialLog()
  /** As agents told last; lost with the server, and told again within a minute. */
  const beside = new Map<AgentId, readonly ForeignChain[]>()
  const hits = createHitBook()
  const explainFlow = createFlowExplain({
    ...{ tenant, store, clock, denials, intel: () => intel.current() },
    beside: (agent) => beside.get(agent) ?? [],
  })
  const desk = createReportDesk(take)
  const book = createSourceBook()
  const discovery = createDiscovery({ tenant, store, model: DEFAULT_MODEL, clock, changed: carryBeliefs })
  const models = createModelDesk({ tenant, store, fleet, discovery, clock, log })
  const personaMap = createPersonaMap({ tenant, store, fleet, model: discovery.model, clock })
  const foreteller = createForeteller({ store, clock })
  const vitals = createVitalsBook()
  const forget = createForgetting({ tenant, store, fleet, clock })
  const timers: NodeJS.Timeout[] = []
  let workloadAuthority: Promise<WorkloadAuthority> | null = null
  let alarming = ALARMING
  /** Hash of the indicators that agents were told last. */
  let told = ''

  function carryBeliefs(before: Model, after: Model): void {
    for (const live of fleet.live.values())
      if (live.belief !== null) live.belief = carryBelief(before.personas, after, live.belief)
  }

  /** In the turn of the release, or the next decision contains again what a person let go. */
  async function takeWord(record: PlanRecord, by: string, why: string): Promise<void> {
    for (const { workload } of record.plan.steps) {
      const live = fleet.live.get(workload)
      if (live === undefined) continue
      const now = clock()
      const word = releaseEvidence(riskOf([...live.evidence.values()], now), live.name, by, why, now)
      if (word === null) continue
      addEvidence(fleet, live, word)
      live.risk = riskOf([...live.evidence.values()], now)
      await store.evidence.add(tenant, [{ workload, evidence: word }])
      events.publish(tenant, { type: 'evidence', subject: workload, data: { workload, ...word } })
    }
  }

  function moved(record: PlanRecord): void {
    const { plan, state } = record
    forgetShifted(fleet, record)
    noteContained(fleet, record)
    events.publish(tenant, {
      type: 'plan',
      subject: plan.id,
      data: { id: plan.id, state, generation: plan.generation.n, direction: plan.direction },
    })
    for (const step of plan.steps) {
      events.publish(tenant, {
        type: 'shift',
        subject: step.shift ?? step.workload,
        data: { shift: step.shift, workload: step.workload, plan: plan.id, state, to: step.to.name },
      })
    }
    reconciler.planMoved(record)
  }

  async function indicators(): Promise<Extract<ServerMessage, { type: 'indicators' }>> {
    const settings = await store.settings.get(tenant)
    const { entries, neverBlock, hash } = intel.current()
    const spared = [...settings.neverBlock, ...neverBlock]
    const homeNetworks = [...settings.homeNetworks]
    // Agents pass over a hash that they know: it names the settings in the message, too.
    const whole = createHash('sha256').update(JSON.stringify([hash, spared, homeNetworks]))
    return {
      type: 'indicators',
      hash: whole.digest('hex').slice(0, 32),
      entries: [...entries],
      neverBlock: spared,
      homeNetworks,
    }
  }

  /** What an agent that comes hears first. */
  async function whatHolds(agent: AgentId): Promise<readonly ServerMessage[]> {
    const { confirmed, pending } = await store.plans.target(tenant)
    const underWay =
      pending !== null && (pending.state === 'applying' || pending.state === 'confirming') ? pending : confirmed
    const state = underWay?.plan.agents[agent] ?? confirmed?.plan.agents[agent]
    return [
      // The time first: containments end by our clock, and the agent's may be another.
      { type: 'bookmark', at: clock() },
      await indicators(),
      ...(state === undefined ? [] : [await flow.stateFor(agent, state)]),
      ...machines.unheard(agent),
    ]
  }

  /** In turn: of two at once the one that looked first could end last, and its older lists would stay in force. */
  const readFeeds = createAgain(async () => {
    const feeds = (await store.manifests.all(tenant, 'Feed')).flatMap(({ manifest }) =>
      manifest.kind === 'Feed' ? [manifest] : [],
    )
    await intel.refresh(feeds)
    const message = await indicators()
    if (message.hash === told) return
    told = message.hash
    for (const agent of delivery.connected()) delivery.send(agent, message)
    reconciler.wake()
  })

  const readPersonas = createAgain(async () => {
    const personas = await store.manifests.all(tenant, 'Persona')
    alarming = alarmingAmong(personas.map(({ manifest }) => manifest))
  })

  async function take(agent: AgentId, report: AgentReport): Promise<void> {
    const now = clock()
    const { host, mode, boot, sequence, applied, counters } = report
    const { model } = discovery
    const taken = await takeReport(
      { tenant, store, fleet, model, alarming: () => alarming, discovery },
      agent,
      report,
      now,
    )
    if (report.vitals !== undefined)
      vitals.take(report.vitals, (key) => {
        const live = fleet.live.get(workloadId(tenant, key))
        return live?.agent === agent ? live.workload : null
      })
    for (const live of taken.observed) {
      events.publish(tenant, {
        type: 'workload.observed',
        subject: live.workload,
        data: {
          id: live.workload,
          at: now,
          risk: live.risk?.value ?? null,
          belief: live.lastBelief,
          bytesOut: live.bytesOut,
          bytesIn: live.bytesIn,
          drift: driftOf(fleet.watch, live.row)?.score ?? null,
        },
      })
    }
    for (const { workload, evidence } of taken.evidence)
      events.publish(tenant, { type: 'evidence', subject: workload, data: { workload, ...evidence } })
    const agentOf = (workload: WorkloadId) => fleet.live.get(workload)?.agent ?? null
    if (report.reflexes.length > 0) await recordReflexes({ tenant, store, events, agentOf }, agent, report.reflexes)
    if (mode !== 'enforce') await flow.enforcesNothing(agent)
    if (applied !== null) await flow.applied(agent, applied)
    // Last: a report counts as seen when everything in it is stored.
    await store.agents.seen(tenant, agent, { host, mode, boot, sequence, applied, counters }, now)
    events.publish(tenant, {
      type: 'agent',
      subject: agent,
      data: { id: agent, host, mode, at: now, applied: applied?.state ?? null },
    })
    await machines.take(agent, report)
    if (report.beside !== undefined) beside.set(agent, report.beside)
    denials.add(agent, report.denials ?? [], now)
    hits.add(agent, report.hits ?? {}, now)
    for (const record of book.take(agent, report, now))
      events.publish(tenant, { type: 'source', subject: record.id, data: record })
    reconciler.wake()
  }

  const guarded = (attempted: string, work: () => Promise<unknown>) => () =>
    void work().catch((error: unknown) => log.error({ error: String(error) }, attempted))

  return {
    async start() {
      await restore(store, tenant, fleet, clock())
      await discovery.restore()
      await models.restore()
      await readPersonas()
      await readFeeds()
      timers.push(setInterval(guarded('read the feeds', readFeeds), FEED_ROUND_MS))
      timers.push(
        setInterval(
          guarded('tend plans left behind', () => flow.tend()),
          CLOCK_MS,
        ),
      )
      timers.push(
        setInterval(
          guarded('look for new personas', () => discovery.round(clock())),
          DISCOVER_MS,
        ),
      )
      timers.push(setInterval(guarded('forget workloads that are over', forget), FORGET_EVERY_MS))
      timers.push(setInterval(() => reconciler.wake(), CLOCK_MS))
      reconciler.wake()
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await foreteller.stop()
      await reconciler.stop()
    },

    requestShift: (request: ShiftRequest) => reconciler.requestShift(request),
    undoShift: ({ shift, by }) => reconciler.undoShift(shift, by),
    async approvePlan({ plan, by, note, signatures }) {
      const audit = { actor: by, action: 'plan.approve', object: plan, summary: note }
      const approved = await store.plans.approve(tenant, plan, by, note, audit, signatures)
      if (!approved.ok) return refusal(approved.code, plan)
      return found(await flow.approved(approved.value, by), plan)
    },
    confirmPlan: async ({ plan, by }) => found(await flow.confirm(plan, by), plan),
    async rollbackPlan({ plan, by, why }) {
      const record = await store.plans.get(tenant, plan)
      if (record === null) return refusal('missing', plan)
      // A confirmed plan is not under way any more: undoing it is a change of its own, with its own generation.
      if (record.state === 'confirmed') return reconciler.rollbackConfirmed(record, by, why)
      const isContainment = record.plan.direction === 'containment'
      return found(await (isContainment ? reconciler.release(record, by, why) : flow.rollback(plan, by, why)), plan)
    },
    rollbackTo: ({ generation, by, why }) => reconciler.rollbackTo(generation, by, why),
    lookBackTo: ({ generation, by }) => reconciler.lookBackTo(generation, by),
    async resume({ by, why }) {
      const outcome = await halts.resume(by, why)
      reconciler.wake()
      return outcome
    },
    manifestsChanged() {
      guarded('read the personas', readPersonas)()
      guarded('read the feeds', readFeeds)()
      reconciler.wake()
    },
    ratings: () => intel.current().entries,
    decisionInput: () => reconciler.input(),
    machines: (asker, agent) => (asker === tenant ? machines.of(agent) : { at: null, machines: [], orders: [] }),
    orderMachine: (request) => machines.ask(request),
    approveMachine: ({ agent, order, by }) => machines.approve(agent, order, by),
    async setMode({ agent, mode }) {
      return {
        ok: false,
        code: 'mode-is-the-hosts',
        why: `Agent ${agent} takes its mode from its own host, so that a server cannot raise it to ${mode}.`,
        cure: `On that host, start it with --mode ${mode}.`,
      }
    },

    async signCertificate(request, names, days) {
      workloadAuthority ??= loadWorkloadAuthority(join(deps.home, 'keys'), clock)
      workloadAuthority.catch(() => {
        workloadAuthority = null
      })
      return (await workloadAuthority).sign(request, names, days)
    },
    beside: (asker, agent) => (asker === tenant ? (beside.get(agent) ?? []) : []),
    drift(asker, workload) {
      const live = asker === tenant ? fleet.live.get(workload) : undefined
      if (live === undefined) return { drift: null, series: null }
      return { drift: driftOf(fleet.watch, live.row), series: seriesOf(fleet.watch, live.row) }
    },
    forecast: (question) => foreteller.forecast(question),
    vitals: (asker, workload) => (asker === tenant ? vitals.of(workload) : null),
    features(asker, workload, persona) {
      const live = asker === tenant ? fleet.live.get(workload) : undefined
      const model = discovery.model()
      const x = live?.features ?? null
      // The vector and the belief are of the same window.
      const at = x === null ? null : (live?.belief?.at ?? null)
      return { at, model: model.id, features: standingOf(model, persona, x) }
    },
    ruleHits: (asker, agent, rules) => (asker === tenant ? hits.of(agent, rules, clock()) : []),
    sources: (asker) => (asker === tenant ? book.list(clock()) : []),
    source: (asker, id) => (asker === tenant ? book.get(id, clock()) : null),
    agentReport(_tenant: TenantId, agent: AgentId, report: AgentReport) {
      delivery.heard(agent)
      return desk(agent, report)
    },
    desiredStream: (_tenant: TenantId, agent: AgentId, signal: AbortSignal) =>
      delivery.stream(agent, () => whatHolds(agent), signal),
    personaMap,
    changeProposal: ({ proposal, act, by }) => discovery.act(proposal, act, by),
    teach: ({ workload, persona, by }) =>
      discovery.teach(workload, persona, fleet.live.get(workload)?.features ?? null, by),
    promoteModel: ({ model, by, why }) => models.promote(model, by, why),
    rollbackModel: ({ by, why }) => models.rollback(by, why),
    shadowModel: (_tenant, model) => models.shadow(model),
    explain: (_tenant: TenantId, workload: WorkloadId) => explain.workload(workload),
    explainFlow: (_tenant, workload, question) => explainFlow.of(workload, question),
    explainBetween: async (asker, from, question) =>
      asker === tenant ? explainFlow.between(from, question) : foreignFlow(from, question.to),
  }
}

function refusal(code: 'missing' | 'exists' | 'conflict', plan: PlanId): Refusal {
  switch (code) {
    case 'missing':
      return {
        ok: false,
        code: 'not-found',
        why: `There is no plan ${plan}.`,
        cure: 'List plans with guise plan list.',
      }
    case 'exists':
      return {
        ok: false,
        code: 'approved-before',
        why: 'You approved it already.',
        cure: 'A second person must approve it too.',
      }
    case 'conflict':
      return {
        ok: false,
        code: 'plan-moved-on',
        why: `Plan ${plan} is not in a state for that any more, or a newer plan is under way.`,
        cure: 'Look at both with guise plan list.',
      }
  }
}

function found(record: PlanRecord | null, plan: PlanId): Outcome<PlanRecord> {
  return record === null ? refusal('conflict', plan) : { ok: true, value: record }
}
