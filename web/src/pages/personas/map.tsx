/** The map of who behaves alike: personas as regions, workloads as dots, strangers as rings, proposals outlined; or a table. */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import { type KeyboardEvent, type ReactNode, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { MapAxis, MapWorkload, PersonaMap } from '../../../../src/model/persona-map.ts'
import { get } from '../../api/client.ts'
import { count, probability } from '../../format.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { PersonaName } from '../../parts/marks.tsx'
import { PlainTable } from '../../parts/plain-table.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { Empty } from '../../parts/states.tsx'
import { TableToggle } from '../../parts/table-toggle.tsx'
import { paths } from '../../paths.ts'
import { monogram } from '../../persona.ts'
import { addWords } from '../../words/words.ts'
import { Picture } from './map-picture.tsx'
import { type Way, walk } from './map-plane.ts'
import { mapWords } from './map-words.ts'
import './map.css'

addWords(mapWords)

/** Rows of the table: more than a person reads. */
const MOST_ROWS = 100
const WAYS: Readonly<Record<string, Way>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

export default function MapPanel() {
  const asked = useQuery({
    queryKey: ['persona-map'],
    queryFn: ({ signal }) => get<PersonaMap>('/v1/persona-map', signal),
    refetchInterval: 30_000,
  })
  const [isTable, setTable] = useState(false)
  return (
    <section className="surface persona-map" aria-labelledby="map-title">
      <div className="panel-head">
        <h2 id="map-title">{t('personaMap.title')}</h2>
        {asked.data === undefined ? null : <span className="q">{standing(asked.data)}</span>}
        <TableToggle isTable={isTable} onToggle={setTable} chart={t('personaMap.asChart')} />
      </div>
      <Loaded query={asked} what={t('personaMap.what')}>
        {(map) => (isTable ? <Table map={map} /> : <Chart map={map} />)}
      </Loaded>
    </section>
  )
}

function standing({ workloads, quiet }: PersonaMap): string {
  const strays = workloads.filter(({ stray }) => stray).length
  const said = [t('personaMap.placed', { count: workloads.length })]
  if (strays > 0) said.push(t('personaMap.strays', { count: strays }))
  if (quiet > 0) said.push(t('personaMap.quiet', { count: quiet }))
  return said.join(' · ')
}

function Chart({ map }: { readonly map: PersonaMap }) {
  const go = useNavigate()
  const [lit, setLit] = useState<string | null>(null)
  const one = map.workloads.find(({ id }) => id === lit)
  const onKeyDown = (event: KeyboardEvent) => {
    const way = WAYS[event.key]
    if (event.key === 'Enter' && one !== undefined) go(paths.workload(one.id))
    if (event.key === 'Escape') setLit(null)
    if (way === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    setLit(walk(map.workloads, one, way)?.id ?? null)
  }
  const [across, up] = map.axes
  return (
    <div className="map-columns">
      <div className="map-plot">
        <p className="map-end">{end('↑', up.more)}</p>
        <section
          // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys walk its dots
          tabIndex={0}
          aria-label={t('personaMap.walk')}
          className="map-box"
          onKeyDown={onKeyDown}
        >
          <Picture map={map} lit={one ?? null} onLight={setLit} onOpen={(id) => go(paths.workload(id))} />
        </section>
        <p className="map-end">{end('↓', up.less)}</p>
        <div className="map-ends">
          <p>{end('←', across.less)}</p>
          <p>{end('→', across.more)}</p>
        </div>
      </div>
      <div className="map-side">
        <div className="map-readout" aria-live="polite">
          {one === undefined ? <p className="q">{nobody(map)}</p> : <About one={one} />}
        </div>
        <Proposed map={map} />
        <ul className="map-key">
          {KINDS.map((kind) => (
            <li key={kind}>
              <svg width="12" height="12" aria-hidden="true" className="map-mark">
                <circle className={kind} cx="6" cy="6" r={kind === 'stray' ? 4.5 : 4} />
              </svg>
              {t(`personaMap.key.${kind}`)}
            </li>
          ))}
        </ul>
        <p className="map-key monograms" aria-hidden="true">
          {map.known.map(({ persona }) => (
            <span key={persona}>
              <b>{monogram(persona)}</b> {persona}
            </span>
          ))}
        </p>
        <p className="map-key">{t('personaMap.share', { share: percent(shareOf(map.axes)) })}</p>
      </div>
    </div>
  )
}

const KINDS = ['believed', 'unsure', 'stray'] as const
const percent = (x: number) => `${Math.round(x * 100)} %`
const shareOf = ([a, b]: readonly [MapAxis, MapAxis]) => a.share + b.share

function end(arrow: string, words: readonly string[]): ReactNode {
  if (words.length === 0) return null
  return (
    <>
      <span aria-hidden="true">{arrow}</span> {t('personaMap.more', { list: words.join(', ') })}
    </>
  )
}

function nobody({ workloads }: PersonaMap): string {
  return workloads.length === 0 ? t('personaMap.none') : t('personaMap.hint')
}

function About({ one }: { readonly one: MapWorkload }) {
  return (
    <>
      <p>
        <Link className="link" to={paths.workload(one.id)}>
          <b className="name">{one.name}</b>
        </Link>
      </p>
      <Believed one={one} />
    </>
  )
}

function Believed({ one }: { readonly one: MapWorkload }) {
  if (one.likeliest === null) return <p>{t('personaMap.unbelieved')}</p>
  const nobody = t('personaMap.unknownIs', { p: probability(one.unknown) })
  const most = (
    <>
      <PersonaName name={one.likeliest} /> <span className="n">{probability(one.p)}</span>
    </>
  )
  if (one.stray)
    return (
      <>
        <p>{nobody}</p>
        <p className="q">
          {t('personaMap.next')} {most}
        </p>
      </>
    )
  return (
    <>
      <p>
        {most}
        {one.believed === null ? <span className="q"> {t('personaMap.unsure')}</span> : null}
      </p>
      <p className="q">{nobody}</p>
    </>
  )
}

/** In the inbox above: where a person's word is. */
function show(id: string): void {
  const row = document.getElementById(`proposal-${id}`)
  row?.scrollIntoView({ block: 'center' })
  row?.focus({ preventScroll: true })
}

function Proposed({ map }: { readonly map: PersonaMap }) {
  if (map.proposals.length === 0) return null
  return (
    <div>
      <h3>{t('personaMap.proposed')}</h3>
      <ul>
        {map.proposals.map(({ id, name, workloads }) => (
          <li key={id}>
            <button type="button" className="link" onClick={() => show(id)}>
              {name}
            </button>{' '}
            <span className="q">{t('personaMap.on', { count: workloads.length })}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Table({ map }: { readonly map: PersonaMap }) {
  const { workloads, proposals } = map
  if (workloads.length === 0) return <Empty title={t('personaMap.none')} />
  const proposed = new Map(proposals.flatMap(({ name, workloads: own }) => own.map((id) => [id, name] as const)))
  return (
    <ScrollBox className="scroll-x map-table" label={t('personaMap.table')}>
      <PlainTable
        rows={workloads.slice(0, MOST_ROWS)}
        keyOf={({ id }) => id}
        columns={[
          {
            title: t('personaMap.workload'),
            head: true,
            cell: ({ id, name }) => (
              <Link className="link quiet-link" to={paths.workload(id)}>
                {name}
              </Link>
            ),
          },
          { title: t('personaMap.likeliest'), cell: likeliest },
          { title: t('personaMap.p'), num: true, cell: ({ p }) => probability(p) },
          { title: t('personaMap.unknown'), num: true, cell: ({ unknown }) => probability(unknown) },
          { title: t('personaMap.proposed'), cell: ({ id }) => proposed.get(id) ?? '–' },
        ]}
      />
      {workloads.length > MOST_ROWS ? (
        <p className="q">{t('personaMap.rest', { n: count(workloads.length - MOST_ROWS + map.more) })}</p>
      ) : null}
    </ScrollBox>
  )
}

function likeliest({ stray, likeliest: name }: MapWorkload): ReactNode {
  if (stray) return t('personaMap.nobody')
  return name === null ? '–' : <PersonaName name={name} />
}
