/** Small pictures side by side over one span of time, with one cursor through all of them. */
import { t } from 'i18next'
import { type ReactNode, useState } from 'react'
import { clock } from '../../format.ts'
import { useWidth } from '../../parts/width.ts'
import './small-multiples.css'

const GAP = 18

/** What each picture is drawn in. */
export type Place = {
  /** epoch ms: ends of the windows, and the picture's two sides */
  readonly at: readonly number[]
  readonly from: number
  readonly to: number
  /** px */
  readonly width: number
  /** Index of the window that the pointer is at. */
  readonly cursor: number | null
  readonly onCursor: (at: number | null) => void
}

type Props = {
  readonly at: readonly number[]
  readonly everyMs: number
  readonly children: (place: Place) => ReactNode
}

export function SmallMultiples({ at, everyMs, children }: Props) {
  const [box, room] = useWidth(760, 240)
  const [cursor, setCursor] = useState<number | null>(null)
  const columns = room >= 880 ? 4 : room >= 560 ? 3 : 2
  const width = Math.floor((room - (columns - 1) * GAP) / columns)
  const pointed = cursor === null ? null : nearest(at, cursor)
  const from = at[0] ?? 0
  const to = Math.max(at.at(-1) ?? 0, from + everyMs)
  return (
    <>
      <div
        ref={box}
        className="metrics"
        style={{ gridTemplateColumns: `repeat(${columns}, ${width}px)`, columnGap: GAP }}
      >
        {children({ at, from, to, width, cursor: pointed, onCursor: setCursor })}
      </div>
      <p className="readout-line n" aria-hidden="true">
        {pointed === null ? `${clock(from)} – ${clock(at.at(-1) ?? 0)}` : t('chart.at', { at: clock(at[pointed]!) })}
      </p>
    </>
  )
}

function nearest(at: readonly number[], wanted: number): number {
  let best = 0
  for (const [i, time] of at.entries()) if (Math.abs(time - wanted) < Math.abs(at[best]! - wanted)) best = i
  return best
}
