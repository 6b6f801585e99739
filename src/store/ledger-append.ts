/**
 * Adds rows to a tenant's chain inside the caller's transaction. The head's row lock orders the writers; take it last,
 * after every other lock, so that no two transactions wait for each other.
 */
import { sql } from 'kysely'
import type { DecisionRecord } from '../model/records.ts'
import type { Audit } from '../model/store.ts'
import { canonicalJson, chainHash, GENESIS, headMessage } from './chain.ts'
import type { Context, Tx } from './record-context.ts'
import { type SubjectKey, sealText, subjectKey, subjectOf } from './subject-keys.ts'

export type Entry =
  | { readonly entry: 'audit'; readonly audit: Audit }
  | { readonly entry: 'decision'; readonly decision: DecisionRecord; readonly actor: string }

export async function append(context: Context, tx: Tx, tenant: string, entries: readonly Entry[]): Promise<void> {
  const keys = new Map<string, SubjectKey>()
  for (const entry of entries) {
    const person = subjectOf(actorOf(entry))
    if (person !== null && !keys.has(person)) keys.set(person, await subjectKey(context, tx, tenant, person))
  }
  let { n, hash } = await lockHead(tx, tenant)
  const at = context.clock()
  const rows = entries.map((entry) => {
    n++
    const body = canonicalJson(toBody(entry, tenant, n, at, keys))
    hash = chainHash(hash, body)
    const decision = entry.entry === 'decision' ? entry.decision : null
    return {
      tenant,
      n,
      entry: entry.entry,
      at: decision?.at ?? at,
      decision: decision?.id ?? null,
      workload: decision?.workload ?? null,
      body,
      hash,
    }
  })
  // one statement: the fewer round trips while the head is locked, the more writers get through
  await tx
    .with('added', (cte) => cte.insertInto('ledger').values(rows))
    .updateTable('ledger_heads')
    .set({ n, hash, signature: context.keys.sign(headMessage(tenant, n, hash)) })
    .where('tenant', '=', tenant)
    .execute()
}

async function lockHead(tx: Tx, tenant: string): Promise<{ n: number; hash: Buffer }> {
  // the update of an existing row takes its lock; a new one is ours by having made it
  const { rows } = await sql<{ n: number; hash: Buffer }>`
    insert into ledger_heads (tenant, n, hash) values (${tenant}, 0, ${GENESIS})
    on conflict (tenant) do update set n = ledger_heads.n returning n, hash`.execute(tx)
  return rows[0]!
}

function actorOf(entry: Entry): string {
  return entry.entry === 'audit' ? entry.audit.actor : entry.actor
}

/** Fields that hold the person's name are sealed; the rest stays readable for ever. */
function toBody(entry: Entry, tenant: string, n: number, at: number, keys: ReadonlyMap<string, SubjectKey>): unknown {
  const person = subjectOf(actorOf(entry))
  const key = person === null ? undefined : keys.get(person)
  const guarded = (field: string, text: string) =>
    key !== undefined && person !== null && mentions(text, person)
      ? sealText(key, text, sealLabel(tenant, n, field))
      : text
  if (entry.entry === 'audit') {
    const { actor, action, object, summary } = entry.audit
    return {
      entry: 'audit',
      tenant,
      n,
      at,
      actor: guarded('actor', actor),
      action,
      object: guarded('object', object),
      summary: guarded('summary', summary),
    }
  }
  const { decision } = entry
  return {
    entry: 'decision',
    n,
    ...decision,
    summary: guarded('summary', decision.summary),
    detail: guarded('detail', canonicalJson(decision.detail ?? null)),
  }
}

export function mentions(text: string, person: string): boolean {
  return person !== '' && text.toLowerCase().includes(person.toLowerCase())
}

/** A sealed field opens only in its own place. */
export function sealLabel(tenant: string, n: number, field: string): string {
  return `${tenant}\0${n}\0${field}`
}
