/**
 * Back to a generation. In: what is in force, the plan of that generation. Out: a plan of its own that gives every workload
 * of then what it wore then. What came later stays; never-block list, fail-safe paths and running containments are those of now.
 */
import { personOf } from '../model/actor.ts'
import type { AddressSet, DesiredState } from '../model/desired.ts'
import type { AgentId } from '../model/ids.ts'
import type { PlanStep } from '../model/plan.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Outcome, Why } from '../model/why.ts'
import { sameMeaning, sortBy } from './canonical.ts'
import { emptyNotes } from './dress.ts'
import { emptyState, finish, withoutIdentity } from './finish-plan.ts'
import { isOfLadder } from './ladder.ts'
import type { AgentDraft, DecideInput, PlanDraft } from './plan.ts'

export function restoreDraft(input: DecideInput, then: PlanRecord, by: string, reason: string): Outcome<PlanDraft> {
  const { generation, id, agents: states } = then.plan
  const why: Why = {
    rule: `rollback/${id}`,
    text: `${personOf(by)} went back to generation ${generation.n}: ${reason}`.slice(0, 500),
  }
  const known = new Set<string>(input.workloads.map((one) => one.id))
  const steps: PlanStep[] = []
  const agents: Record<AgentId, AgentDraft> = {}
  for (const [id, target] of Object.entries(input.target) as [AgentId, DecideInput['target'][AgentId]][]) {
    const was = new Map((states[id]?.workloads ?? []).map((one) => [one.workload, one]))
    const workloads = target.workloads.map((now): DesiredState => {
      const old = was.get(now.workload)
      if (old === undefined || !known.has(now.workload)) return now
      const after = restored(old, now, input.now)
      if (!sameMeaning(after, now)) steps.push(stepOf(now, after, why))
      return after
    })
    const { neverBlock, failSafe, confirmWithinMs } = emptyState(input)
    const state = { ...withoutIdentity(target), workloads, neverBlock, failSafe, confirmWithinMs }
    agents[id] = { ...state, sets: setsFor(workloads, [...(states[id]?.sets ?? []), ...target.sets]) }
  }
  if (steps.length === 0)
    return {
      ok: false,
      code: 'nothing-to-undo',
      why: `Every workload wears what it wore in generation ${generation.n}.`,
      cure: 'Look at guise plan list for the plan in force.',
    }
  const draft = finish(
    input,
    agents,
    sortBy(steps, (one) => one.workload),
    'change',
    [],
    emptyNotes(),
  )
  return { ok: true, value: { ...draft, summary: `goes back to generation ${generation.n}: ${draft.summary}` } }
}

/** What risk took away then is over; what it takes away now goes on to its end. */
function restored(old: DesiredState, now: DesiredState, at: number): DesiredState {
  const { ladder: _ladder, ...rest } = old
  const list = (direction: 'egress' | 'ingress') => ({
    ...old[direction],
    rules: old[direction].rules.filter((rule) => !isOfLadder(rule)),
  })
  const containment = now.containment !== null && now.containment.until > at ? now.containment : null
  return { ...rest, key: now.key, egress: list('egress'), ingress: list('ingress'), containment }
}

function stepOf(before: DesiredState, after: DesiredState, why: Why): PlanStep {
  const ref = ({ persona }: DesiredState) => ({ persona: persona.id as PlanStep['to']['persona'], name: persona.name })
  return {
    workload: after.workload as PlanStep['workload'],
    shift: null,
    from: ref(before),
    to: ref(after),
    why: [why],
    before,
    after,
  }
}

/** Every set that a rule names, once; the first of a name counts. */
function setsFor(workloads: readonly DesiredState[], all: readonly AddressSet[]): AddressSet[] {
  const named = new Set(
    workloads.flatMap(({ egress, ingress }) =>
      [...egress.rules, ...ingress.rules].flatMap(({ match: { peer } }) => (peer.kind === 'set' ? [peer.set] : [])),
    ),
  )
  const byName = new Map(all.toReversed().flatMap((set) => (named.has(set.name) ? [[set.name, set] as const] : [])))
  return sortBy([...byName.values()], (set) => set.name)
}
