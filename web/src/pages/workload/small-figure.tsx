/** One of several small pictures: a name, what it is at the cursor or now, the picture, a line below. */
import type { PointerEvent, ReactNode } from 'react'
import type { Place } from './small-multiples.tsx'
import { stretches } from './stretches.ts'

export const HEIGHT = 64
const PAD = 5

type Props = {
  readonly place: Place
  readonly name: string
  /** The whole of it, when the name is short for it. */
  readonly means?: string
  readonly value: string
  readonly mark?: 'out' | 'none'
  /** What the picture shows, for who does not see it. */
  readonly picture: string
  readonly below: string
  readonly children: ReactNode
}

export function SmallFigure({ place, name, means, value, mark, picture, below, children }: Props) {
  const { at, from, to, width, cursor, onCursor } = place
  const onMove = (event: PointerEvent<SVGSVGElement>) =>
    onCursor(from + (event.nativeEvent.offsetX / width) * (to - from))
  const pointed = cursor === null ? null : across(place)(at[cursor]!)
  return (
    <figure className="metric">
      <figcaption>
        <span className="metric-name" title={means}>
          {name}
        </span>
        <b className={mark === 'out' ? 'n out' : 'n'}>{value}</b>
      </figcaption>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={picture}
        onPointerMove={onMove}
        onPointerLeave={() => onCursor(null)}
      >
        <line className="floor" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {children}
        {pointed === null ? null : <line className="cursor" x1={pointed} x2={pointed} y1="0" y2={HEIGHT} />}
      </svg>
      <span className="sub">
        {below}
        {'\u00a0'}
      </span>
    </figure>
  )
}

type LinesProps = {
  readonly place: Place
  readonly column: readonly (number | null)[]
  readonly y: (value: number) => number
}

/** A line through what is known, broken where nothing is. */
export function Lines({ place, column, y }: LinesProps) {
  const { at } = place
  const x = across(place)
  return stretches(at, column).map((run) => {
    const points = run.map((i) => `${x(at[i]!).toFixed(1)} ${y(column[i]!).toFixed(1)}`)
    // One window alone is a dot.
    return <path key={at[run[0]!]} className="seen" d={`M${points.join('L')}${run.length === 1 ? 'h0' : ''}`} />
  })
}

/** epoch ms → px */
export const across =
  ({ from, to, width }: Place) =>
  (time: number): number =>
    ((time - from) / (to - from)) * width

/** 0 = the floor, 1 = the top → px */
export const upward = (share: number): number => HEIGHT - PAD - share * (HEIGHT - 2 * PAD)
