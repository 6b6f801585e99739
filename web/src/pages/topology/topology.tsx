/** Topology: who talks to whom, and where it differs. Everything chosen here is in the address; nothing moves by itself. */
import { t } from 'i18next'
import { type ReactNode, useCallback, useMemo, useRef } from 'react'
import type { Topology } from '../../../../src/model/topology.ts'
import { useLive } from '../../api/live.ts'
import { bytes, clock, count, day } from '../../format.ts'
import { useAddress } from '../../parts/address.ts'
import { ExportButton } from '../../parts/export-button.tsx'
import { SearchBox } from '../../parts/filter-field.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useNarrow } from '../../parts/media.ts'
import { SavedFilters } from '../../parts/saved-filters.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { findChosen } from './chosen.ts'
import { Legend } from './legend.tsx'
import { TopologyList, useListRows } from './list.tsx'
import { TopologyMap } from './map.tsx'
import { MatrixTable } from './matrix.tsx'
import { Panel } from './panel.tsx'
import { useTopology } from './query.ts'
import { lead, mapLabel, title } from './sentences.ts'
import {
  type At,
  atText,
  enter,
  LENSES,
  LEVELS,
  leave,
  type PageState,
  readState,
  SPANS,
  usualView,
  VIEWS,
} from './state.ts'
import './topology.css'
import { words } from './words.ts'

addWords(words)

export default function TopologyPage() {
  const address = useAddress()
  const isNarrow = useNarrow()
  const state = readState(address.get)
  // A small screen opens with segments, whatever the size of the fleet.
  const asked = state.at ?? (isNarrow && state.q === '' ? ({ level: 'segment', segment: null } as const) : null)
  const topology = useTopology({ at: asked, span: state.span, q: state.q, infrastructure: state.infrastructure })
  const data = topology.data?.map
  return (
    <>
      <PageHead
        title={t('nav.topology')}
        heading={data === undefined ? t('topology.heading') : title(data)}
        lead={data === undefined ? undefined : lead(data, state.span)}
        crumbs={[{ name: t('nav.topology') }]}
      />
      <Loaded query={topology} what={t('topology.what')} rows={10}>
        {({ map, scope }) =>
          map.workloads === 0 ? (
            <FirstRun />
          ) : (
            <Body
              topology={map}
              scope={scope}
              state={state}
              at={asked ?? { level: map.level, segment: null }}
              address={address}
            />
          )
        }
      </Loaded>
    </>
  )
}

type BodyProps = {
  readonly topology: Topology
  readonly scope: string
  readonly state: PageState
  readonly at: At
  readonly address: ReturnType<typeof useAddress>
}

function Body({ topology, scope, state, at, address }: BodyProps) {
  const view = state.view ?? usualView(topology.workloads)
  const field = useRef<HTMLInputElement>(null)
  const { set } = address
  const go = useCallback((to: At | null) => to !== null && set({ at: atText(to), sel: '' }), [set])
  const select = useCallback((sel: string) => set({ sel }), [set])
  const onEnter = useCallback((segment: string) => go(enter(at, segment)), [go, at])
  const onLeave = useCallback(() => go(leave(at)), [go, at])
  const list = useListRows(topology)
  const onEscape = () => (state.sel === '' ? onLeave() : select(''))
  useKeys({
    '/': () => field.current?.focus(),
    v: () => set({ view: VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length]! }),
    Escape: onEscape,
  })
  const chosen = useMemo(() => findChosen(topology, state.sel), [topology, state.sel])
  const nothing = topology.edges.length === 0
  const map = (
    <TopologyMap
      topology={topology}
      lens={state.lens}
      scope={scope}
      selected={state.sel}
      label={mapLabel(topology)}
      onSelect={select}
      onEnter={onEnter}
      onLeave={onLeave}
    />
  )
  return (
    <>
      <div className="map-bar">
        <Choice
          label={t('topology.lens.title')}
          all={LENSES.map((name) => [name, t(`topology.lens.${name}`)])}
          value={state.lens}
          onChange={(lens) => set({ lens: lens === 'traffic' ? '' : lens })}
        />
        <Choice
          label={t('topology.view.title')}
          all={VIEWS.map((name) => [name, t(`topology.view.${name}`)])}
          value={view}
          onChange={(next) => set({ view: next === usualView(topology.workloads) ? '' : next })}
        />
        <SearchBox
          ref={field}
          value={state.q}
          onChange={(q) => set({ q, sel: '' })}
          label={t('topology.filterLabel')}
          placeholder={t('topology.find')}
        />
        <span className="tools right">
          <SavedFilters page="topology" />
          <ExportButton name="topology" rows={list.rows} columns={list.columns} />
        </span>
      </div>
      <div className="map-bar second">
        <Where topology={topology} at={at} go={go} />
        <Choice
          quiet
          label={t('topology.span.title')}
          all={SPANS.map(([name]) => [name, t(`topology.span.${name}`)])}
          value={state.span}
          onChange={(span) => set({ from: span === '1h' ? '' : `-${span}` })}
        />
        <Hidden topology={topology} state={state} set={set} />
      </div>
      {nothing && (state.q !== '' || topology.hidden.flows === 0) ? (
        <Nothing topology={topology} state={state} set={set} />
      ) : (
        <div className="map-page">
          <div className="map-left">
            {view === 'map' ? (
              <div className="surface">
                {map}
                <Legend topology={topology} lens={state.lens} />
              </div>
            ) : view === 'matrix' ? (
              <MatrixTable topology={topology} selected={state.sel} onSelect={select} />
            ) : (
              <TopologyList topology={topology} selected={state.sel} onSelect={select} />
            )}
            <Folded topology={topology} />
          </div>
          <div className="map-right">
            {view === 'list' && state.view === null ? <div className="surface minimap">{map}</div> : null}
            <Panel topology={topology} state={state} at={at} chosen={chosen} onSelect={select} onEnter={onEnter} />
          </div>
        </div>
      )}
    </>
  )
}

