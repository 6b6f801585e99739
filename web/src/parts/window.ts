/**
 * Which rows of a long table are near the screen. All rows have one height, so this is arithmetic: nothing is measured
 * while scrolling, and the page is drawn again only when the range changes.
 */
import { type RefObject, useEffect, useState } from 'react'

/** Rows drawn above and below what is seen; the range moves in steps of this many, so most scrolls draw nothing. */
const STEP = 6

type Range = { readonly from: number; readonly to: number }

/** Where the rows near the screen would be in a list without end. `scrolled`: px from the first row to the screen's top. */
function nearScreen(scrolled: number, height: number, rowHeight: number): Range {
  const from = Math.floor(scrolled / rowHeight / STEP) * STEP - STEP
  return { from, to: Math.ceil((scrolled + height) / rowHeight / STEP) * STEP + STEP }
}

/** The same of `count` rows: never empty while there are rows, even where the list has become shorter than where one stood. */
function within({ from, to }: Range, count: number): Range {
  const rows = Math.max(to - Math.max(0, from), 2 * STEP)
  const first = Math.max(0, Math.min(from, count - rows))
  return { from: first, to: Math.min(count, first + rows) }
}

export function rangeAt(scrolled: number, height: number, rowHeight: number, count: number): Range {
  return within(nearScreen(scrolled, height, rowHeight), count)
}

/** `body` is where the rows begin. `on` is false for a short table, which is drawn whole. */
export function useWindow(body: RefObject<HTMLElement | null>, on: boolean, count: number, rowHeight: number) {
  // Half a screen at first: a table stands below a heading.
  const [near, setNear] = useState<Range>(() => nearScreen(0, innerHeight / 2, rowHeight))
  useEffect(() => {
    if (!on) return
    const look = () => {
      if (body.current === null) return
      const next = nearScreen(-body.current.getBoundingClientRect().top, innerHeight, rowHeight)
      setNear((now) => (now.from === next.from && now.to === next.to ? now : next))
    }
    // Asking where the rows begin makes the browser lay the page out: asked when it just has, it costs nothing.
    const moved = new ResizeObserver(look)
    moved.observe(document.body)
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      moved.disconnect()
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [on, body, rowHeight])
  return on ? within(near, count) : { from: 0, to: count }
}
