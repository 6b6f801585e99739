/** Shifts as they are stored first, and what a person is told when there will be none. */
import { randomUUID } from 'node:crypto'
import type { ShiftRequest } from '../api/control.ts'
import { digest } from '../decide/canonical.ts'
import type { ShiftProposal } from '../decide/plan.ts'
import { personOf } from '../model/actor.ts'
import type { ShiftId, TenantId } from '../model/ids.ts'
import type { PlanRecord, Settings, ShiftRecord } from '../model/records.ts'
import type { Refusal } from '../model/why.ts'

export function automaticShift(tenant: TenantId, proposal: ShiftProposal, now: number): ShiftRecord {
  return shiftRecord(tenant, newShiftId(), { ...proposal, requestedBy: 'guise' }, now)
}

export function requestedShift(
  request: ShiftRequest,
  from: ShiftRecord['from'],
  to: ShiftRecord['to'],
  now: number,
): ShiftRecord {
  return shiftRecord(
    request.tenant,
    shiftIdOf(request),
    { workload: request.workload, from, to, until: request.until, why: request.why, requestedBy: request.by },
    now,
  )
}

const newShiftId = () => `s_${randomUUID()}` as ShiftId

/** The record knows a shift by its id: one made of the key cannot be stored twice. */
export function shiftIdOf({ tenant, by, key }: ShiftRequest): ShiftId {
  return key === null ? newShiftId() : (`s_${digest([tenant, by, key]).slice(0, 32)}` as ShiftId)
}

function shiftRecord(
  tenant: TenantId,
  id: ShiftId,
  what: Pick<ShiftRecord, 'workload' | 'from' | 'to' | 'until' | 'why' | 'requestedBy'>,
  now: number,
): ShiftRecord {
  return {
    ...what,
    id,
    tenant,
    plan: null,
    state: 'proposed',
    createdAt: now,
    updatedAt: now,
    version: 1,
  }
}

export function busy(pending: PlanRecord): Refusal {
  return {
    ok: false,
    code: 'plan-under-way',
    why: `Plan ${pending.plan.id} (generation ${pending.plan.generation.n}) is ${pending.state}; one plan goes at a time.`,
    cure: 'Try again in a few seconds, or roll it back with guise plan rollback.',
  }
}

export function keyReused(): Refusal {
  return {
    ok: false,
    code: 'key-reused',
    why: 'This key was used for another shift.',
    cure: 'Use a new key for a new request.',
  }
}

export function overtaken(): Refusal {
  return {
    ok: false,
    code: 'overtaken',
    why: 'Another plan was confirmed in between.',
    cure: 'Look at guise plan list and try again.',
  }
}

export function unchanged(name: string, shift: ShiftRecord): Refusal {
  return {
    ok: false,
    code: 'nothing-to-change',
    why: `${name} wears ${shift.to.name} already.`,
    cure: 'Nothing needs doing.',
  }
}

export function pinned({ generation, by }: NonNullable<Settings['pinned']>): Refusal {
  return {
    ok: false,
    code: 'pinned',
    why: `${personOf(by)} went back to generation ${generation}, and nothing else is planned since.`,
    cure: 'Let planning go on with guise plan resume.',
  }
}

export function unknownGeneration(generation: number): Refusal {
  return {
    ok: false,
    code: 'not-found',
    why: `Generation ${generation} was never in force.`,
    cure: 'Confirmed plans and their generations are in guise plan list --state confirmed.',
  }
}
