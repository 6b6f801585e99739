/** What every aggregate is given, and the one way to change something: with its audit line, in one transaction. */
import type { Kysely, Transaction } from 'kysely'
import type { TenantId } from '../model/ids.ts'
import type { Audit, Write } from '../model/store.ts'
import type { KeyFiles } from './key-files.ts'
import { append } from './ledger-append.ts'
import type { Tables } from './tables.ts'

export type Context = {
  readonly db: Kysely<Tables>
  readonly keys: KeyFiles
  /** epoch ms */
  readonly clock: () => number
}
export type Tx = Transaction<Tables>

/** serialization_failure, deadlock_detected: nothing happened, and doing it again is the documented answer. */
const AGAIN = new Set(['40001', '40P01'])
const ATTEMPTS = 4

/** No audit row, no change: both commit together, and a refused change leaves neither. */
export async function change<T>(
  context: Context,
  tenant: TenantId,
  audit: Audit,
  act: (tx: Tx) => Promise<Write<T>>,
): Promise<Write<T>> {
  for (let attempt = 1; ; attempt++) {
    const tx = await context.db.startTransaction().execute()
    try {
      const result = await act(tx)
      if (!result.ok) {
        await tx.rollback().execute()
        return result
      }
      await append(context, tx, tenant, [{ entry: 'audit', audit }])
      await tx.commit().execute()
      return result
    } catch (error) {
      if (!tx.isCommitted && !tx.isRolledBack)
        await tx
          .rollback()
          .execute()
          .catch(() => {})
      if (attempt >= ATTEMPTS || !AGAIN.has((error as { code?: string }).code ?? '')) throw error
    }
  }
}

/** Observed text may hold NUL, which PostgreSQL's text cannot. */
export function clean(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
}

export function ms(time: number): number {
  return Math.trunc(time)
}

/** Keeps the last of several rows with one key: a statement may not touch a row twice. */
export function lastByKey<Row>(
  rows: readonly Row[],
  key: (row: Row) => string,
  isNewer: (a: Row, b: Row) => boolean,
): Row[] {
  const kept = new Map<string, Row>()
  for (const row of rows) {
    const id = key(row)
    const held = kept.get(id)
    if (held === undefined || !isNewer(held, row)) kept.set(id, row)
  }
  // one order for every writer, so that two batches cannot wait for each other
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
