/** Trained models with their files, and the history of what was in force: lines are only added, the last one holds. */
import type { TenantId } from '../model/ids.ts'
import type { ModelPromotion, ModelRecord } from '../model/model-record.ts'
import type { Store } from '../model/store.ts'
import { type Context, change, clean, ms } from './record-context.ts'

/** Promotions are a person's acts: more than these are not looked back on. */
const MOST_LINES = 500
const KEPT = ['id', 'name', 'kind', 'features', 'personas', 'provenance', 'added_by', 'added_at'] as const

export function models(context: Context): Store['models'] {
  const { db } = context
  return {
    async all(tenant) {
      const rows = await db
        .selectFrom('models')
        .select([...KEPT])
        .where('tenant', '=', tenant)
        .orderBy('added_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map(
        ({ added_by: addedBy, added_at: addedAt, ...rest }): ModelRecord => ({ ...rest, addedBy, addedAt }),
      )
    },
    async file(tenant, id) {
      const row = await db
        .selectFrom('models')
        .select('file')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.file ?? null
    },
    add(tenant, record, file, audit) {
      const { personas, provenance, addedBy, addedAt, ...rest } = record
      return change(context, tenant, audit, async (tx) => {
        const values = {
          ...{ tenant, ...rest, personas: JSON.stringify(personas), provenance: JSON.stringify(provenance) },
          ...{ file: JSON.stringify(file), added_by: addedBy, added_at: ms(addedAt) },
        }
        const row = await tx
          .insertInto('models')
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst()
        return row === undefined ? { ok: false, code: 'exists' } : { ok: true, value: record }
      })
    },
    remove(tenant, id, audit) {
      return change(context, tenant, audit, async (tx) => {
        const row = await tx
          .selectFrom('models')
          .select('kind')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (row === undefined) return { ok: false, code: 'missing' }
        const line = await tx
          .selectFrom('model_promotions')
          .select('n')
          .where('tenant', '=', tenant)
          .where('model', '=', id)
          .executeTakeFirst()
        if (row.kind === 'shipped' || line !== undefined) return { ok: false, code: 'conflict' }
        await tx.deleteFrom('models').where('tenant', '=', tenant).where('id', '=', id).execute()
        return { ok: true, value: null }
      })
    },
    history: (tenant) => history(context, tenant),
    promote(tenant, line, audit) {
      return change(context, tenant, audit, async (tx) => {
        const known = await tx
          .selectFrom('models')
          .select('id')
          .where('tenant', '=', tenant)
          .where('id', '=', line.model)
          .executeTakeFirst()
        if (known === undefined) return { ok: false, code: 'missing' }
        const row = await tx
          .insertInto('model_promotions')
          .values({ tenant, ...line, why: clean(line.why), at: ms(line.at) })
          .onConflict((conflict) => conflict.doNothing())
          .returning('n')
          .executeTakeFirst()
        return row === undefined ? { ok: false, code: 'conflict' } : { ok: true, value: line }
      })
    },
  }
}

async function history({ db }: Context, tenant: TenantId): Promise<ModelPromotion[]> {
  return db
    .selectFrom('model_promotions')
    .select(['n', 'model', 'act', 'by', 'at', 'why', 'back'])
    .where('tenant', '=', tenant)
    .orderBy('n', 'desc')
    .limit(MOST_LINES)
    .execute()
}
