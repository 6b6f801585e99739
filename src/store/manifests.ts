/** Personas, policies, triggers and feeds as people wrote them. A set applies whole or not at all. */

import type { Selectable } from 'kysely'
import type { TenantId } from '../model/ids.ts'
import { slug } from '../model/ids.ts'
import type { Kind, Manifest } from '../model/manifest.ts'
import type { ManifestRecord } from '../model/records.ts'
import type { Store, Write } from '../model/store.ts'
import { decodeCursor, pageSize, toPage } from './cursor.ts'
import { type Context, change, type Tx } from './record-context.ts'
import type { Tables } from './tables.ts'

type Wanted = { readonly manifest: Manifest; readonly ifVersion: number | null; readonly builtin?: boolean }

export function manifests(context: Context): Store['manifests'] {
  const { db } = context
  const living = (tenant: TenantId, kind: Kind) =>
    db
      .selectFrom('manifests')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('removed_at', 'is', null)
  return {
    async list(tenant, kind, page) {
      const size = pageSize(page)
      let query = living(tenant, kind)
        .orderBy('id')
        .limit(size + 1)
      if (page.cursor !== null) query = query.where('id', '>', decodeCursor(page.cursor, [''])[0])
      return toPage(await query.execute(), size, (row) => [row.id], toRecord)
    },
    async all(tenant, kind) {
      return (await living(tenant, kind).orderBy('id').execute()).map(toRecord)
    },
    async get(tenant, kind, id) {
      const row = await living(tenant, kind).where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : toRecord(row)
    },
    apply(tenant, set, audit) {
      return change(context, tenant, audit, async (tx) => {
        const done = new Map<Wanted, ManifestRecord>()
        // one order for every writer, so that two sets cannot wait for each other
        for (const wanted of [...set].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
          const result = await put(tx, tenant, wanted, audit.actor, context.clock())
          if (!result.ok) return result
          done.set(wanted, result.value)
        }
        return { ok: true, value: set.map((wanted) => done.get(wanted)!) }
      })
    },
    remove(tenant, kind, id, ifVersion, audit) {
      return change(context, tenant, audit, async (tx) => {
        const row = await lock(tx, tenant, kind, id)
        if (row === undefined || row.removed_at !== null) return { ok: false, code: 'missing' }
        if (ifVersion !== null && row.version !== ifVersion) return { ok: false, code: 'conflict' }
        const removed = await tx
          .updateTable('manifests')
          .set({ removed_at: context.clock(), version: row.version + 1, updated_by: audit.actor })
          .where('tenant', '=', tenant)
          .where('kind', '=', kind)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirstOrThrow()
        await keepVersion(tx, removed)
        return { ok: true, value: null }
      })
    },
    async versions(tenant, kind, id) {
      const rows = await db
        .selectFrom('manifest_versions')
        .select(['version', 'at', 'by', 'manifest'])
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .orderBy('version', 'desc')
        .execute()
      return rows
    },
  }
}

function keyOf({ manifest }: Wanted): string {
  return `${manifest.kind}\0${slug(manifest.metadata.name)}`
}

function lock(tx: Tx, tenant: TenantId, kind: string, id: string) {
  return tx
    .selectFrom('manifests')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

async function put(
  tx: Tx,
  tenant: TenantId,
  wanted: Wanted,
  actor: string,
  now: number,
): Promise<Write<ManifestRecord>> {
  const { manifest, ifVersion } = wanted
  const id = slug(manifest.metadata.name)
  const written = { manifest: JSON.stringify(manifest), updated_at: now, updated_by: actor, removed_at: null }
  for (;;) {
    const held = await lock(tx, tenant, manifest.kind, id)
    if (held === undefined) {
      if (ifVersion !== null && ifVersion !== 0) return { ok: false, code: 'missing' }
      const made = await tx
        .insertInto('manifests')
        .values({ tenant, kind: manifest.kind, id, builtin: wanted.builtin ?? false, version: 1, ...written })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst()
      if (made !== undefined) {
        await keepVersion(tx, made)
        return { ok: true, value: toRecord(made) }
      }
      continue // somebody made it in between: look again
    }
    const lives = held.removed_at === null
    if (ifVersion === 0 && lives) return { ok: false, code: 'exists' }
    if (ifVersion !== null && ifVersion !== 0) {
      if (!lives) return { ok: false, code: 'missing' }
      if (held.version !== ifVersion) return { ok: false, code: 'conflict' }
    }
    const changed = await tx
      .updateTable('manifests')
      .set({ ...written, version: held.version + 1, builtin: wanted.builtin ?? (lives && held.builtin) })
      .where('tenant', '=', tenant)
      .where('kind', '=', manifest.kind)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await keepVersion(tx, changed)
    return { ok: true, value: toRecord(changed) }
  }
}

/** Versions kept of one manifest: what a person looks back on; the ledger has who wrote every one of them. */
const MOST_VERSIONS = 200

async function keepVersion(tx: Tx, row: Selectable<Tables['manifests']>): Promise<void> {
  const { tenant, kind, id, version } = row
  const isRemoved = row.removed_at !== null
  await tx
    .insertInto('manifest_versions')
    .values({
      ...{ tenant, kind, id, version },
      at: row.removed_at ?? row.updated_at,
      by: row.updated_by,
      manifest: isRemoved ? null : JSON.stringify(row.manifest),
    })
    .execute()
  await tx
    .deleteFrom('manifest_versions')
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .where('version', '<=', version - MOST_VERSIONS)
    .execute()
}

function toRecord(row: Selectable<Tables['manifests']>): ManifestRecord {
  return {
    kind: row.kind as Kind,
    id: row.id,
    tenant: row.tenant as TenantId,
    manifest: row.manifest,
    builtin: row.builtin,
    version: row.version,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  }
}
