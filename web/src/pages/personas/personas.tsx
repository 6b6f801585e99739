/** Personas: which roles there are, who wears them, who only behaves like one. */
import { t } from 'i18next'
import { lazy, Suspense, useMemo } from 'react'
import { usePersonas, useWorkloads } from '../../api/queries.ts'
import { NEW } from '../../editor/template.ts'
import { count, probability } from '../../format.ts'
import type { Grammar } from '../../grammar.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { LinkButton } from '../../parts/button.tsx'
import type { Column } from '../../parts/columns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Ago, PersonaName, Shares } from '../../parts/marks.tsx'
import { Preview } from '../../parts/preview.tsx'
import { CopyCommand, Empty, SkeletonRows } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './personas.css'
import { type PersonaRow, personaRows } from './wearers.ts'
import { words } from './words.ts'

addWords(words)

const Proposals = lazy(() => import('./proposals.tsx'))
const MapPanel = lazy(() => import('./map.tsx'))

const NOBODY: readonly WorkloadRecord[] = []

export default function Personas() {
  const personas = usePersonas()
  const { data: workloads, isPending } = useWorkloads()
  const rows = useMemo(() => personaRows(personas.data ?? [], workloads ?? []), [personas.data, workloads])
  const worn = rows.filter((row) => row.worn.length > 0).length
  return (
    <>
      <PageHead
        title={t('nav.personas')}
        heading={
          personas.data === undefined || isPending
            ? t('nav.personas')
            : rows.length === 0
              ? t('personas.none')
              : t('personas.heading', { count: rows.length, worn: count(worn) })
        }
        lead={t('personas.lead')}
        crumbs={[{ name: t('nav.personas') }]}
        actions={
          <>
            <LinkButton to={paths.models()} variant="default">
              {t('personas.model')}
            </LinkButton>
            <LinkButton to={paths.persona(NEW)}>{t('personas.make')}</LinkButton>
          </>
        }
      />
      <Suspense>
        <Proposals workloads={workloads ?? NOBODY} />
      </Suspense>
      <Loaded query={personas} what={t('personas.what')}>
        {() =>
          isPending ? (
            <div className="surface">
              <SkeletonRows rows={8} />
            </div>
          ) : (
            <Listing
              name="personas"
              title={t('nav.personas')}
              rows={rows}
              columns={COLUMNS}
              sort="-worn"
              grammar={GRAMMAR}
              placeholder={t('personas.placeholder')}
              nearest={nameOf}
              minWidth={900}
              opens={{ kind: 'page', to: (row) => paths.persona(row.id) }}
              lines={lines}
              firstRun={
                <Empty title={t('personas.none')}>
                  <p>{t('personas.noneWhy')}</p>
                  <CopyCommand command="bin/guise apply persona.yaml" />
                  <Preview />
                </Empty>
              }
            />
          )
        }
      </Loaded>
      <Suspense>
        <MapPanel />
      </Suspense>
    </>
  )
}

const nameOf = (row: PersonaRow): string => row.record.manifest.metadata.name

function tighteningOf({ record }: PersonaRow): number {
  return record.manifest.kind === 'Persona' ? (record.manifest.spec.mitigationRules?.length ?? 0) : 0
}
function isAlarming({ record }: PersonaRow): boolean {
  return record.manifest.kind === 'Persona' && record.manifest.spec.alarming === true
}

function Name({ row }: { readonly row: PersonaRow }) {
  return (
    <>
      <b className="name cut">
        <PersonaName name={nameOf(row)} />
      </b>
      <span className="sub cut">
        {isAlarming(row) ? `${t('personas.alarming')} · ` : ''}
        {row.record.manifest.metadata.description ?? ''}
      </span>
    </>
  )
}

function Worn({ row }: { readonly row: PersonaRow }) {
  const worn = row.worn.length
  return (
    <span className="worn-cell">
      <span className="n">{count(worn)}</span>
      <Bar row={row} />
    </span>
  )
}

/** Its share of the fleet; the rest is empty. */
function Bar({ row }: { readonly row: PersonaRow }) {
  const part = row.fleet === 0 ? 0 : row.worn.length / row.fleet
  return (
    <span className="share-bar">
      <span style={{ width: `${Math.max(part * 100, part > 0 ? 3 : 0)}%` }}>
        <Shares
          shares={[{ name: nameOf(row), value: row.worn.length }]}
          label={t('personas.share', { n: count(row.worn.length), all: count(row.fleet) })}
        />
      </span>
    </span>
  )
}

const COLUMNS: readonly Column<PersonaRow>[] = [
  { name: 'name', title: t('personas.name'), cell: (row) => <Name row={row} />, value: nameOf },
  {
    name: 'worn',
    title: t('personas.wearers'),
    width: 150,
    cell: (row) => <Worn row={row} />,
    value: (row) => row.worn.length,
  },
  {
    name: 'assigned',
    title: t('personas.assigned'),
    width: 86,
    num: true,
    cell: (row) => count(row.assigned),
    value: (row) => row.assigned,
  },
  {
    name: 'believed',
    title: t('personas.believed'),
    width: 100,
    num: true,
    cell: (row) => count(row.believed),
    value: (row) => row.believed,
  },
  {
    name: 'belief',
    title: t('personas.belief'),
    width: 104,
    num: true,
    cell: (row) => (row.belief === null ? <span className="qq">–</span> : probability(row.belief)),
    value: (row) => row.belief,
  },
  {
    name: 'tightens',
    title: t('personas.tightens'),
    width: 90,
    cell: (row) =>
      tighteningOf(row) === 0 ? (
        <span className="qq">{t('personas.never')}</span>
      ) : (
        t('personas.tightensIs', { count: tighteningOf(row) })
      ),
    value: tighteningOf,
  },
  {
    name: 'changed',
    title: t('personas.changed'),
    width: 150,
    cell: (row) => (
      <>
        <Ago at={row.record.updatedAt} /> <span className="qq n">v{row.record.version}</span>
        <span className="sub cut">
          {row.record.builtin && row.record.version === 1
            ? t('personas.builtin')
            : t('personas.by', { name: row.record.updatedBy })}
        </span>
      </>
    ),
    value: (row) => row.record.updatedAt,
  },
]

const GRAMMAR: Grammar<PersonaRow> = {
  words: (row) => [nameOf(row), row.record.manifest.metadata.description ?? ''],
  fields: { by: (row) => [row.record.updatedBy] },
  numbers: {
    worn: (row) => row.worn.length,
    assigned: (row) => row.assigned,
    believed: (row) => row.believed,
    belief: (row) => row.belief,
  },
  flags: { shipped: (row) => row.record.builtin, own: (row) => !row.record.builtin, alarming: isAlarming },
}

function lines(row: PersonaRow) {
  return (
    <>
      <span className="l1">
        <b className="name cut">
          <PersonaName name={nameOf(row)} />
        </b>
        <span className="n">{count(row.worn.length)}</span>
      </span>
      <span className="l2">
        <span className="cut">{row.record.manifest.metadata.description ?? ''}</span>
        <span className="l2b">
          <Bar row={row} />
        </span>
      </span>
    </>
  )
}
