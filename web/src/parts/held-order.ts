/**
 * Rows never move by themselves while someone reads: the order is kept while the pointer is in the table, a row has the
 * focus, text is selected or the page is scrolled; otherwise it follows at most every ten seconds. New rows wait on top.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

const FOLLOW_EVERY_MS = 10_000

export type Held<T> = {
  readonly rows: readonly T[]
  /** rows that would be elsewhere in the current order */
  readonly wouldMove: number
  /** rows that are not shown yet */
  readonly fresh: number
  readonly catchUp: () => void
}

/** `question` (filter and sort): when a person changes it, the order follows at once. */
export function useHeldOrder<T extends { readonly id: string }>(
  sorted: readonly T[],
  question: string,
  reading: () => boolean,
): Held<T> {
  const [order, setOrder] = useState<{ readonly question: string; readonly ids: readonly string[] } | null>(null)
  const latest = useRef(sorted)
  latest.current = sorted
  const catchUp = useCallback(() => setOrder({ question, ids: latest.current.map((row) => row.id) }), [question])

  const stale = order === null || order.question !== question || order.ids.length === 0
  useEffect(() => {
    if (stale && sorted.length > 0) catchUp()
  }, [stale, sorted.length, catchUp])

  useEffect(() => {
    const timer = setInterval(() => {
      if (!reading()) catchUp()
    }, FOLLOW_EVERY_MS)
    return () => clearInterval(timer)
  }, [catchUp, reading])

  const ids = stale ? null : order.ids
  const held = useMemo(
    () => (ids === null ? { rows: sorted, wouldMove: 0, fresh: 0 } : hold(sorted, ids)),
    [sorted, ids],
  )
  return { ...held, catchUp }
}

/** The rows in the held order, how many would move, how many are new. */
export function hold<T extends { readonly id: string }>(sorted: readonly T[], ids: readonly string[]) {
  if (sorted.length === ids.length && sorted.every((row, i) => row.id === ids[i]))
    return { rows: sorted, wouldMove: 0, fresh: 0 }
  const position = new Map<string, number>()
  for (const [i, row] of sorted.entries()) position.set(row.id, i)
  const positions: number[] = []
  for (const id of ids) {
    const at = position.get(id)
    if (at !== undefined) positions.push(at)
  }
  const rows = positions.map((at) => sorted[at]!)
  return { rows, wouldMove: rows.length - longestRun(positions), fresh: sorted.length - rows.length }
}

/** How many rows can stay: the longest increasing subsequence of new positions (patience sorting). */
function longestRun(positions: readonly number[]): number {
  const tails: number[] = []
  for (const p of positions) {
    let lo = 0
    let hi = tails.length
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if (tails[mid]! < p) lo = mid + 1
      else hi = mid
    }
    tails[lo] = p
  }
  return tails.length
}
