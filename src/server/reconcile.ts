/**
 * The reconciler: woken by an event or the clock, it reads the whole state, lets `decide` say what should be, and proposes
 * one plan at a time. It takes no input from what woke it, so a lost wake-up or a restart changes nothing but the time.
 */
import { randomUUID } from 'node:crypto'
import type { ShiftAccepted, ShiftRequest } from '../api/control.ts'
import type { EventHub } from '../api/events.ts'
import { digest, meaning } from '../decide/canonical.ts'
import type { Endpoint } from '../decide/fail-safe.ts'
import { type DecideInput, type Decision, decide, type PlanDraft, planOf } from '../decide/plan.ts'
import { restoreDraft } from '../decide/restore-draft.ts'
import { FEATURES_VERSION } from '../learn/features.ts'
import type { DecisionId, PlanId, ShiftId, TenantId, WorkloadId } from '../model/ids.ts'
import { mayMove } from '../model/plan.ts'
import type { PlanRecord, ShiftRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome } from '../model/why.ts'
import { type Gathered, gather } from './decision-input.ts'
import { maybe } from './fault.ts'
import type { Fleet } from './fleet.ts'
import type { Halts } from './halts.ts'
import { createInTurn } from './in-turn.ts'
import type { IntelKeeper } from './intel.ts'
import type { PlanFlow } from './plan-flow.ts'
import { releaseDraft } from './release.ts'
import { endShifts, undoSince } from './shift-ends.ts'
import {
  automaticShift,
  busy,
  keyReused,
  overtaken,
  pinned,
  requestedShift,
  shiftIdOf,
  unchanged,
  unknownGeneration,
} from './shift-records.ts'
import { declaredPersonas, refuseShift } from './shift-rules.ts'

export type ReconcileDeps = {
  readonly tenant: TenantId
  readonly store: Store
  readonly fleet: Fleet
  readonly intel: IntelKeeper
  /** The one that beliefs are made by now, for the record of a decision. */
  readonly model: () => string
  readonly flow: PlanFlow
  readonly halts: Halts
  /** A person let go what this plan contained: their word counts against its evidence. */
  readonly released: (record: PlanRecord, by: string, why: string) => Promise<void>
  readonly clock: () => number
  /** Where agents on other hosts reach us: no plan cuts that off. */
  readonly controlPlane: () => readonly Endpoint[]
  readonly events: EventHub
  readonly log: { warn(detail: object, text: string): void; error(detail: object, text: string): void }
}

export type Reconciler = {
  wake(): void
  /** What a decision would be made on now, for previews; without conversations. */
  input(): Promise<DecideInput>
  requestShift(request: ShiftRequest): Promise<Outcome<ShiftAccepted>>
  undoShift(shift: ShiftId, by: string): Promise<Outcome<ShiftAccepted>>
  /** A confirmed plan is undone by a new one that restores what its workloads had before. */
  rollbackConfirmed(record: PlanRecord, by: string, why: string): Promise<Outcome<PlanRecord>>
  /** A containment that is not confirmed yet is rolled back; null when that is refused. */
  release(record: PlanRecord, by: string, why: string): Promise<PlanRecord | null>
  /** What was in force in that generation is made a plan of its own, and held until a person resumes. */
  rollbackTo(generation: number, by: string, why: string): Promise<Outcome<PlanRecord>>
  /** What that would be now, as a plan that nobody keeps; refused as the same request would be. */
  lookBackTo(generation: number, by: string): Promise<Outcome<PlanRecord>>
  planMoved(record: PlanRecord): void
  stop(): Promise<void>
}

const MINUTE_MS = 60_000
const TALK_MS = 900_000
/** A plan that was rolled back or withdrawn is not proposed again, unchanged, before this; doubling to its 16-fold. */
const RETRY_MS = 30_000

type Failure = { readonly until: number; readonly times: number }

