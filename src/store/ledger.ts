/** The ledger: what was done by whom, and what was decided from what. Appended, never changed, provably. */
import { sql } from 'kysely'
import { personOf } from '../model/actor.ts'
import type { TenantId } from '../model/ids.ts'
import type { AuditQuery, AuditRecord, DecisionRecord, Page, PageQuery } from '../model/records.ts'
import type { Audit, Store } from '../model/store.ts'
import { canonicalJson, chainHash, GENESIS, headMessage } from './chain.ts'
import { decodeCursor, encodeCursor, pageSize, toPage } from './cursor.ts'
import { forget } from './forget.ts'
import { append, sealLabel } from './ledger-append.ts'
import { type Context, change } from './record-context.ts'
import { isSealed, keysById, openText, type Sealed } from './subject-keys.ts'
import type { Tables } from './tables.ts'

type Row = Pick<Tables['ledger'], 'n' | 'body' | 'hash'>
/** Rows held at once while verifying. */
const VERIFY_CHUNK = 1_000
/** Rows that one filtered page looks at, at most: names are sealed, so they are opened to be compared. */
const LOOKED_AT = 10_000

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
    audits: (tenant, page) => listAudits(context, tenant, page),
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

async function listAudits(
  context: Context,
  tenant: TenantId,
  { limit, cursor, ...query }: PageQuery & AuditQuery,
): Promise<Page<AuditRecord>> {
  const size = pageSize({ limit, cursor })
  const isFiltered = Object.values(query).some((value) => value !== undefined)
  const found: Opened[] = []
  let next = cursor
  let looked = 0
  do {
    const chunk = await pageOf(context, tenant, 'audit', { limit: isFiltered ? 1_000 : size, cursor: next }).execute()
    const page = toPage(
      chunk,
      isFiltered ? 1_000 : size,
      (row) => [row.n],
      (row) => row,
    )
    looked += page.items.length
    next = page.next
    for (const row of await opened(context, tenant, page.items)) if (matches(row, query)) found.push(row)
    const oldest = page.items.at(-1)
    if (query.from !== undefined && oldest !== undefined && atOf(oldest) < query.from - CLOCK_SLACK_MS) next = null
  } while (isFiltered && next !== null && found.length <= size && looked < LOOKED_AT)
  const given = found.slice(0, size)
  const hashes = await hashesOf(
    context,
    tenant,
    given.map(({ n }) => n - 1),
  )
  return {
    items: given.map((row) => ({ ...toAudit(row), previous: hashes.get(row.n - 1) ?? '' })),
    next: found.length > size ? encodeCursor([given.at(-1)!.n]) : next,
  }
}
/** Rows are in the order they were written; a clock that was set back makes some of them look older than they are. */
const CLOCK_SLACK_MS = 3_600_000

function atOf({ body }: Row): number {
  return Number((JSON.parse(body) as { at: number }).at)
}

async function hashesOf(context: Context, tenant: TenantId, rows: readonly number[]): Promise<Map<number, string>> {
  if (rows.length === 0) return new Map()
  const found = await context.db
    .selectFrom('ledger')
    .select(['n', 'hash'])
    .where('tenant', '=', tenant)
    .where('n', 'in', rows)
    .execute()
  return new Map(found.map(({ n, hash }) => [n, hash.toString('hex')]))
}

function matches({ body }: Opened, { actor, action, object, text, from, to }: AuditQuery): boolean {
  const at = Number(body.at)
  if (from !== undefined && at < from) return false
  if (to !== undefined && at > to) return false
  if (object !== undefined && String(body.object).toLowerCase() !== object.toLowerCase()) return false
  if (action !== undefined && body.action !== action && !String(body.action).startsWith(`${action}.`)) return false
  if (actor !== undefined && person(body.actor) !== person(actor)) return false
  if (text === undefined) return true
  const hay = [body.actor, body.action, body.object, body.summary].join(' ').toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word))
}

/** As people write it when they look for somebody. */
const person = (actor: unknown) => personOf(String(actor)).toLowerCase()

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
  if (head === undefined)
    return n === 0 ? { ok: true, rows: 0, head: '' } : { ok: false, at: n, why: 'the head is missing' }
  if (head.n !== n || !head.hash.equals(hash))
    return { ok: false, at: Math.min(n, head.n) + 1, why: `the head stands at row ${head.n}, the rows end at ${n}` }
  if (head.signature === null || !context.keys.verifies(headMessage(tenant, n, hash), head.signature))
    return { ok: false, at: n, why: 'the head is not signed by the key of this installation' }
  return { ok: true, rows: n, head: hash.toString('hex') }
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
