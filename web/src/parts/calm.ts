/** A value that changes many times a second, taken over at most every `everyMs`: the first change at once, the last one surely. */
import { startTransition, useEffect, useRef, useState } from 'react'

/** From so many rows on, what is made of all of them is made once a second: nobody reads ten orders a second. */
const MANY = 1_000
const EVERY_MS = 1_000

export function useCalmRows<T>(rows: readonly T[]): readonly T[] {
  return useCalm(rows, rows.length > MANY ? EVERY_MS : 0)
}

function useCalm<T>(value: T, everyMs: number): T {
  const taken = useRef({ value, at: Number.NEGATIVE_INFINITY })
  const [, drawAgain] = useState(0)
  const now = performance.now()
  const wait = everyMs - (now - taken.current.at)
  if (value !== taken.current.value && wait <= 0) taken.current = { value, at: now }
  const behind = taken.current.value !== value
  useEffect(() => {
    if (!behind) return
    // In slices: what a timer draws otherwise holds the page up until all of it is done.
    const timer = setTimeout(() => startTransition(() => drawAgain((n) => n + 1)), wait)
    return () => clearTimeout(timer)
  })
  return taken.current.value
}
