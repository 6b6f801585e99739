/**
 * Which rows of a long table are near the screen. All rows have one height, so this is arithmetic: nothing is measured
 * while scrolling, and the page is drawn again only when the range changes.
 */
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** Rows drawn above and below what is seen; the range moves in steps of this many, so most scrolls draw nothing. */
const STEP = 8

type Range = { readonly from: number; readonly to: number }

export function rangeAt(scrolled: number, height: number, rowHeight: number, count: number): Range {
  const first = Math.floor(Math.max(0, scrolled) / rowHeight / STEP) * STEP - STEP
  const rows = Math.ceil(height / rowHeight / STEP) * STEP + 3 * STEP
  const from = Math.max(0, Math.min(first, count - rows))
  return { from, to: Math.min(count, Math.max(0, first) + rows) }
}

/** `body` is where the rows begin. `on` is false for a short table, which is drawn whole. */
export function useWindow(body: RefObject<HTMLElement | null>, on: boolean, count: number, rowHeight: number) {
  const [range, setRange] = useState<Range>({ from: 0, to: 0 })
  const latest = useRef(() => {})
  latest.current = () => {
    if (!on || body.current === null) return
    const next = rangeAt(-body.current.getBoundingClientRect().top, innerHeight, rowHeight, count)
    setRange((now) => (now.from === next.from && now.to === next.to ? now : next))
  }
  // Asking where the rows begin makes the browser lay the page out: only when that can have changed.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the range depends on, read through the ref
  useLayoutEffect(() => latest.current(), [on, count, rowHeight])
  useEffect(() => {
    if (!on) return
    const look = () => latest.current()
    const moved = new ResizeObserver(look)
    moved.observe(document.body)
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      moved.disconnect()
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [on])
  if (!on) return { from: 0, to: count }
  return { from: Math.min(range.from, count), to: Math.min(range.to, count) }
}
