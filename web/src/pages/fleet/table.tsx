/** What a row of the fleet says: who it is, what it wears, what is believed of it, its risk and why. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Traffic } from '../../api/queries.ts'
import { clock, probability, rate } from '../../format.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import type { Column } from '../../parts/columns.ts'
import { Ago, beliefLabel, beliefShares, PersonaName, RiskMark, Shares, Spark } from '../../parts/marks.tsx'
import { paths, query } from '../../paths.ts'
import { sentence } from '../../sentence.ts'
import { strongest } from './needs.ts'

export const DEFAULT_SORT = '-risk'
const NONE: readonly number[] = []

/** `traffic`: bytes per second of the last ten minutes by workload. */
export function fleetColumns(
  hostOf: (w: WorkloadRecord) => string,
  traffic: Traffic,
): readonly Column<WorkloadRecord>[] {
  return [
    {
      name: 'name',
      title: t('column.workload'),
      width: 152,
      value: (w) => w.report.name,
      cell: (w) => (
        <>
          <b className="name cut">{w.report.name}</b>
          <span className="sub cut">{placeOf(w, hostOf(w))}</span>
        </>
      ),
    },
    {
      name: 'wears',
      title: t('column.wears'),
      width: 204,
      value: (w) => w.worn?.name ?? null,
      cell: (w) => (
        <>
          <Wears workload={w} />
          {w.containedUntil === null ? null : (
            <span className="sub contained">{t('fleet.containedUntil', { at: clock(w.containedUntil) })}</span>
          )}
        </>
      ),
    },
    {
      name: 'belief',
      title: t('column.belief'),
      width: 176,
      value: (w) => w.belief?.personas[0]?.p ?? null,
      cell: (w) => <BeliefCell workload={w} />,
    },
    {
      name: 'risk',
      title: t('column.risk'),
      width: 112,
      value: (w) => w.risk?.value ?? null,
      cell: (w) => (
        <Link to={`${paths.workload(w.id)}${query({ why: 'risk' })}`} tabIndex={-1} title={t('fleet.seeWhy')}>
          <RiskMark value={w.risk?.value ?? null} />
        </Link>
      ),
    },
    {
      name: 'reason',
      title: t('column.reason'),
      cell: (w) => <Because why={strongest(w)} />,
    },
    {
      name: 'traffic',
      title: t('column.traffic'),
      width: 92,
      cell: (w) => <Spark values={traffic.get(w.id) ?? NONE} />,
    },
    {
      name: 'rate',
      title: t('column.now'),
      width: 84,
      num: true,
      value: (w) => w.rate.out + w.rate.in,
      cell: (w) => <span className="q">{rate(w.rate.out + w.rate.in)}</span>,
    },
    {
      name: 'since',
      title: t('column.shifted'),
      width: 76,
      num: true,
      value: (w) => w.wornSince,
      cell: (w) => (
        <span className="qq">
          <Ago at={w.wornSince} />
        </span>
      ),
    },
  ]
}

function Because({ why }: { readonly why: string | null }) {
  if (why === null) return <span className="vh">{t('fleet.noReason')}</span>
  return (
    <span className="two-lines q" title={why}>
      {sentence(why)}
    </span>
  )
}

function Wears({ workload: { worn, assigned } }: { readonly workload: WorkloadRecord }) {
  if (worn !== null) return <PersonaName name={worn.name} version={worn.version} />
  if (assigned === null) return <span className="qq">{t('fleet.nothingWorn')}</span>
  return (
    <>
      <PersonaName name={assigned.name} version={assigned.version} />
      <span className="sub">{t('fleet.notWorn')}</span>
    </>
  )
}

function BeliefCell({ workload: w }: { readonly workload: WorkloadRecord }): ReactNode {
  if (w.belief === null) return <span className="qq">{t('fleet.notSeen')}</span>
  const top = w.belief.personas[0]
  return (
    <span className="belief">
      <Shares shares={beliefShares(w.belief)} label={beliefLabel(w.belief)} />
      <span className="n qq">{w.belief.believed === null ? t('fleet.abstains') : probability(top?.p ?? 0)}</span>
    </span>
  )
}

function placeOf(w: WorkloadRecord, host: string): string {
  const app = w.report.labels.app ?? w.report.labels.role ?? w.report.addresses[0] ?? w.report.kind
  return `${app} · ${host}`
}

/** Small screens: two lines a workload, the same facts. */
export function fleetLines(w: WorkloadRecord): ReactNode {
  const why = strongest(w)
  const wears = w.worn ?? w.assigned
  return (
    <>
      <span className="l1">
        <b className="name cut">{w.report.name}</b>
        <RiskMark value={w.risk?.value ?? null} />
      </span>
      <span className="l2">
        {wears === null ? <span>{t('fleet.nothingWorn')}</span> : <PersonaName name={wears.name} />}
        <span className="l2b">
          {w.belief === null ? null : <Shares shares={beliefShares(w.belief)} label={beliefLabel(w.belief)} />}
        </span>
      </span>
      {why === null ? null : <span className="l3">{sentence(why)}</span>}
    </>
  )
}

/** What of a row is worth a tint when it changes: the persona, worn or believed. */
export function fleetTint(w: WorkloadRecord): string {
  return `${w.worn?.name} ${w.belief?.believed}`
}
