/** Where a list goes on: the sort key of the last row given, opaque to whoever carries it. */
import type { Page, PageQuery } from '../model/records.ts'

/** A client sent a cursor that we did not make: its fault, to be answered 400. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor'
  constructor() {
    super('the cursor is not one this server gave; ask again without it')
  }
}

export const PAGE_MAX = 1_000

export type SortKey = readonly (string | number)[]

export function encodeCursor(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** `shape` is an example of the key: one `''` or `0` per part. */
export function decodeCursor<const Shape extends SortKey>(cursor: string, shape: Shape): Widen<Shape> {
  if (cursor.length > 2_000) throw new BadCursor()
  let key: unknown
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw new BadCursor()
  }
  if (!Array.isArray(key) || key.length !== shape.length) throw new BadCursor()
  const fits = shape.every((part, i) =>
    typeof part === 'number'
      ? Number.isSafeInteger(key[i])
      : typeof key[i] === 'string' && !(key[i] as string).includes('\0'),
  )
  if (!fits) throw new BadCursor()
  return key as unknown as Widen<Shape>
}
type Widen<Shape> = { -readonly [I in keyof Shape]: Shape[I] extends string ? string : number }

export function pageSize(query: PageQuery): number {
  return Math.min(PAGE_MAX, Math.max(1, Math.trunc(query.limit) || 1))
}

/** `rows` holds one more than the page, when there is more. */
export function toPage<Row, T>(
  rows: readonly Row[],
  size: number,
  key: (row: Row) => SortKey,
  value: (row: Row) => T,
): Page<T> {
  const given = rows.slice(0, size)
  const last = given.at(-1)
  return { items: given.map(value), next: rows.length > size && last !== undefined ? encodeCursor(key(last)) : null }
}
