/**
 * A plan's way from approved to confirmed. In: what agents say of a generation (`Applied`), approvals, deadlines. Out: state
 * to the agents, `confirm` or `rollback`, moves in the record. Holds no truth of its own: what an agent said last is asked
 * again after a restart, because every report carries it.
 */
import { MAX_APPROVALS } from '../model/approval.ts'
import type { AgentState, Generation } from '../model/desired.ts'
import type { AgentId, PlanId, ShiftId, TenantId, WorkloadId } from '../model/ids.ts'
import type { ApprovalClass, ShiftState } from '../model/plan.ts'
import type { PlanRecord } from '../model/records.ts'
import { sameGeneration } from '../model/same-generation.ts'
import type { Audit, Store } from '../model/store.ts'
import type { Applied, ServerMessage } from '../model/wire.ts'
import type { Delivery } from './delivery.ts'
import { maybe } from './fault.ts'

export type PlanFlowDeps = {
  readonly tenant: TenantId
  readonly store: Store
  readonly delivery: Pick<Delivery, 'send' | 'inTouch'>
  readonly clock: () => number
  /** Called after every move, with the record as it is now. */
  readonly moved: (record: PlanRecord) => void
  readonly log: { warn(detail: object, text: string): void }
}

type StateMessage = Extract<ServerMessage, { type: 'state' }>

export type PlanFlow = {
  /** Applies it when as many people as its class asks for have approved it; else it goes on waiting. */
  approved(record: PlanRecord, actor: string): Promise<PlanRecord | null>
  /** Sends an approved plan to its agents. */
  apply(id: PlanId, actor: string): Promise<PlanRecord | null>
  /** A person's confirm: needed when the plan was asked to wait for it. */
  confirm(id: PlanId, actor: string): Promise<PlanRecord | null>
  rollback(id: PlanId, actor: string, why: string): Promise<PlanRecord | null>
  /** A wish that waits is given up, with the plans that carry it; false when it does not wait any more. */
  withdraw(shift: ShiftId, actor: string, why: string): Promise<boolean>
  applied(agent: AgentId, applied: Applied): Promise<void>
  /** It writes nothing to its kernel (a panic holds, or it was started so): nobody there wears anything. */
  enforcesNothing(agent: AgentId): Promise<void>
  /** The message with what approvers of its plan signed for this agent. */
  stateFor(agent: AgentId, state: AgentState): Promise<StateMessage>
  /** Plans left behind: by a server that died between two steps, or by agents that went silent. Called by the clock. */
  tend(): Promise<void>
}

/** How long after its deadline a silent agent's plan is called expired: the agent undid it by itself long before. */
const SILENCE_MS = 15_000
/** A step of the server's own takes milliseconds; a plan that stands between two for this long lost its server. */
const STRANDED_MS = 3_000

/** What needed a person's approval waits for a person's confirm, too; the rest is confirmed when every probe passes. */
const waitsForPerson = (record: PlanRecord): boolean => record.plan.approval !== 'auto'
const PEOPLE = { auto: 0, one: 1, two: 2 } as const satisfies Record<ApprovalClass, number>

