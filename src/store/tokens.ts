/** API tokens and single-use secrets, by their hashes; a secret itself never reaches the record. */
import type { Selectable } from 'kysely'
import type { AgentId, TenantId } from '../model/ids.ts'
import type { Role, TokenRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { type Context, change, clean, ms } from './record-context.ts'
import type { Tables } from './tables.ts'

export function tokens(context: Context): Store['tokens'] {
  const { db } = context
  return {
    async add(token, audit) {
      await change(context, token.tenant, audit, async (tx) => {
        await tx
          .insertInto('tokens')
          .values({
            tenant: token.tenant,
            id: token.id,
            name: clean(token.name),
            role: token.role,
            agent: token.agent,
            hash: token.hash,
            created_at: ms(token.createdAt),
            expires_at: token.expiresAt === null ? null : ms(token.expiresAt),
            last_used: token.lastUsed,
            spent_at: null,
          })
          .execute()
        return { ok: true, value: null }
      })
    },
    async all(tenant) {
      const rows = await db
        .selectFrom('tokens')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map(toRecord)
    },
    async byId(id) {
      const row = await db.selectFrom('tokens').selectAll().where('id', '=', clean(id)).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    async used(id, now) {
      await db
        .updateTable('tokens')
        .set({ last_used: ms(now) })
        .where('id', '=', clean(id))
        .execute()
    },
    remove(tenant, id, audit) {
      return change(context, tenant, audit, async (tx) => {
        const gone = await tx
          .deleteFrom('tokens')
          .where('tenant', '=', tenant)
          .where('id', '=', clean(id))
          .returning('id')
          .executeTakeFirst()
        if (gone === undefined) return { ok: false, code: 'missing' }
        // who came in by it goes out with it
        await tx.deleteFrom('sessions').where('tenant', '=', tenant).where('token', '=', clean(id)).execute()
        return { ok: true, value: null }
      })
    },
    async spend(id, now) {
      const row = await db
        .updateTable('tokens')
        .set({ spent_at: ms(now), last_used: ms(now) })
        .where('id', '=', clean(id))
        .where('spent_at', 'is', null)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', ms(now))]))
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },
  }
}

function toRecord(row: Selectable<Tables['tokens']>): TokenRecord {
  return {
    id: row.id,
    tenant: row.tenant as TenantId,
    name: row.name,
    role: row.role as Role,
    agent: row.agent as AgentId | null,
    hash: row.hash,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsed: row.last_used,
  }
}
