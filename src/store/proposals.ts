/** Personas that were proposed, whole as one JSON each, and the last word on what a workload is. */
import type { TenantId, WorkloadId } from '../model/ids.ts'
import type { Lesson, ProposalRecord } from '../model/proposal.ts'
import type { Store } from '../model/store.ts'
import { type Context, change, clean, ms, type Tx } from './record-context.ts'

export function proposals(context: Context): Store['proposals'] {
  const { db } = context
  return {
    async all(tenant) {
      const rows = await db
        .selectFrom('proposals')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('updated_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map(({ proposal, version }) => ({ ...proposal, version }))
    },
    async refresh(tenant, record) {
      const row = await write(db, tenant, record)
      return row
    },
    change(tenant, records, lessons, audit) {
      return change(context, tenant, audit, async (tx) => {
        const written: ProposalRecord[] = []
        for (const record of records) {
          const row = await write(tx, tenant, record)
          if (row === null) return { ok: false, code: record.version === 0 ? 'exists' : 'conflict' }
          written.push(row)
        }
        for (const lesson of lessons) await keep(tx, tenant, lesson)
        return { ok: true, value: written }
      })
    },
    async lessons(tenant) {
      const rows = await db
        .selectFrom('lessons')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('at')
        .orderBy('workload')
        .execute()
      return rows.map(({ workload, persona, vectors, at, by }) => ({
        ...{ workload: workload as WorkloadId, persona, vectors, at, by },
      }))
    },
  }
}

/** Against the version that the record says, 0 = must not exist; null when that is not what is there. */
async function write(
  db: Context['db'] | Tx,
  tenant: TenantId,
  { version, ...proposal }: ProposalRecord,
): Promise<ProposalRecord | null> {
  const values = {
    state: proposal.state,
    proposal: clean(JSON.stringify(proposal)),
    updated_at: ms(proposal.updatedAt),
  }
  const row =
    version === 0
      ? await db
          .insertInto('proposals')
          .values({ tenant, id: proposal.id, ...values, version: 1 })
          .onConflict((conflict) => conflict.doNothing())
          .returning('version')
          .executeTakeFirst()
      : await db
          .updateTable('proposals')
          .set({ ...values, version: version + 1 })
          .where('tenant', '=', tenant)
          .where('id', '=', proposal.id)
          .where('version', '=', version)
          .returning('version')
          .executeTakeFirst()
  return row === undefined ? null : { ...proposal, version: row.version }
}

async function keep(tx: Tx, tenant: TenantId, { workload, persona, vectors, at, by }: Lesson): Promise<void> {
  const values = { persona, vectors: JSON.stringify(vectors), at: ms(at), by }
  await tx
    .insertInto('lessons')
    .values({ tenant, workload, ...values })
    .onConflict((conflict) => conflict.columns(['tenant', 'workload']).doUpdateSet(values))
    .execute()
}