export function createPlanFlow(deps: PlanFlowDeps): PlanFlow {
  const { tenant, store, delivery } = deps
  /** epoch ms; when this process first looked after plans. */
  let watchedSince: number | null = null
  /** What each agent said last of a plan under way. */
  const said = new Map<PlanId, Map<AgentId, Applied>>()
  /** Under way, and a person said to keep them. */
  const kept = new Set<PlanId>()
  /** The generation each agent is recorded to wear, so that a report every tick is not a write every tick; null = nothing. */
  const worn = new Map<AgentId, Generation | null>()

  async function move(id: PlanId, to: ShiftState, actor: string, summary: string): Promise<PlanRecord | null> {
    const audit: Audit = { actor, action: `plan.${to}`, object: id, summary }
    const outcome = await store.plans.move(tenant, id, to, audit)
    if (!outcome.ok) {
      deps.log.warn({ plan: id, to, code: outcome.code }, 'a plan could not be moved')
      return null
    }
    if (to === 'rolled-back' || to === 'expired' || to === 'confirmed') {
      said.delete(id)
      kept.delete(id)
    }
    if (to === 'applying' || to === 'confirming' || to === 'confirmed') maybe(`server:${to}`)
    deps.moved(outcome.value)
    return outcome.value
  }

  async function apply(id: PlanId, actor: string): Promise<PlanRecord | null> {
    const record = await move(id, 'applying', actor, 'sent to its agents')
    if (record === null) return null
    said.set(id, new Map())
    for (const [agent, state] of Object.entries(record.plan.agents))
      delivery.send(agent as AgentId, await stateFor(agent as AgentId, state))
    maybe('server:sent')
    return record
  }

  async function stateFor(agent: AgentId, state: AgentState): Promise<StateMessage> {
    const signed = await store.plans.signatures(tenant, state.plan as PlanId)
    const approvals = signed.filter((one) => one.agent === agent).map(({ key, signature }) => ({ key, signature }))
    return { type: 'state', state, ...(approvals.length === 0 ? {} : { approvals: approvals.slice(-MAX_APPROVALS) }) }
  }

  async function rollback(id: PlanId, actor: string, why: string): Promise<PlanRecord | null> {
    const record = await move(id, 'rolled-back', actor, why)
    if (record === null) return null
    for (const agent of Object.keys(record.plan.agents)) {
      delivery.send(agent as AgentId, { type: 'rollback', generation: record.plan.generation, why })
    }
    return record
  }

  function sendConfirm(record: PlanRecord): void {
    for (const agent of Object.keys(record.plan.agents)) {
      delivery.send(agent as AgentId, { type: 'confirm', generation: record.plan.generation })
    }
    maybe('server:confirm-sent')
  }

  async function underWay(applied: Applied): Promise<{ record: PlanRecord; isTarget: boolean } | null> {
    const { confirmed, pending } = await store.plans.target(tenant)
    for (const record of [pending, confirmed]) {
      // Not by its number alone: a restored database gives the numbers of what agents hold from before once more.
      if (record !== null && sameGeneration(record.plan.generation, applied.generation))
        return { record, isTarget: record === confirmed }
    }
    return null
  }

  async function approved(record: PlanRecord, actor: string): Promise<PlanRecord | null> {
    const people = record.approvedBy.length
    if (people < PEOPLE[record.plan.approval]) return record
    const summary = `approved by ${people} ${people === 1 ? 'person' : 'people'}`
    const moved = await move(record.plan.id, 'approved', actor, summary)
    return moved === null ? null : await apply(record.plan.id, actor)
  }

  return {
    approved,
    apply,
    stateFor,
    rollback,
    async confirm(id, actor) {
      const record = await store.plans.get(tenant, id)
      if (record === null || record.state !== 'confirming') return null
      await store.ledger.audit(tenant, { actor, action: 'plan.confirm', object: id, summary: 'confirmed by hand' })
      kept.add(id)
      sendConfirm(record)
      return record
    },
    async withdraw(shift, actor, summary) {
      const outcome = await store.plans.withdraw(tenant, shift, {
        actor,
        action: 'shift.withdraw',
        object: shift,
        summary,
      })
      if (outcome.ok) for (const record of outcome.value) deps.moved(record)
      return outcome.ok
    },
    async applied(agent, applied) {
      const found = await underWay(applied)
      if (found === null) return
      const { record, isTarget } = found
      const id = record.plan.id
      if (isTarget) {
        // An agent that came back re-applies the confirmed generation and waits: it has been confirmed before.
        if (applied.state === 'confirming') delivery.send(agent, { type: 'confirm', generation: applied.generation })
        if (applied.state === 'confirmed') await wear(record, agent)
        return
      }
      if (!(agent in record.plan.agents)) return
      const all = said.get(id) ?? new Map<AgentId, Applied>()
      said.set(id, all.set(agent, applied))
      const failed = applied.probes.find((probe) => !probe.ok)
      if (applied.state === 'rolled-back' || applied.state === 'refused') {
        await rollback(id, `agent:${agent}`, `${applied.state} by ${agent}: ${applied.why ?? 'no reason given'}`)
        return
      }
      if (applied.state === 'confirming' && failed !== undefined && record.plan.direction !== 'containment') {
        await rollback(id, 'guise', `probe "${failed.name}" failed on ${agent}: ${failed.detail}`)
        return
      }
      await advance(record, all)
    },
    async enforcesNothing(agent) {
      if (worn.get(agent) === null) return
      await store.workloads.unwear(tenant, agent, deps.clock())
      worn.set(agent, null)
    },
    async tend() {
      watchedSince ??= deps.clock()
      const { pending } = await store.plans.target(tenant)
      if (pending === null) return
      const { id } = pending.plan
      const age = deps.clock() - pending.updatedAt
      if (pending.state === 'proposed' && !waitsForPerson(pending) && age > STRANDED_MS) {
        // A shift is a wish somebody may have been promised; everything else is decided anew from what is stored.
        const isWish = pending.plan.steps.some((step) => step.shift !== null)
        const goesOn = isWish && (await move(id, 'approved', 'guise', 'its class needs nobody')) !== null
        if (goesOn) await apply(id, 'guise')
        else await move(id, 'expired', 'guise', 'its server ended before it was approved; it is decided anew')
      }
      // Approved by everybody it needs, who would be told that they have done so already.
      if (pending.state === 'proposed' && waitsForPerson(pending) && age > STRANDED_MS) await approved(pending, 'guise')
      if (pending.state === 'approved' && age > STRANDED_MS) await apply(id, 'guise')
      if (pending.state !== 'applying' && pending.state !== 'confirming') return
      const patience = confirmWithinMs(pending) + SILENCE_MS
      // While no server ran nobody could tell it; an agent may hold it confirmed already.
      if (Math.min(age, deps.clock() - watchedSince) < patience) return
      const text = `no agent confirmed it within ${Math.round(patience / 1000)} s; agents undo it by themselves`
      await move(id, 'expired', 'guise', text)
    },
  }

  async function advance(record: PlanRecord, all: ReadonlyMap<AgentId, Applied>): Promise<void> {
    // An agent out of touch does not hold the others up: it gets the target when it is back, and is confirmed then.
    const inTouch = new Set(delivery.inTouch())
    const agents = (Object.keys(record.plan.agents) as AgentId[]).filter(
      (agent) => all.has(agent) || inTouch.has(agent),
    )
    const states = agents.map((agent) => all.get(agent)?.state ?? 'applying')
    const id = record.plan.id
    let now: PlanRecord | null = record
    if (record.state === 'applying' && states.every((state) => state === 'confirming' || state === 'confirmed')) {
      now = await move(id, 'confirming', 'guise', 'applied on every agent; probes pass')
      if (now !== null && !waitsForPerson(record)) sendConfirm(now)
    } else if (
      record.state === 'confirming' &&
      (!waitsForPerson(record) || kept.has(id)) &&
      states.some((state) => state === 'confirming')
    ) {
      // The confirm may have been lost with a connection; saying it again is harmless.
      sendConfirm(record)
    }
    if (now !== null && states.every((state) => state === 'confirmed')) {
      maybe('server:all-confirmed')
      const confirmed = await move(
        id,
        'confirmed',
        'guise',
        `generation ${now.plan.generation.n} is in force on ${agents.length} agent(s)`,
      )
      if (confirmed !== null) for (const agent of agents) await wear(confirmed, agent)
    }
  }

  async function wear(record: PlanRecord, agent: AgentId): Promise<void> {
    const state = record.plan.agents[agent]
    const { generation } = record.plan
    if (state === undefined || sameGeneration(generation, worn.get(agent) ?? undefined)) return
    await store.workloads.wear(
      tenant,
      state.workloads.map((desired) => ({
        workload: desired.workload as WorkloadId,
        worn: { id: desired.persona.id as never, name: desired.persona.name, version: desired.persona.version },
        containedUntil: desired.containment?.until ?? null,
      })),
      deps.clock(),
    )
    worn.set(agent, generation)
    maybe('server:worn')
  }
}

function confirmWithinMs(record: PlanRecord): number {
  return Math.max(0, ...Object.values(record.plan.agents).map((state) => state.confirmWithinMs))
}