export function createReconciler(deps: ReconcileDeps): Reconciler {
  const { tenant, store, flow, clock } = deps
  let asked = false
  let stopped = false
  let activations: Decision['activations'] = {}
  let automatic: { readonly at: number; readonly workload: WorkloadId }[] = []
  const failed = new Map<string, Failure>()
  const alarmed = new Map<string, number>()

  /** A decision is made on what the one before left. */
  const inTurn = createInTurn()

  function inputOf(state: Gathered, shifts: readonly ShiftRecord[], talk: DecideInput['conversations']): DecideInput {
    const now = clock()
    automatic = automatic.filter(({ at }) => at > now - MINUTE_MS)
    // What a plan under way does is still to be done in this decision's eyes: it is not counted twice.
    const underWay = new Set(state.pending?.plan.steps.map((step) => step.workload))
    const recent = automatic.filter(({ workload }) => !underWay.has(workload))
    return {
      ...state,
      shifts,
      conversations: talk,
      now,
      seed: now % 0x7fffffff,
      controlPlane: deps.controlPlane(),
      recentChanges: recent.length,
      activations,
    }
  }

  const decideOn = (...given: Parameters<typeof inputOf>): Decision => decide(inputOf(...given))

  async function talkOf(draft: PlanDraft) {
    const since = clock() - TALK_MS
    const some = draft.steps.slice(0, 200)
    return (await Promise.all(some.map((step) => store.conversations.of(tenant, step.workload, since, 200)))).flat()
  }

  async function reconcile(): Promise<void> {
    await declaredPersonas(store, tenant)
    const state = await gather(store, tenant, deps.fleet, deps.intel.current())
    let decision = decideOn(state, state.shifts, [])
    const own = decision.shifts.map((proposal) => automaticShift(tenant, proposal, clock()))
    if (own.length > 0) decision = decideOn(state, [...own, ...state.shifts], [])
    activations = decision.activations
    await sayAlarms(decision)
    if (decision.trip !== null) await deps.halts.trip(decision.trip)
    const isStuck = decision.plan !== null && isHeldBack(decision.plan)
    const draft = isStuck ? decision.sparing : decision.plan
    if (draft === null || isHeldBack(draft) || !(await mayStart(state, draft))) return
    await (isStuck ? propose(state, [], 'guise', draft) : propose(state, own, 'guise'))
  }

  function isHeldBack(draft: PlanDraft): boolean {
    const failure = failed.get(attemptKey(draft.agents))
    return failure !== undefined && failure.until > clock()
  }

  /** Only one plan is under way; a containment does not wait for a change that waits for somebody. */
  async function mayStart({ pending }: Gathered, draft: PlanDraft): Promise<boolean> {
    if (pending === null) return true
    if (pending.state === 'proposed' || pending.state === 'shadowed') {
      return attemptKey(planDraftAgents(pending)) !== attemptKey(draft.agents)
    }
    if (draft.direction !== 'containment' || pending.plan.direction === 'containment') return false
    return (await flow.rollback(pending.plan.id, 'guise', 'a containment goes first')) !== null
  }

  async function propose(
    state: Gathered,
    shifts: readonly ShiftRecord[],
    by: string,
    given: PlanDraft | null = null,
  ): Promise<PlanRecord | 'unchanged' | 'overtaken'> {
    const first = given ?? decideOn(state, [...shifts, ...state.shifts], []).plan
    if (first === null) return 'unchanged'
    const decision = decideOn(state, [...shifts, ...state.shifts], await talkOf(first))
    const draft = given ?? decision.plan
    if (draft === null) return 'unchanged'
    const id = `d_${randomUUID()}` as DecisionId
    const at = clock()
    const head = draft.steps[0]
    // What it was decided on: the record refuses it when something else is in force by now.
    const parent = state.confirmed?.plan.id ?? null
    const kept = await store.plans.propose(
      tenant,
      (generation, plan) => {
        maybe('server:proposing')
        return planOf(draft, { id: plan, tenant, parent, generation, decision: id, createdAt: at, proposedBy: by })
      },
      {
        id,
        tenant,
        at,
        kind: 'plan',
        workload: head?.workload ?? null,
        inputs: decision.inputs,
        features: head === undefined ? null : (deps.fleet.live.get(head.workload)?.features ?? null),
        versions: {
          model: deps.model(),
          features: FEATURES_VERSION,
          rules: 'decide-1',
          policies: decision.inputs.manifests ?? '',
        },
        seed: at % 0x7fffffff,
        summary: draft.summary,
        detail: { report: decision.report, direction: draft.direction, approval: draft.approval },
      },
      shifts,
      { actor: by, action: 'plan.propose', object: head?.workload ?? 'sets', summary: draft.summary },
    )
    if (!kept.ok) {
      deps.log.warn({ code: kept.code }, 'a plan was overtaken before it was stored; the next round decides anew')
      return 'overtaken'
    }
    maybe('server:proposed')
    for (const workload of draft.automatic) automatic.push({ at, workload })
    return start(kept.value)
  }

  async function start(record: PlanRecord): Promise<PlanRecord> {
    const { plan } = record
    if (plan.approval !== 'auto') {
      deps.events.publish(tenant, {
        type: 'plan',
        subject: plan.id,
        data: { id: plan.id, state: record.state, approval: plan.approval },
      })
      return record
    }
    const approved = await store.plans.move(tenant, plan.id, 'approved', {
      actor: 'guise',
      action: 'plan.approved',
      object: plan.id,
      summary: 'its class needs nobody',
    })
    if (!approved.ok) return record
    maybe('server:approved')
    return (await flow.apply(plan.id, 'guise')) ?? approved.value
  }

  /** Asked before, and the answer was lost: no second shift. What its plan lacks to be under way is made up for. */
  async function again(shift: ShiftRecord, request: ShiftRequest): Promise<Outcome<ShiftAccepted>> {
    if (shift.workload !== request.workload || shift.to.id !== request.persona) return keyReused()
    const plan = shift.plan === null ? null : await store.plans.get(tenant, shift.plan)
    if (plan?.state === 'proposed') await start(plan)
    if (plan?.state === 'approved') await flow.apply(plan.plan.id, 'guise')
    const now = await store.shifts.get(tenant, shift.id)
    return { ok: true, value: { shift: shift.id, plan: shift.plan, state: (now ?? shift).state } }
  }

  async function sayAlarms(decision: Decision): Promise<void> {
    const now = clock()
    for (const alarm of decision.alarms) {
      if (now - (alarmed.get(alarm.rule) ?? 0) < MINUTE_MS) continue
      alarmed.set(alarm.rule, now)
      await store.ledger.audit(tenant, { actor: 'guise', action: 'alarm', object: alarm.rule, summary: alarm.text })
      deps.events.publish(tenant, {
        type: 'audit',
        subject: alarm.rule,
        data: { action: 'alarm', summary: alarm.text, at: now },
      })
    }
  }

  /** One plan goes at a time; what only waits for somebody is overtaken. */
  function standsInTheWay({ pending }: Pick<Gathered, 'pending'>): PlanRecord | null {
    return pending === null || pending.state === 'proposed' ? null : pending
  }

  async function wayBackTo(generation: number, by: string, why: string): Promise<Outcome<WayBack>> {
    const then = await store.plans.confirmedAt(tenant, generation)
    if (then === null) return unknownGeneration(generation)
    const state = await gather(store, tenant, deps.fleet, deps.intel.current())
    const underWay = standsInTheWay(state)
    if (underWay !== null) return busy(underWay)
    const first = restoreDraft(inputOf(state, state.shifts, []), then, by, why)
    if (!first.ok) return first
    const draft = restoreDraft(inputOf(state, state.shifts, await talkOf(first.value)), then, by, why)
    return draft.ok ? { ok: true, value: { then, state, draft: draft.value } } : draft
  }

  function wake(): void {
    if (asked || stopped) return
    asked = true
    inTurn(async () => {
      asked = false
      if (stopped) return
      await endShifts(store, tenant, clock())
      await reconcile()
    }).catch((error: unknown) =>
      deps.log.error({ error: String(error) }, 'a round of deciding failed; the next one starts from what is stored'),
    )
  }

  return {
    wake,
    async input() {
      const state = await gather(store, tenant, deps.fleet, deps.intel.current())
      return inputOf(state, state.shifts, [])
    },
    requestShift: (request) =>
      inTurn(async () => {
        const known = await store.shifts.get(tenant, shiftIdOf(request))
        if (known !== null) return again(known, request)
        const state = await gather(store, tenant, deps.fleet, deps.intel.current())
        const judged = refuseShift(state, request)
        if (!judged.ok) return judged
        const shift = requestedShift(request, judged.value.from, judged.value.to, clock())
        const underWay = standsInTheWay(state)
        if (underWay !== null) return busy(underWay)
        if (state.settings.pinned != null) return pinned(state.settings.pinned)
        const record = await propose(state, [shift], request.by)
        if (record === 'unchanged') return unchanged(judged.value.name, shift)
        if (record === 'overtaken') return overtaken()
        const now = await store.shifts.get(tenant, shift.id)
        return { ok: true, value: { shift: shift.id, plan: record.plan.id, state: now?.state ?? record.state } }
      }),
    undoShift: (id, by) =>
      inTurn(async () => {
        // Nothing of it is in force while it waits, so there is no way back to plan.
        if (await flow.withdraw(id, by, 'not wanted any more')) {
          wake()
          return { ok: true, value: { shift: id, plan: null, state: 'refused' } }
        }
        const shift = await store.shifts.get(tenant, id)
        if (shift === null)
          return {
            ok: false,
            code: 'not-found',
            why: `There is no shift ${id}.`,
            cure: 'List shifts with guise get shifts.',
          }
        // One that is over is not undone again: its plan carries what others asked for.
        if (shift.plan !== null && shift.state !== 'confirmed' && mayMove(shift.state, 'rolled-back')) {
          const rolled = await flow.rollback(shift.plan, by, `undone by ${by}`)
          if (rolled !== null) return { ok: true, value: { shift: id, plan: shift.plan, state: rolled.state } }
        }
        const over = {
          ok: false,
          code: 'shift-over',
          why: `Shift ${id} is over already (${shift.state}).`,
          cure: 'Nothing needs undoing.',
        } as const
        if (!mayMove(shift.state, 'rolled-back')) return over
        const underWay = standsInTheWay(await store.plans.target(tenant))
        if (underWay !== null) return busy(underWay)
        const moved = await store.shifts.move(tenant, id, 'rolled-back', {
          actor: by,
          action: 'shift.undo',
          object: id,
          summary: `${shift.to.name} taken off again`,
        })
        if (!moved.ok) return over
        const state = await gather(store, tenant, deps.fleet, deps.intel.current())
        const record = await propose(state, [], by)
        return {
          ok: true,
          value: { shift: id, plan: typeof record === 'string' ? null : record.plan.id, state: 'rolled-back' },
        }
      }),
    rollbackConfirmed: (record, by, why) =>
      inTurn(async () => {
        const state = await gather(store, tenant, deps.fleet, deps.intel.current())
        const underWay = standsInTheWay(state)
        if (underWay !== null) return busy(underWay)
        const draft = releaseDraft(state, record, by, why)
        if (!draft.ok) return draft
        for (const step of record.plan.steps) {
          if (step.shift !== null)
            await store.shifts.move(tenant, step.shift, 'rolled-back', {
              actor: by,
              action: 'shift.undo',
              object: step.shift,
              summary: why,
            })
        }
        const proposed = await propose(state, [], by, draft.value)
        if (typeof proposed === 'string') return overtaken()
        if (record.plan.direction === 'containment') await deps.released(record, by, why)
        return { ok: true, value: proposed }
      }),
    release: (record, by, why) =>
      inTurn(async () => {
        const rolled = await flow.rollback(record.plan.id, by, why)
        if (rolled !== null) await deps.released(record, by, why)
        return rolled
      }),
    rollbackTo: (generation, by, why) =>
      inTurn(async () => {
        const found = await wayBackTo(generation, by, why)
        if (!found.ok) return found
        const { then, state, draft } = found.value
        // Held first: a decision in between would plan what is being taken back.
        await deps.halts.pin(generation, by, why)
        await undoSince(store, tenant, then.plan.createdAt, by, why)
        const proposed = await propose(state, [], by, draft)
        return typeof proposed === 'string' ? overtaken() : { ok: true, value: proposed }
      }),
    async lookBackTo(generation, by) {
      const found = await wayBackTo(generation, by, 'a look at what that would change')
      return found.ok ? { ok: true, value: lookedAt(found.value, by, clock()) } : found
    },
    planMoved(record) {
      const key = attemptKey(planDraftAgents(record))
      if (record.state === 'rolled-back' || record.state === 'expired' || record.state === 'refused') {
        const times = (failed.get(key)?.times ?? 0) + 1
        failed.set(key, { times, until: clock() + RETRY_MS * 2 ** Math.min(4, times - 1) })
        if (failed.size > 100) failed.delete(failed.keys().next().value!)
      } else if (record.state === 'confirmed') failed.delete(key)
    },
    async stop() {
      stopped = true
      await inTurn(async () => {})
    },
  }
}

type WayBack = { readonly then: PlanRecord; readonly state: Gathered; readonly draft: PlanDraft }

function lookedAt({ then, state, draft }: WayBack, by: string, now: number): PlanRecord {
  const { tenant, generation } = then.plan
  const plan = planOf(draft, {
    id: 'pl_look' as PlanId,
    tenant,
    parent: state.confirmed?.plan.id ?? null,
    generation,
    decision: 'd_look' as DecisionId,
    createdAt: now,
    proposedBy: by,
  })
  return { plan, state: 'proposed', approvedBy: [], updatedAt: now, version: 0 }
}

/** The plan's agents without the identity they got when stored: the same key its draft had. */
function planDraftAgents(record: PlanRecord): object {
  return Object.fromEntries(
    Object.entries(record.plan.agents).map(([agent, { generation: _generation, plan: _plan, ...draft }]) => [
      agent,
      draft,
    ]),
  )
}

/** What was decided again ends later by the time in between, with other probabilities: still the same attempt. */
function attemptKey(agents: object): string {
  const passing = new Set(['until', 'since'])
  return digest(meaning(JSON.parse(JSON.stringify(agents, (name, value) => (passing.has(name) ? undefined : value)))))
}
