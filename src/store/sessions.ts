/** Console sessions. The id is the cookie's secret, so only its hash is kept: a stolen database opens no session. */
import { createHash } from 'node:crypto'
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { type Context, ms } from './record-context.ts'

export function sessions({ db }: Context): Store['sessions'] {
  return {
    async add(session) {
      await db
        .insertInto('sessions')
        .values({
          tenant: session.tenant,
          id: hashed(session.id),
          token: session.token,
          csrf: session.csrf,
          created_at: ms(session.createdAt),
          expires_at: ms(session.expiresAt),
        })
        .execute()
    },
    async get(id, now) {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('id', '=', hashed(id))
        .where('expires_at', '>', ms(now))
        .executeTakeFirst()
      if (row === undefined) return null
      return { tenant: row.tenant as TenantId, token: row.token, csrf: row.csrf, expiresAt: row.expires_at }
    },
    async remove(id) {
      await db.deleteFrom('sessions').where('id', '=', hashed(id)).execute()
    },
  }
}

function hashed(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}