/** One of a few, all of them seen. */
function Choice<T extends string>({
  label,
  all,
  value,
  onChange,
  quiet,
}: {
  readonly label: string
  readonly all: readonly (readonly [value: T, word: string])[]
  readonly value: T
  readonly onChange: (value: T) => void
  readonly quiet?: true
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame and needs a legend that is seen
    <div role="group" aria-label={label} className={quiet === true ? 'seg' : 'choice'}>
      {all.map(([name, word]) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
          {word}
        </button>
      ))}
    </div>
  )
}

function Where({ topology, at, go }: { topology: Topology; at: At; go: (to: At | null) => void }) {
  const inside = at.segment === null ? undefined : topology.segments.find((segment) => segment.id === at.segment)
  return (
    <span className="where">
      {at.segment === null ? null : (
        <>
          <button type="button" className="link" onClick={() => go({ level: 'segment', segment: null })}>
            {t('topology.all')}
          </button>
          <span className="qq" aria-hidden="true">
            /
          </span>
          <b>{inside?.name ?? at.segment}</b>
        </>
      )}
      <Choice
        quiet
        label={t('topology.level.title')}
        all={LEVELS.filter((level) => at.segment === null || level !== 'segment').map((level) => [
          level,
          t(`topology.level.${level}`),
        ])}
        value={at.level}
        onChange={(level) => go({ level, segment: level === 'segment' ? null : at.segment })}
      />
    </span>
  )
}

type Set = ReturnType<typeof useAddress>['set']

function Hidden({ topology, state, set }: { topology: Topology; state: PageState; set: Set }) {
  const { paused } = useLive()
  const counts =
    state.q === ''
      ? t('topology.counts', {
          count: topology.workloads,
          n: count(topology.workloads),
          segments: t('topology.segments', {
            count: topology.segments.filter((segment) => segment.id !== 'outside').length,
            n: topology.segments.filter((segment) => segment.id !== 'outside').length,
          }),
        })
      : t('topology.matched', { n: count(topology.matched), all: count(topology.workloads) })
  const isShown = state.infrastructure === 'show'
  return (
    <span className="qq map-counts n">
      {counts} {paused ? `${clock(topology.to)} ` : ''}
      {isShown ? t('topology.shown') : topology.hidden.edges > 0 ? t('topology.hidden') : t('topology.hiddenNone')}
      {isShown || topology.hidden.edges > 0 ? (
        <>
          {'. '}
          <button type="button" className="link" onClick={() => set({ infra: isShown ? '' : 'show' })}>
            {isShown ? t('topology.hide') : t('topology.show')}
          </button>
        </>
      ) : null}
    </span>
  )
}

/** Nothing is left out without a word. */
function Folded({ topology }: { readonly topology: Topology }): ReactNode {
  const { folded, cut, from, keptSince } = topology
  const said = [
    ...(folded.workloads > 0
      ? [t('topology.foldedWorkloads', { count: folded.workloads, n: count(folded.workloads) })]
      : []),
    ...(folded.edges > 0
      ? [t('topology.folded', { count: folded.edges, n: count(folded.edges), bytes: bytes(folded.bytes) })]
      : []),
    ...(cut ? [t('topology.cut')] : []),
    ...(from < keptSince ? [t('topology.kept', { at: `${day(keptSince)} ${clock(keptSince)}` })] : []),
  ]
  return said.length === 0 ? null : <p className="foot-note qq n">{said.join(' ')}</p>
}

function Nothing({ topology, state, set }: { topology: Topology; state: PageState; set: Set }) {
  return (
    <div className="surface">
      {state.q === '' ? (
        <Empty title={t('topology.silent', { span: t(`topology.spanWords.${state.span}`) })}>
          <p>
            {t('topology.silentHow')}{' '}
            <button type="button" className="link" onClick={() => set({ from: '-24h' })}>
              {t('topology.longer')}
            </button>
          </p>
        </Empty>
      ) : (
        <Empty title={t('topology.noMatch', { q: state.q })}>
          <p>{t('topology.noMatchHow', { n: count(topology.workloads) })}</p>
          <p>
            <button type="button" className="link" onClick={() => set({ q: '' })}>
              {t('topology.clear')}
            </button>
          </p>
        </Empty>
      )}
    </div>
  )
}

function FirstRun() {
  return (
    <div className="surface" style={{ marginTop: 22 }}>
      <Empty title={t('topology.first')}>
        <p>{t('topology.firstHow')}</p>
        <CopyCommand command="sudo bin/guise lab up" />
        <p style={{ marginTop: 14 }}>{t('topology.firstOwn')}</p>
        <CopyCommand command="sudo bin/guise agent" />
        <Preview />
      </Empty>
    </div>
  )
}

/** A picture of what will stand here. */
function Preview() {
  return (
    <svg className="map-preview" width="320" height="120" viewBox="0 0 320 120" aria-hidden="true">
      {[0, 1, 2].map((i) => (
        <g key={i}>
          <rect x={4 + i * 108} y="4" width="88" height="112" rx="10" className="preview-field" />
          {i === 2 ? null : (
            <path d={`M${66 + i * 108} 60C${96 + i * 108} 50 ${106 + i * 108} 50 ${134 + i * 108} 60`} />
          )}
          <circle cx={48 + i * 108} cy="60" r="16" style={{ stroke: `var(--persona-${i + 1})` }} />
        </g>
      ))}
    </svg>
  )
}
