/**
 * Workloads that are over: nothing was seen of them and no agent told of them for as long as they are kept. Their row goes, with
 * a line of the ledger; history, conversations and evidence go by their own time, plans, shifts and the ledger stay.
 */

import { type RawBuilder, type Selectable, sql } from 'kysely'
import { type AgentId, slug, type TenantId, type WorkloadId } from '../model/ids.ts'
import { CURRENT_STATES } from '../model/plan.ts'
import { someOf } from '../model/some-of.ts'
import { type Context, change, ms } from './record-context.ts'
import { WORKLOADS_KEPT_MS, WORKLOADS_OF_ABSENT_KEPT_MS } from './retention.ts'
import type { Tables } from './tables.ts'

type Candidate = Pick<Selectable<Tables['workloads']>, 'id' | 'report' | 'assigned' | 'last_seen' | 'version'>
const NAMED = 5
const DAY_MS = 86_400_000

/** Of an agent that is not `present` they are kept longer: nobody could have told of them. */
export async function forgetOver(
  context: Context,
  tenant: TenantId,
  present: readonly AgentId[],
  now: number,
): Promise<readonly WorkloadId[]> {
  const over = (await candidates(context, tenant, present, now)).filter(isNobodysWish)
  if (over.length === 0) return []
  const names = over.map(({ report }) => report.name)
  const days = WORKLOADS_KEPT_MS / DAY_MS
  const audit = {
    actor: 'guise',
    action: 'workload.forgotten',
    object: over.length === 1 ? over[0]!.id : 'workloads',
    summary: `nobody told of ${someOf(names, NAMED)} for ${days} days or more`.slice(0, 500),
  }
  const written = await change(context, tenant, audit, async (tx) => {
    const { numAffectedRows } = await sql`
      delete from workloads w
      using unnest(
        ${over.map((one) => one.id)}::text[],
        ${over.map((one) => one.last_seen)}::bigint[],
        ${over.map((one) => one.version)}::int[]
      ) as u (id, last_seen, version)
      where w.tenant = ${tenant} and w.id = u.id and w.last_seen = u.last_seen and w.version = u.version`.execute(tx)
    // One of them was told of just now, and the line would say too much: the next round says what is true then.
    if (numAffectedRows !== BigInt(over.length)) return { ok: false, code: 'conflict' }
    return { ok: true, value: over.map(({ id }) => id as WorkloadId) }
  })
  return written.ok ? written.value : []
}

async function candidates(
  { db }: Context,
  tenant: TenantId,
  present: readonly AgentId[],
  now: number,
): Promise<readonly Candidate[]> {
  const before = (keptMs: number): RawBuilder<unknown> => sql`w.last_seen < ${ms(now) - keptMs}`
  const { rows } = await sql<Candidate>`
    select w.id, w.report, w.assigned, w.last_seen, w.version
    from workloads w
    where w.tenant = ${tenant}
      and (${before(WORKLOADS_OF_ABSENT_KEPT_MS)}
        or (${before(WORKLOADS_KEPT_MS)} and w.agent = any (${[...present]}::text[])))
      and coalesce(w.contained_until, 0) <= ${ms(now)}
      and not exists (
        select from shifts s where s.tenant = w.tenant and s.workload = w.id
          and s.state = any (${[...CURRENT_STATES]}::text[]) and (s.until is null or s.until > ${ms(now)}))
    order by w.id`.execute(db)
  return rows
}

/** What it declares itself is assigned again when it comes back; what a person assigned would be lost. */
const isNobodysWish = ({ assigned, report: { persona } }: Candidate): boolean =>
  assigned === null || (persona !== undefined && slug(persona) === assigned.id)
