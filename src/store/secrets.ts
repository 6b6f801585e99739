/**
 * Secrets: a value comes in once and never goes out, but sealed to an agent that a plan gives it to. At rest each version
 * is sealed with the key-encryption key (key-files.ts), tied to its tenant, name and version.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { type SecretRecord, type SecretRef, secretDigest, secretRefsIn, secretsIn } from '../model/facets/secret.ts'
import { boxLabel, sealTo } from '../model/facets/secret-box.ts'
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { type Context, change, clean, type Tx } from './record-context.ts'

/** Older versions are gone: what still wears one keeps it in its own home. */
const KEPT_VERSIONS = 10

type Row = { name: string; version: number; sealed: Buffer | null; digest: string; at: number; by: string }
type Plain = { readonly salt: string; readonly value: string }

export function secrets(context: Context): Store['secrets'] {
  const { db, keys } = context
  const label = (tenant: string, name: string, version: number) => `secret\0${tenant}\0${name}\0${version}`
  const plainOf = (tenant: string, row: Row): Plain =>
    JSON.parse(keys.unwrap(row.sealed!, label(tenant, row.name, row.version)).toString('utf8')) as Plain
  const sealedRow = (tenant: string, name: string, version: number, value: string) => {
    const salt = randomBytes(32)
    const plain: Plain = { salt: salt.toString('base64'), value }
    return {
      sealed: keys.wrap(Buffer.from(JSON.stringify(plain)), label(tenant, name, version)),
      digest: secretDigest(salt, name, version, value),
    }
  }
  return {
    async all(tenant) {
      const [rows, users] = await Promise.all([rowsOf(db, tenant), usersOf(db, tenant)])
      return recordsOf(rows, users)
    },
    async newest(tenant) {
      return new Map(
        newestOf(await rowsOf(db, tenant)).map(({ name, version, digest }) => [
          name,
          { secret: name, version, digest },
        ]),
      )
    },
    put(tenant, name, value, ifVersion, audit) {
      return change(context, tenant, audit, async (tx) => {
        const held = await lockNewest(tx, tenant, name)
        const living = held?.sealed == null ? 0 : held.version
        if (ifVersion !== null && ifVersion !== living)
          return { ok: false, code: ifVersion === 0 ? 'exists' : living === 0 ? 'missing' : 'conflict' }
        if (held?.sealed == null || plainOf(tenant, held).value !== value) {
          const version = (held?.version ?? 0) + 1
          const added = await tx
            .insertInto('secrets')
            .values({
              tenant,
              name,
              version,
              ...sealedRow(tenant, name, version, value),
              at: context.clock(),
              by: audit.actor,
            })
            .onConflict((conflict) => conflict.doNothing())
            .returning('version')
            .executeTakeFirst()
          if (added === undefined) return { ok: false, code: 'conflict' }
          await tx
            .deleteFrom('secrets')
            .where('tenant', '=', tenant)
            .where('name', '=', name)
            .where('version', '<=', version - KEPT_VERSIONS)
            .execute()
        }
        const users = await usersOf(tx, tenant)
        const [record] = recordsOf(await rowsOf(tx, tenant, name), users)
        return { ok: true, value: record! }
      })
    },
    async remove(tenant, name, ifVersion, audit) {
      let usedBy: readonly string[] = []
      const outcome = await change<null>(context, tenant, audit, async (tx) => {
        const held = await lockNewest(tx, tenant, name)
        if (held?.sealed == null) return { ok: false, code: 'missing' }
        if (ifVersion !== null && ifVersion !== held.version) return { ok: false, code: 'conflict' }
        usedBy = (await usersOf(tx, tenant)).get(name) ?? []
        if (usedBy.length > 0) return { ok: false, code: 'conflict' }
        await tx.deleteFrom('secrets').where('tenant', '=', tenant).where('name', '=', name).execute()
        // Made again, it goes on counting: an old reference never fits a new value.
        await tx
          .insertInto('secrets')
          .values({
            tenant,
            name,
            version: held.version + 1,
            sealed: null,
            digest: '',
            at: context.clock(),
            by: audit.actor,
          })
          .execute()
        return { ok: true, value: null }
      })
      return usedBy.length > 0 ? { ok: false, code: 'used', usedBy } : outcome
    },
    async sealFor(tenant, agent, publicKey, refs) {
      const wanted = refs.slice(0, 1_000)
      if (wanted.length === 0) return []
      const rows = await db
        .selectFrom('secrets')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('name', 'in', [...new Set(wanted.map((ref) => ref.secret))])
        .where('sealed', 'is not', null)
        .execute()
      return wanted.flatMap((ref) => {
        const row = rows.find((one) => one.name === ref.secret && one.version === ref.version)
        if (row === undefined || row.digest !== ref.digest) return []
        const once = generateKeyPairSync('x25519').privateKey
        const plain = Buffer.from(JSON.stringify(plainOf(tenant, row)))
        return [{ ...pick(ref), sealed: sealTo(publicKey, once, plain, boxLabel(agent, ref)) }]
      })
    },
    async introduce(tenant, agent, publicKey, how, audit) {
      const held = await db
        .selectFrom('agent_keys')
        .select('public_key')
        .where('tenant', '=', tenant)
        .where('agent', '=', clean(agent))
        .executeTakeFirst()
      if (held?.public_key === publicKey) return true
      if (held !== undefined && how === 'first') return false
      const row = { tenant, agent: clean(agent), public_key: publicKey, at: context.clock() }
      const known = await change<null>(context, tenant, audit, async (tx) => {
        const added = await tx
          .insertInto('agent_keys')
          .values(row)
          .onConflict((conflict) =>
            how === 'first'
              ? conflict.doNothing()
              : conflict.columns(['tenant', 'agent']).doUpdateSet({ public_key: publicKey, at: row.at }),
          )
          .returning('agent')
          .executeTakeFirst()
        return added === undefined ? { ok: false, code: 'conflict' } : { ok: true, value: null }
      })
      return known.ok
    },
    forgetKey(tenant, agent, audit) {
      return change(context, tenant, audit, async (tx) => {
        const gone = await tx
          .deleteFrom('agent_keys')
          .where('tenant', '=', tenant)
          .where('agent', '=', clean(agent))
          .returning('agent')
          .executeTakeFirst()
        return gone === undefined ? { ok: false, code: 'missing' } : { ok: true, value: null }
      })
    },
  }
}

