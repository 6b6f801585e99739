/** What was answered to a key before: a retry gets the same answer, the same key for something else is refused. */
import type { Store } from '../model/store.ts'
import { type Context, clean, ms } from './record-context.ts'

export function idempotency({ db }: Context): Store['idempotency'] {
  return {
    async find(tenant, actor, key, bodyHash) {
      const row = await db
        .selectFrom('idempotency_keys')
        .select(['body_hash', 'status', 'body'])
        .where('tenant', '=', tenant)
        .where('actor', '=', clean(actor))
        .where('key', '=', clean(key))
        .executeTakeFirst()
      if (row === undefined) return null
      return row.body_hash === bodyHash ? { status: row.status, body: row.body } : 'mismatch'
    },
    async keep(tenant, actor, key, bodyHash, status, body, now) {
      await db
        .insertInto('idempotency_keys')
        .values({
          tenant,
          actor: clean(actor),
          key: clean(key),
          body_hash: bodyHash,
          status,
          body: JSON.stringify(body ?? null),
          at: ms(now),
        })
        // the first answer stands
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },
  }
}
