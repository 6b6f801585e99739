/** The map as a picture: regions under outlines under dots; names last, with a halo. */
import { t } from 'i18next'
import { memo, type PointerEvent, useMemo } from 'react'
import type { MapProposal, MapWorkload, PersonaMap } from '../../../../src/model/persona-map.ts'
import { useWidth } from '../../parts/width.ts'
import { monogram, personaColor } from '../../persona.ts'
import { ellipseOf, keptApart, type Plane, planeOf } from './map-plane.ts'

/** A dot is meant from this many pixels on. */
const NEAR = 18
const WIDE = 560
const AROUND = 16
/** Half of a long name. */
const EDGE = 76

type Props = {
  readonly map: PersonaMap
  readonly lit: MapWorkload | null
  readonly onLight: (id: string | null) => void
  readonly onOpen: (id: string) => void
}

export function Picture({ map, lit, onLight, onOpen }: Props) {
  const [box, width] = useWidth(760, 260)
  const height = width < WIDE ? 320 : 420
  const plane = useMemo(() => planeOf(map, { left: 0, top: 0, width, height }), [map, width, height])
  const near = (event: PointerEvent<SVGSVGElement>): string | null => {
    const { left, top } = event.currentTarget.getBoundingClientRect()
    const [x, y] = [event.clientX - left, event.clientY - top]
    let [best, least]: [string | null, number] = [null, NEAR]
    for (const { id, at } of map.workloads) {
      const far = Math.hypot(plane.x(at) - x, plane.y(at) - y)
      if (far < least) [best, least] = [id, far]
    }
    return best
  }
  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const id = near(event)
    if (id !== null) onLight(id)
  }
  const onPointerUp = (event: PointerEvent<SVGSVGElement>) => {
    const id = near(event)
    // The first touch tells who it is, the second goes there.
    if (id !== null && (event.pointerType === 'mouse' || id === lit?.id)) onOpen(id)
    else onLight(id)
  }
  return (
    <div ref={box}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={describe(map)}
        className="map-picture"
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
      >
        <Ground map={map} plane={plane} width={width} height={height} />
        {lit === null ? null : <circle className="lit" cx={plane.x(lit.at)} cy={plane.y(lit.at)} r="9" />}
      </svg>
    </div>
  )
}

function describe({ workloads, known }: PersonaMap): string {
  const strays = workloads.filter(({ stray }) => stray).length
  return t('personaMap.is', {
    count: workloads.length,
    strays,
    personas: known.map(({ persona }) => persona).join(', '),
  })
}

type GroundProps = {
  readonly map: PersonaMap
  readonly plane: Plane
  readonly width: number
  readonly height: number
}

/** All that does not move with the pointer. */
const Ground = memo(function Ground({ map, plane, width, height }: GroundProps) {
  const names = map.known.map(({ persona, at }) => ({
    persona,
    text: width < WIDE ? monogram(persona) : persona,
    x: plane.x(at),
    y: plane.y(at),
  }))
  return (
    <>
      <Regions map={map} plane={plane} />
      {map.proposals.map(({ id, hull }) => (
        <Outline key={id} id={id} path={`M${hull.map((at) => `${plane.x(at)} ${plane.y(at)}`).join('L')}Z`} />
      ))}
      {map.workloads.map((one) => (
        <Dot key={one.id} one={one} plane={plane} />
      ))}
      {keptApart(names, height).map(({ persona, text, x, y }) => (
        <text key={persona} x={x} y={y} textAnchor="middle" style={{ fill: inkOf(persona) }}>
          {text}
        </text>
      ))}
      {map.proposals.map((one) => (
        <Name key={one.id} one={one} plane={plane} width={width} />
      ))}
    </>
  )
})

/** Above its outline, within the picture. */
function Name({ one, plane, width }: { readonly one: MapProposal; readonly plane: Plane; readonly width: number }) {
  const x = plane.x(one.at)
  const top = Math.min(...one.hull.map(plane.y)) - AROUND - 8
  const side = x < EDGE ? 'start' : x > width - EDGE ? 'end' : 'middle'
  const edge = side === 'start' ? 6 : width - 6
  return (
    <text x={side === 'middle' ? x : edge} y={Math.max(14, top)} textAnchor={side} className="proposed">
      {one.name}
    </text>
  )
}

const colorOf = (persona: string): string => personaColor(persona) ?? 'var(--unknown)'
/** Some of the colours are too pale to be read: ink makes up for it. */
const inkOf = (persona: string): string => `color-mix(in srgb, ${colorOf(persona)} 45%, var(--ink))`

function Regions({ map, plane }: Pick<GroundProps, 'map' | 'plane'>) {
  return map.known.map(({ persona, points }) => {
    const { cx, cy, rx, ry, turn } = ellipseOf(points.map((at) => [plane.x(at), plane.y(at)] as const))
    const color = colorOf(persona)
    return (
      <g key={persona} className="region">
        <ellipse
          {...{ cx, cy, rx, ry }}
          transform={`rotate(${turn} ${cx} ${cy})`}
          style={{ fill: color, stroke: color }}
        />
      </g>
    )
  })
}

/** A line around the hull: what a broad stroke covers, without what a slightly narrower one does. */
function Outline({ id, path }: { readonly id: string; readonly path: string }) {
  const mask = `outline-${id}`
  const stroke = { strokeLinejoin: 'round', strokeLinecap: 'round' } as const
  return (
    <g>
      <mask id={mask} maskUnits="userSpaceOnUse" x="0" y="0" width="100%" height="100%">
        <path d={path} fill="white" stroke="white" strokeWidth={2 * AROUND} {...stroke} />
        <path d={path} fill="black" stroke="black" strokeWidth={2 * AROUND - 3} {...stroke} />
      </mask>
      <rect className="outline" width="100%" height="100%" mask={`url(#${mask})`} />
    </g>
  )
}

function Dot({ one, plane }: { readonly one: MapWorkload; readonly plane: Plane }) {
  const place = { cx: plane.x(one.at), cy: plane.y(one.at) }
  if (one.stray) return <circle {...place} r="4.5" className="stray" />
  if (one.believed === null) return <circle {...place} r="4" className="unsure" />
  return <circle {...place} r="4" className="dot" style={{ fill: colorOf(one.believed) }} />
}