function pick({ secret, version, digest }: SecretRef): SecretRef {
  return { secret, version, digest }
}

type Reader = Context['db'] | Tx

function rowsOf(db: Reader, tenant: TenantId, name?: string): Promise<Row[]> {
  let query = db.selectFrom('secrets').selectAll().where('tenant', '=', tenant)
  if (name !== undefined) query = query.where('name', '=', name)
  return query.orderBy('name').orderBy('version', 'desc').execute()
}

function newestOf(rows: readonly Row[]): Row[] {
  return rows.filter((row, i) => row.name !== rows[i - 1]?.name && row.sealed !== null)
}

function recordsOf(rows: readonly Row[], users: ReadonlyMap<string, readonly string[]>): SecretRecord[] {
  return newestOf(rows).map(({ name, version, at, by }) => ({
    name,
    version,
    versions: rows.filter((row) => row.name === name && row.sealed !== null).map((row) => row.version),
    updatedAt: at,
    updatedBy: by,
    usedBy: users.get(name) ?? [],
  }))
}

function lockNewest(tx: Tx, tenant: TenantId, name: string): Promise<Row | undefined> {
  return tx
    .selectFrom('secrets')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
}

/** By secret: the personas that name it, and the plan in force or under way that gives it to somebody. */
async function usersOf(db: Reader, tenant: TenantId): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>()
  const add = (name: string, user: string) => {
    const known = users.get(name) ?? []
    if (!known.includes(user)) users.set(name, [...known, user])
  }
  const personas = await db
    .selectFrom('manifests')
    .select('manifest')
    .where('tenant', '=', tenant)
    .where('kind', '=', 'Persona')
    .where('removed_at', 'is', null)
    .orderBy('id')
    .execute()
  for (const { manifest } of personas)
    for (const { name } of secretsIn(manifest.spec)) add(name, `Persona ${manifest.metadata.name}`)
  const inForce = await db.selectFrom('tenants').select('target').where('tenant', '=', tenant).executeTakeFirst()
  const plans = await db
    .selectFrom('plans')
    .select(['id', 'plan'])
    .where('tenant', '=', tenant)
    .where((eb) =>
      eb.or([
        eb('id', '=', inForce?.target ?? ''),
        eb('state', 'in', ['proposed', 'shadowed', 'approved', 'applying', 'confirming']),
      ]),
    )
    .execute()
  for (const { id, plan } of plans) for (const { secret } of secretRefsIn(plan.agents)) add(secret, `plan ${id}`)
  return users
}
