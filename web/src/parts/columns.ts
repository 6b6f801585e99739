/** What a table is made of, and how its rows are ordered: `?s=name` ascending, `?s=-name` descending. */
import type { ReactNode } from 'react'

export type Column<T> = {
  /** in the address, in the CSV header and in JSON paths: never changes */
  readonly name: string
  /** the header a person reads */
  readonly title: string
  readonly cell: (row: T) => ReactNode
  /** What it is sorted by and what an export says. Left out: a picture, neither sorted nor exported. */
  readonly value?: (row: T) => string | number | null
  /** px; the column without one takes the rest */
  readonly width?: number
  readonly num?: true
  /** left out while a peek is open: the peek says it */
  readonly minor?: true
}

export type Sort = { readonly name: string; readonly descending: boolean }

/** Anything unknown is `standard`, which is written the same way. */
export function parseSort<T>(text: string | null, columns: readonly Column<T>[], standard: string): Sort {
  const of = (value: string): Sort => ({ name: value.replace(/^-/, ''), descending: value.startsWith('-') })
  const asked = of(text ?? standard)
  const known = columns.some((column) => column.name === asked.name && column.value !== undefined)
  return known ? asked : of(standard)
}

/** Text that sorts as a person counts, `web-2` before `web-10`, without a collator: that would take as long as all the rest. */
function inOrder(key: string | number | null): string | number | null {
  return typeof key === 'string' ? key.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0')) : key
}

/** Each value is read once; equal values keep the order of ids, so that the same rows always come out the same. Unknown (null) is last. */
export function sortRows<T extends { readonly id: string }>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  sort: Sort,
): readonly T[] {
  const value = columns.find((column) => column.name === sort.name)?.value
  if (value === undefined) return rows
  const sign = sort.descending ? -1 : 1
  const keyed = rows.map((row) => ({ row, key: inOrder(value(row)) }))
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      if (a.key !== b.key) return a.key === null ? 1 : -1
    } else if (a.key !== b.key) {
      return a.key < b.key ? -sign : sign
    }
    return a.row.id < b.row.id ? -1 : a.row.id > b.row.id ? 1 : 0
  })
  return keyed.map(({ row }) => row)
}
