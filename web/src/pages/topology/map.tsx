/** The picture: role img with a sentence; the list holds the same facts. Arrows walk, Enter goes in, Escape out. */
import { t } from 'i18next'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Topology, TopologyLens } from '../../../../src/model/topology.ts'
import { count } from '../../format.ts'
import { useNarrow } from '../../parts/media.ts'
import type { MapCanvas } from './canvas.ts'
import type { Words } from './elements.ts'
import type { Direction } from './walk.ts'

type Props = {
  readonly topology: Topology
  readonly lens: TopologyLens
  readonly scope: string
  readonly selected: string
  readonly label: string
  readonly onSelect: (id: string) => void
  readonly onEnter: (segment: string) => void
  readonly onLeave: () => void
}

const NUDGE_PX = 20
const ARROWS: Readonly<Record<Direction, readonly [number, number]>> = {
  ArrowUp: [0, -NUDGE_PX],
  ArrowDown: [0, NUDGE_PX],
  ArrowLeft: [-NUDGE_PX, 0],
  ArrowRight: [NUDGE_PX, 0],
}

function words(): Words {
  return {
    deny: `⊘ ${t('topology.mark.deny')}`,
    'would-deny': `○ ${t('topology.mark.would-deny')}`,
    unjudged: `? ${t('topology.mark.unjudged')}`,
    evidence: `△ ${t('topology.mark.evidence')}`,
    fresh: t('topology.mark.fresh'),
    more: (n) => t('topology.more', { n: count(n) }),
  }
}

export function TopologyMap(props: Props) {
  const { topology, lens, selected, label } = props
  const width = useNarrow() ? 'narrow' : 'wide'
  const scope = `${props.scope} ${width}`
  const box = useRef<HTMLDivElement>(null)
  const overlay = useRef<HTMLCanvasElement>(null)
  const map = useRef<MapCanvas | null>(null)
  const newest = useRef(props)
  newest.current = props
  const [ready, setReady] = useState(false)
  const [drawn, setDrawn] = useState(false)
  const [placed, setPlaced] = useState({ waiting: 0, pinned: 0 })
  useEffect(() => {
    let gone = false
    performance.mark('topology-begin')
    // The drawing library is most of this page: it is read beside the data, not before the shell.
    void import('./canvas.ts').then(({ createMap }) => {
      if (gone || box.current === null || overlay.current === null) return
      performance.mark('topology-library')
      map.current = createMap(box.current, overlay.current, words(), {
        onSelect: (id) => newest.current.onSelect(id),
        onEnter: (segment) => newest.current.onEnter(segment),
        onPlaced: (next) =>
          setPlaced((before) => (before.waiting === next.waiting && before.pinned === next.pinned ? before : next)),
      })
      setReady(true)
    })
    return () => {
      gone = true
      map.current?.close()
      map.current = null
    }
  }, [])
  useEffect(() => {
    if (!ready) return
    performance.mark('topology-draw')
    map.current?.show({ scope, topology, lens, selected, width })
    const frame = requestAnimationFrame(() => {
      performance.measure('topology-drawn', 'topology-draw')
      setDrawn(true)
    })
    return () => cancelAnimationFrame(frame)
  }, [ready, scope, topology, lens, selected, width])

  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key as Direction] as (typeof ARROWS)[Direction] | undefined
    if (arrow !== undefined && event.shiftKey) map.current?.nudge(selected, ...arrow)
    else if (arrow !== undefined) props.onSelect(map.current?.step(selected, event.key as Direction) ?? selected)
    else if (event.key === 'Enter') {
      const node = topology.nodes.find((one) => one.id === selected)
      const segment = node?.segment ?? (selected.startsWith('s:') ? selected.slice(2) : null)
      if (segment === null) return
      props.onEnter(segment)
    } else if (event.key === 'Escape') {
      if (selected !== '') props.onSelect('')
      else props.onLeave()
    } else if (event.key === '+' || event.key === '=') map.current?.zoomBy(1.25)
    else if (event.key === '-') map.current?.zoomBy(0.8)
    else if (event.key === '0') map.current?.fit()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className="map-frame">
      <div
        className="map"
        role="img"
        aria-label={label}
        aria-describedby="map-keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a picture that is walked with the arrow keys; the list is its twin
        tabIndex={0}
        onKeyDown={onKeyDown}
        data-ready={drawn}
      >
        <div ref={box} className="map-canvas" />
        <canvas ref={overlay} className="map-overlay" />
      </div>
      <p id="map-keys" className="vh">
        {t('topology.mapKeys')}
      </p>
      <div className="map-tools">
        {placed.waiting > 0 ? (
          <button type="button" className="button small" onClick={() => map.current?.rearrange()}>
            {t('topology.waiting', { count: placed.waiting })}
          </button>
        ) : null}
        {placed.pinned > 0 ? (
          <button type="button" className="button small" onClick={() => map.current?.unpin()}>
            {t('topology.unpin', { count: placed.pinned })}
          </button>
        ) : null}
      </div>
      <div className="map-tools zoom">
        <button
          type="button"
          className="button small"
          aria-label={t('topology.zoomOut')}
          onClick={() => map.current?.zoomBy(0.8)}
        >
          −
        </button>
        <button
          type="button"
          className="button small"
          aria-label={t('topology.zoomIn')}
          onClick={() => map.current?.zoomBy(1.25)}
        >
          +
        </button>
        <button type="button" className="button small" onClick={() => map.current?.fit()}>
          {t('topology.fit')}
        </button>
      </div>
    </div>
  )
}
