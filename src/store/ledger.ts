/** The ledger: what was done by whom, and what was decided from what. Appended, never changed, provably. */
import { sql } from 'kysely'
import type { TenantId } from '../model/ids.ts'
import type { AuditRecord, DecisionRecord, PageQuery } from '../model/records.ts'
import type { Audit, Store } from '../model/store.ts'
import { canonicalJson, chainHash, GENESIS, headMessage } from './chain.ts'
import { decodeCursor, pageSize, toPage } from './cursor.ts'
import { forget } from './forget.ts'
import { append, sealLabel } from './ledger-append.ts'
import { type Context, change } from './record-context.ts'
import { isSealed, keysById, openText, type Sealed } from './subject-keys.ts'
import type { Tables } from './tables.ts'

type Row = Pick<Tables['ledger'], 'n' | 'body' | 'hash'>
/** Rows held at once while verifying. */
const VERIFY_CHUNK = 1_000

export function ledger(context: Context): Store['ledger'] {
  const { db } = context
  return {
    async decide(decision, audit) {
      await change(context, decision.tenant, audit, async (tx) => {
        await append(context, tx, decision.tenant, [{ entry: 'decision', decision, actor: audit.actor }])
        return { ok: true, value: null }
      })
    },
    async decision(tenant, id) {
      const row = await rowsOf(context, tenant).where('decision', '=', id).executeTakeFirst()
      if (row === undefined) return null
      return (await opened(context, tenant, [row])).map(toDecision)[0]!
    },
    async decisions(tenant, page) {
      let query = pageOf(context, tenant, 'decision', page)
      if (page.workload !== null) query = query.where('workload', '=', page.workload)
      const rows = await opened(context, tenant, await query.execute())
      return toPage(rows, pageSize(page), (row) => [row.n], toDecision)
    },
    async audit(tenant, audit) {
      await change(context, tenant, audit, async () => ({ ok: true, value: null }))
    },
    async audits(tenant, page) {
      const rows = await opened(context, tenant, await pageOf(context, tenant, 'audit', page).execute())
      return toPage(rows, pageSize(page), (row) => [row.n], toAudit)
    },
    async verify(tenant) {
      return await db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (tx) => {
          await sql`set transaction read only`.execute(tx)
          return await verifyChain({ ...context, db: tx }, tenant)
        })
    },
    forget: (tenant, subject, audit: Audit) => forget(context, tenant, subject, audit),
  }
}

function rowsOf(context: Context, tenant: TenantId) {
  return context.db.selectFrom('ledger').select(['n', 'body', 'hash']).where('tenant', '=', tenant)
}

/** Newest first. */
function pageOf(context: Context, tenant: TenantId, entry: 'audit' | 'decision', page: PageQuery) {
  const query = rowsOf(context, tenant)
    .where('entry', '=', entry)
    .orderBy('n', 'desc')
    .limit(pageSize(page) + 1)
  return page.cursor === null ? query : query.where('n', '<', decodeCursor(page.cursor, [0])[0])
}

type Opened = { readonly n: number; readonly hash: Buffer; readonly body: Record<string, unknown> }

async function opened(context: Context, tenant: TenantId, rows: readonly Row[]): Promise<Opened[]> {
  const parsed = rows.map((row) => ({
    n: row.n,
    hash: row.hash,
    body: JSON.parse(row.body) as Record<string, unknown>,
  }))
  const sealed = parsed.flatMap(({ body }) =>
    Object.values(body)
      .filter(isSealed)
      .map((value: Sealed) => value.by),
  )
  const keys = await keysById(context, tenant, sealed)
  for (const { n, body } of parsed) {
    for (const [field, value] of Object.entries(body)) {
      if (isSealed(value)) body[field] = openText(keys, value, sealLabel(tenant, n, field))
    }
  }
  return parsed
}

function toAudit({ n, hash, body }: Opened): AuditRecord {
  const { entry: _entry, ...rest } = body
  return { ...rest, n, hash: hash.toString('hex') } as AuditRecord
}

function toDecision({ body }: Opened): DecisionRecord {
  const { entry: _entry, n: _n, detail, ...rest } = body
  return { ...rest, detail: readDetail(String(detail)) } as DecisionRecord
}

/** A forgotten detail is a word, not a document. */
function readDetail(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

type Verdict = Awaited<ReturnType<Store['ledger']['verify']>>

async function verifyChain(context: Context, tenant: TenantId): Promise<Verdict> {
  const head = await context.db.selectFrom('ledger_heads').selectAll().where('tenant', '=', tenant).executeTakeFirst()
  let n = 0
  let hash: Buffer = GENESIS
  for (;;) {
    const rows = await context.db
      .selectFrom('ledger')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('n', '>', n)
      .orderBy('n')
      .limit(VERIFY_CHUNK)
      .execute()
    for (const row of rows) {
      const why = wrongWith(row, n, hash)
      if (why !== null) return { ok: false, at: n + 1, why }
      n = row.n
      hash = row.hash
    }
    if (rows.length < VERIFY_CHUNK) break
  }
  if (head === undefined) return n === 0 ? { ok: true, rows: 0 } : { ok: false, at: n, why: 'the head is missing' }
  if (head.n !== n || !head.hash.equals(hash))
    return { ok: false, at: Math.min(n, head.n) + 1, why: `the head stands at row ${head.n}, the rows end at ${n}` }
  if (head.signature === null || !context.keys.verifies(headMessage(tenant, n, hash), head.signature))
    return { ok: false, at: n, why: 'the head is not signed by the key of this installation' }
  return { ok: true, rows: n }
}

/** Columns are copies for the indexes: a changed copy would mislead a query, so it breaks the chain too. */
function wrongWith(row: Tables['ledger'], previousN: number, previous: Buffer): string | null {
  if (row.n !== previousN + 1) return `row ${previousN + 1} is missing`
  if (!chainHash(previous, row.body).equals(row.hash)) return `row ${row.n} was changed: its hash does not fit`
  let body: Record<string, unknown>
  try {
    body = JSON.parse(row.body) as Record<string, unknown>
  } catch {
    return `row ${row.n} is not JSON`
  }
  const copies = { entry: row.entry, n: row.n, at: row.at, id: row.decision, workload: row.workload }
  const said = {
    entry: body.entry,
    n: body.n,
    at: typeof body.at === 'number' ? Math.trunc(body.at) : body.at,
    id: body.id ?? null,
    workload: body.workload ?? null,
  }
  return canonicalJson(copies) === canonicalJson(said)
    ? null
    : `row ${row.n} was changed: its columns differ from what was hashed`
}
