/** How wide a box is, px: a picture is drawn anew when its room changes. */
import { type RefObject, useEffect, useRef, useState } from 'react'

/** `first`: taken until the box was measured; `least`: below this a picture scrolls rather than shrinks. */
export function useWidth(
  first: number,
  least: number,
): readonly [box: RefObject<HTMLDivElement | null>, width: number] {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(first)
  useEffect(() => {
    if (box.current === null) return
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(least, entry?.contentRect.width ?? first)))
    watch.observe(box.current)
    return () => watch.disconnect()
  }, [first, least])
  return [box, width]
}
