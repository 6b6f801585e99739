/** What the installation is set to; the defaults are version 0, before anybody wrote one. */
import type { Settings } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { type Context, change } from './record-context.ts'

/** RFC 1918, RFC 4193, RFC 4291 §2.5.6 (link-local) and loopback. */
export const DEFAULT_SETTINGS: Settings = {
  homeNetworks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10', '127.0.0.0/8', '::1/128'],
  neverBlock: [],
  maxChangesPerMinute: 10,
  confirmWithinMs: 30_000,
  version: 0,
}

export function settings(context: Context): Store['settings'] {
  return {
    async get(tenant) {
      const row = await context.db.selectFrom('settings').selectAll().where('tenant', '=', tenant).executeTakeFirst()
      return row === undefined ? DEFAULT_SETTINGS : { ...DEFAULT_SETTINGS, ...row.settings, version: row.version }
    },
    put(tenant, wanted, audit) {
      const { version, ...values } = wanted
      return change(context, tenant, audit, async (tx) => {
        const text = JSON.stringify(values)
        const row =
          version === 0
            ? await tx
                .insertInto('settings')
                .values({ tenant, settings: text, version: 1 })
                .onConflict((conflict) => conflict.doNothing())
                .returning('version')
                .executeTakeFirst()
            : await tx
                .updateTable('settings')
                .set({ settings: text, version: version + 1 })
                .where('tenant', '=', tenant)
                .where('version', '=', version)
                .returning('version')
                .executeTakeFirst()
        return row === undefined
          ? { ok: false, code: 'conflict' }
          : { ok: true, value: { ...wanted, version: row.version } }
      })
    },
  }
}
