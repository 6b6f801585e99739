/** Plans as a list has them: cut down where they lie, because a plan of a large fleet is megabytes and its row is not. */
import { sql } from 'kysely'
import type { TenantId } from '../model/ids.ts'
import type { ShiftState } from '../model/plan.ts'
import { type PlanRow, STEPS_LISTED, type StepHead } from '../model/plan-summary.ts'
import type { Page, PageQuery } from '../model/records.ts'
import { decodeCursor, pageSize, toPage } from './cursor.ts'
import type { Context } from './record-context.ts'

type Cut = {
  readonly n: number
  readonly state: ShiftState
  readonly approved_by: readonly string[]
  readonly updated_at: number
  readonly version: number
  readonly head: Omit<PlanRow['plan'], 'steps'>
  readonly steps: readonly StepHead[] | null
  readonly agents: PlanRow['agents'] | null
}

/** Observed text may hold NUL, which PostgreSQL refuses to look into: it stands as U+FFFD in a row. */
export async function listRows(
  { db }: Context,
  tenant: TenantId,
  page: PageQuery & { readonly states: readonly ShiftState[] },
): Promise<Page<PlanRow>> {
  const size = pageSize(page)
  const before = page.cursor === null ? Number.MAX_SAFE_INTEGER : decodeCursor(page.cursor, [0])[0]
  const { rows } = await sql<Cut>`
    select n, state, approved_by, updated_at, version,
      json_build_object(
        'id', plan->'id', 'tenant', plan->'tenant', 'parent', plan->'parent', 'generation', plan->'generation',
        'direction', plan->'direction', 'approval', plan->'approval', 'decision', plan->'decision',
        'blastRadius', plan->'blastRadius', 'createdAt', plan->'createdAt', 'proposedBy', plan->'proposedBy'
      ) as head,
      (select json_agg(json_build_object(
          'workload', step->'workload', 'shift', step->'shift', 'from', step->'from', 'to', step->'to',
          'why', step->'why', 'after', json_build_object(
            'key', step->'after'->'key', 'containment', step->'after'->'containment')
        ) order by i)
        from json_array_elements(plan->'steps') with ordinality as one (step, i) where i <= ${STEPS_LISTED}) as steps,
      (select json_agg(agent) from json_object_keys(plan->'agents') as agent) as agents
    from (
      select n, state, approved_by, updated_at, version, replace(plan::text, '\\u0000', '\\ufffd')::json as plan
      from plans
      where tenant = ${tenant} and n < ${before}
        and (${page.states.length} = 0 or state = any(${[...page.states]}::text[]))
      order by n desc limit ${size + 1}
    ) as newest
    order by n desc`.execute(db)
  return toPage(rows, size, (row) => [row.n], toRow)
}

function toRow({ state, approved_by, updated_at, version, head, steps, agents }: Cut): PlanRow {
  return {
    plan: { ...head, steps: steps ?? [] },
    agents: agents ?? [],
    state,
    approvedBy: approved_by,
    updatedAt: updated_at,
    version,
  }
}
