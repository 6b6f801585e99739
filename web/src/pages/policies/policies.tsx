/** Policies: what is meant, whom it touches now, whether its own tests pass. */
import { t } from 'i18next'
import { useMemo } from 'react'
import type { PolicyManifest } from '../../../../src/model/manifest.ts'
import type { PolicyState } from '../../../../src/model/preview.ts'
import { usePolicies, usePolicyStates } from '../../editor/questions.ts'
import { count, countWord } from '../../format.ts'
import type { Grammar } from '../../grammar.ts'
import type { ManifestRecord } from '../../nouns.ts'
import { LinkButton } from '../../parts/button.tsx'
import type { Column } from '../../parts/columns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Ago } from '../../parts/marks.tsx'
import { Preview } from '../../parts/preview.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './policies.css'
import { NEW } from '../../editor/template.ts'
import { words } from './words.ts'

addWords(words)

type Row = {
  readonly id: string
  readonly record: ManifestRecord
  readonly spec: PolicyManifest['spec']
  readonly state: PolicyState | undefined
}

export default function Policies() {
  const policies = usePolicies()
  const states = usePolicyStates().data
  const rows = useMemo(() => {
    const byId = new Map((states ?? []).map((one) => [one.id, one]))
    return (policies.data ?? []).flatMap((record): Row[] =>
      record.manifest.kind === 'Policy'
        ? [{ id: record.id, record, spec: record.manifest.spec, state: byId.get(record.id) }]
        : [],
    )
  }, [policies.data, states])
  const enforcing = rows.filter((row) => modeOf(row) === 'enforce').length
  return (
    <>
      <PageHead
        title={t('nav.policies')}
        heading={
          policies.data === undefined
            ? t('nav.policies')
            : rows.length === 0
              ? t('policies.none')
              : t('policies.heading', { count: rows.length, enforcing: countWord(enforcing) })
        }
        lead={t('policies.lead')}
        crumbs={[{ name: t('nav.policies') }]}
        actions={<LinkButton to={paths.policy(NEW)}>{t('policies.make')}</LinkButton>}
      />
      <Loaded query={policies} what={t('policies.what')}>
        {() => (
          <Listing
            name="policies"
            title={t('nav.policies')}
            rows={rows}
            columns={COLUMNS}
            sort="name"
            grammar={GRAMMAR}
            placeholder={t('policies.placeholder')}
            nearest={(row) => row.record.manifest.metadata.name}
            minWidth={980}
            opens={{ kind: 'page', to: (row) => paths.policy(row.id) }}
            lines={lines}
            firstRun={
              <Empty title={t('policies.picture')}>
                <p>{t('policies.noneWhy')}</p>
                <CopyCommand command="bin/guise apply policy.yaml" />
                <Preview />
              </Empty>
            }
          />
        )}
      </Loaded>
    </>
  )
}

function modeOf({ spec }: Row): 'off' | 'observe' | 'suggest' | 'enforce' {
  return spec.mode ?? 'observe'
}
function directionOf({ spec }: Row): 'egress' | 'ingress' | 'both' {
  const directions = new Set(spec.rules.map((rule) => rule.direction))
  return directions.size === 2 ? 'both' : ([...directions][0] ?? 'egress')
}
function testsText({ state }: Row): string {
  if (state === undefined) return ''
  return state.tests === 0 ? t('policies.testsNone') : t('policies.testsPass', state)
}
const isFailing = ({ state }: Row): boolean => state !== undefined && state.passing < state.tests

function Name({ row }: { readonly row: Row }) {
  const { metadata } = row.record.manifest
  return (
    <>
      <b className="name cut">{metadata.name}</b>
      <span className="sub cut">{metadata.description ?? ''}</span>
    </>
  )
}

function Mode({ row }: { readonly row: Row }) {
  const mode = modeOf(row)
  return <span className={mode === 'enforce' ? 'tag mode enforce' : 'tag mode'}>{t(`policies.modes.${mode}`)}</span>
}

function About({ row }: { readonly row: Row }) {
  const { state } = row
  if (state === undefined) return null
  return (
    <>
      <span className="n">{t('policies.aboutIs', { count: state.subjects, n: count(state.subjects) })}</span>
      {state.holds === null ? null : <span className="sub">{t('policies.holds', { n: count(state.holds) })}</span>}
    </>
  )
}

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'name',
    title: t('policies.name'),
    cell: (row) => <Name row={row} />,
    value: (row) => row.record.manifest.metadata.name,
  },
  { name: 'mode', title: t('policies.mode'), width: 96, cell: (row) => <Mode row={row} />, value: modeOf },
  {
    name: 'subjects',
    title: t('policies.about'),
    width: 124,
    cell: (row) => <About row={row} />,
    value: (row) => row.state?.subjects ?? null,
  },
  {
    name: 'rules',
    title: t('policies.rules'),
    width: 70,
    num: true,
    cell: (row) => row.spec.rules.length,
    value: (row) => row.spec.rules.length,
  },
  {
    name: 'direction',
    title: t('policies.direction'),
    width: 92,
    cell: (row) => t(`policies.directions.${directionOf(row)}`),
    value: directionOf,
  },
  {
    name: 'tests',
    title: t('policies.tests'),
    width: 118,
    cell: (row) => <span className={isFailing(row) ? 'failing' : 'q'}>{testsText(row)}</span>,
    value: (row) => (row.state === undefined || row.state.tests === 0 ? null : row.state.passing / row.state.tests),
  },
  {
    name: 'priority',
    title: t('policies.priority'),
    width: 78,
    num: true,
    cell: (row) => row.spec.priority ?? 1000,
    value: (row) => row.spec.priority ?? 1000,
  },
  {
    name: 'changed',
    title: t('policies.changed'),
    width: 168,
    cell: (row) => (
      <>
        <Ago at={row.record.updatedAt} /> <span className="qq n">v{row.record.version}</span>
        <span className="sub cut">
          {row.record.builtin && row.record.version === 1
            ? t('policies.builtin')
            : t('policies.by', { name: row.record.updatedBy })}
        </span>
      </>
    ),
    value: (row) => row.record.updatedAt,
  },
]

const GRAMMAR: Grammar<Row> = {
  words: (row) => [row.record.manifest.metadata.name, row.record.manifest.metadata.description ?? ''],
  fields: {
    mode: (row) => [modeOf(row)],
    direction: (row) => [directionOf(row)],
    persona: ({ spec }) => [
      ...(spec.subjects?.persona === undefined ? [] : [spec.subjects.persona]),
      ...spec.rules.flatMap((rule) => rule.peers.flatMap((peer) => ('persona' in peer ? [peer.persona] : []))),
    ],
    by: (row) => [row.record.updatedBy],
  },
  numbers: { rules: (row) => row.spec.rules.length, about: (row) => row.state?.subjects ?? null },
  flags: { failing: isFailing, shipped: (row) => row.record.builtin, untested: (row) => row.state?.tests === 0 },
}

function lines(row: Row) {
  return (
    <>
      <span className="l1">
        <b className="name cut">{row.record.manifest.metadata.name}</b>
        <Mode row={row} />
      </span>
      <span className="l2">
        <span>
          {row.state === undefined
            ? ''
            : t('policies.aboutIs', { count: row.state.subjects, n: count(row.state.subjects) })}
          {' · '}
          {t('policies.rulesAre', { count: row.spec.rules.length })}
        </span>
        <span className={isFailing(row) ? 'failing' : ''}>{testsText(row)}</span>
      </span>
    </>
  )
}
