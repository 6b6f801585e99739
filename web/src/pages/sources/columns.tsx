/** What a row of Sources says, and what can be asked of it. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { useSource } from '../../api/queries.ts'
import { count, duration } from '../../format.ts'
import type { Grammar } from '../../grammar.ts'
import type { SourcePoint, SourceRecord } from '../../nouns.ts'
import type { Column } from '../../parts/columns.ts'
import { Ago, Spark } from '../../parts/marks.tsx'
import { sentence } from '../../sentence.ts'
import { lostShare, shareText } from './loss.ts'

type HostOf = (source: SourceRecord) => string
/** Sorted by what wants a look first. */
const STATES = ['failed', 'behind', 'silent', 'live'] as const

export function sourceColumns(hostOf: HostOf): readonly Column<SourceRecord>[] {
  return [
    {
      name: 'source',
      title: t('sources.column.source'),
      value: (s) => s.name,
      cell: (s) => (
        <>
          <b className="name cut">{s.name}</b>
          {s.why === '' ? null : (
            <span className={s.state === 'live' ? 'sub cut' : 'sub cut warn'} title={s.why}>
              {sentence(s.why)}
            </span>
          )}
        </>
      ),
    },
    {
      name: 'agent',
      title: t('sources.column.agent'),
      width: 116,
      value: hostOf,
      cell: (s) => <span className="q cut block">{hostOf(s)}</span>,
    },
    {
      name: 'kind',
      minor: true,
      title: t('sources.column.kind'),
      width: 92,
      value: (s) => s.kind,
      cell: (s) => <span className="q">{t(`sources.kind.${s.kind}`)}</span>,
    },
    {
      name: 'state',
      title: t('sources.column.state'),
      width: 92,
      value: (s) => STATES.indexOf(s.state),
      cell: (s) => <State state={s.state} />,
    },
    { name: 'trend', minor: true, title: t('sources.column.trend'), width: 96, cell: (s) => <Trend id={s.id} /> },
    {
      name: 'rate',
      title: t('sources.column.rate'),
      width: 76,
      num: true,
      value: (s) => s.flowsPerSecond,
      cell: (s) => count(s.flowsPerSecond),
    },
    {
      name: 'lost',
      title: t('sources.column.lost'),
      width: 84,
      num: true,
      value: lostShare,
      cell: (s) => <Lost source={s} />,
    },
    {
      name: 'refused',
      minor: true,
      title: t('sources.column.refused'),
      width: 80,
      num: true,
      value: (s) => s.refused,
      cell: (s) => <Zero n={s.refused} />,
    },
    {
      name: 'lag',
      minor: true,
      title: t('sources.column.lag'),
      width: 68,
      num: true,
      value: (s) => s.lagMs,
      cell: (s) => <span className="q">{s.lagMs === null ? '' : duration(s.lagMs)}</span>,
    },
    {
      name: 'seen',
      minor: true,
      title: t('sources.column.seen'),
      width: 88,
      num: true,
      value: (s) => s.lastSeen,
      cell: (s) => (
        <span className="qq">
          <Ago at={s.lastSeen} />
        </span>
      ),
    },
  ]
}

/** Its own question to the server, asked only for rows that are drawn. */
function Trend({ id }: { readonly id: string }) {
  const history = useSource(id).data?.history
  return <Spark values={everyFour(history ?? [])} />
}

/** Two minutes a point: seventy-six pixels have no room for more. */
function everyFour(history: readonly SourcePoint[]): readonly number[] {
  const whole = history.slice(0, Math.floor((history.length - 1) / 4) * 4)
  return Array.from({ length: Math.max(0, whole.length / 4) }, (_, i) =>
    whole.slice(i * 4, i * 4 + 4).reduce((sum, point) => sum + point.flows, 0),
  )
}

export function State({ state }: Pick<SourceRecord, 'state'>) {
  return (
    <span className="source-state" data-state={state}>
      <i aria-hidden="true" />
      {t(`sources.state.${state}`)}
    </span>
  )
}

function Lost({ source }: { readonly source: SourceRecord }) {
  if (source.lost === 0) return <Zero n={0} />
  return <span className={source.lostLately > 0 ? 'warn b' : undefined}>{shareText(lostShare(source))}</span>
}

function Zero({ n }: { readonly n: number }) {
  return <span className={n === 0 ? 'qq' : undefined}>{count(n)}</span>
}

export function sourceLines(s: SourceRecord, host: string): ReactNode {
  return (
    <>
      <span className="l1">
        <b className="name cut">{s.name}</b>
        <State state={s.state} />
      </span>
      <span className="l2">
        <span className="cut">
          {t(`sources.kind.${s.kind}`)} · {host}
        </span>
        <span className="n nw">
          {count(s.flowsPerSecond)}/s,{' '}
          {s.lost === 0 ? t('sources.nothingLost') : t('sources.lostOf', { share: shareText(lostShare(s)) })}
        </span>
      </span>
      {s.why === '' ? null : <span className="l3">{sentence(s.why)}</span>}
    </>
  )
}

export function sourceGrammar(hostOf: HostOf): Grammar<SourceRecord> {
  return {
    words: (s) => [s.name, hostOf(s), s.kind, ...s.exporters.map((e) => e.exporter)],
    fields: {
      kind: (s) => [s.kind],
      state: (s) => [s.state],
      agent: (s) => [hostOf(s), s.agent],
      exporter: (s) => s.exporters.map((e) => e.exporter),
    },
    numbers: { rate: (s) => s.flowsPerSecond, lost: (s) => s.lost, refused: (s) => s.refused, lag: (s) => s.lagMs },
    flags: { losing: (s) => s.lostLately > 0, failed: (s) => s.state === 'failed' },
  }
}
