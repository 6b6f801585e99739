/** Shifts: one change each of what a workload wears, moved along SHIFT_MOVES and no other way. */
import { type Selectable, sql } from 'kysely'
import type { PlanId, ShiftId, TenantId, WorkloadId } from '../model/ids.ts'
import { CURRENT_STATES, mayMove, SHIFT_STATES, type ShiftState } from '../model/plan.ts'
import type { ShiftRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { decodeCursor, PAGE_MAX, pageSize, toPage } from './cursor.ts'
import { type Context, change, ms, type Tx } from './record-context.ts'
import type { Tables } from './tables.ts'

export function shifts(context: Context): Store['shifts'] {
  const { db } = context
  const of = (tenant: TenantId) => db.selectFrom('shifts').selectAll().where('tenant', '=', tenant)
  return {
    async get(tenant, id) {
      const row = await of(tenant).where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async list(tenant, page) {
      const size = pageSize(page)
      let query = of(tenant)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(size + 1)
      if (page.cursor !== null) {
        const [at, id] = decodeCursor(page.cursor, [0, ''])
        query = query.where(sql<boolean>`(created_at, id) < (${at}, ${id})`)
      }
      return toPage(await query.execute(), size, (row) => [row.created_at, row.id], toRecord)
    },
    async of(tenant, workload) {
      const rows = await of(tenant)
        .where('workload', '=', workload)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(PAGE_MAX)
        .execute()
      return rows.map(toRecord)
    },
    async current(tenant) {
      const rows = await of(tenant)
        .where('state', 'in', CURRENT_STATES)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(toRecord)
    },
    async due(tenant, now) {
      const rows = await of(tenant)
        .where('state', '=', 'confirmed')
        .where('until', '<=', ms(now))
        .orderBy('until')
        .limit(PAGE_MAX)
        .execute()
      return rows.map(toRecord)
    },
    move(tenant, id, to, audit) {
      return change(context, tenant, audit, async (tx) => {
        const held = await tx
          .selectFrom('shifts')
          .select('state')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (held === undefined) return { ok: false, code: 'missing' }
        if (!mayMove(held.state as ShiftState, to)) return { ok: false, code: 'conflict' }
        const row = await tx
          .updateTable('shifts')
          .set((eb) => ({ state: to, updated_at: context.clock(), version: eb('version', '+', 1) }))
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
        return { ok: true, value: toRecord(row) }
      })
    },
  }
}

export async function insertShifts(tx: Tx, tenant: TenantId, rows: readonly ShiftRecord[]): Promise<void> {
  if (rows.length === 0) return
  await tx
    .insertInto('shifts')
    .values(
      rows.map((shift) => ({
        tenant,
        id: shift.id,
        workload: shift.workload,
        worn_before: shift.from === null ? null : JSON.stringify(shift.from),
        wanted: JSON.stringify(shift.to),
        plan: shift.plan,
        state: shift.state,
        requested_by: shift.requestedBy,
        why: JSON.stringify(shift.why),
        until: shift.until === null ? null : ms(shift.until),
        created_at: ms(shift.createdAt),
        updated_at: ms(shift.updatedAt),
        version: 1,
      })),
    )
    .execute()
}

/** The shifts of these plans follow them, as far as each may move there. */
export async function moveShiftsOf(
  tx: Tx,
  tenant: TenantId,
  plans: readonly string[],
  to: ShiftState,
  now: number,
): Promise<void> {
  if (plans.length === 0) return
  await tx
    .updateTable('shifts')
    .set((eb) => ({ state: to, updated_at: now, version: eb('version', '+', 1) }))
    .where('tenant', '=', tenant)
    .where('plan', 'in', plans)
    .where('state', 'in', statesThatMayMoveTo(to))
    .execute()
}

function statesThatMayMoveTo(to: ShiftState): ShiftState[] {
  return SHIFT_STATES.filter((from) => mayMove(from, to))
}

function toRecord(row: Selectable<Tables['shifts']>): ShiftRecord {
  return {
    id: row.id as ShiftId,
    tenant: row.tenant as TenantId,
    workload: row.workload as WorkloadId,
    from: row.worn_before,
    to: row.wanted,
    plan: row.plan as PlanId | null,
    state: row.state as ShiftState,
    requestedBy: row.requested_by,
    why: row.why,
    until: row.until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  }
}
