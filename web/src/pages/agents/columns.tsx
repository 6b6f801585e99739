/** What a row of Agents says, and what can be asked of it. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { serverNow } from '../../api/client.ts'
import { isSilent } from '../../attention.ts'
import { count } from '../../format.ts'
import type { Grammar } from '../../grammar.ts'
import type { AgentRecord } from '../../nouns.ts'
import type { Column } from '../../parts/columns.ts'
import { Ago } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { droppedBy, type Standing } from './standing.ts'

/** What is known of an agent from elsewhere. */
export type About = {
  readonly standing: (agent: AgentRecord) => Standing
  readonly workloads: (agent: AgentRecord) => number
  readonly sources: (agent: AgentRecord) => number
}
const ORDER: readonly Standing['kind'][] = ['refused', 'behind', 'pending', 'none', 'equal']

export function agentColumns(about: About): readonly Column<AgentRecord>[] {
  return [
    {
      name: 'host',
      title: t('agents.column.host'),
      value: (a) => a.host,
      cell: (a) => (
        <>
          <b className="name cut">{a.host}</b>
          <span className="sub cut">{a.id}</span>
        </>
      ),
    },
    {
      name: 'mode',
      title: t('agents.column.mode'),
      width: 96,
      value: (a) => a.mode,
      cell: (a) => <span className="q">{t(`agents.mode.${a.mode}`)}</span>,
    },
    {
      name: 'touch',
      title: t('agents.column.touch'),
      width: 128,
      value: (a) => a.lastReport,
      cell: (a) => <Touch agent={a} />,
    },
    {
      name: 'generation',
      minor: true,
      title: t('agents.column.generation'),
      width: 136,
      value: (a) => about.standing(a).have,
      cell: (a) => {
        const { have } = about.standing(a)
        return have === null ? (
          <span className="qq">{t('agents.nothing')}</span>
        ) : (
          t('agents.generation', { n: count(have) })
        )
      },
    },
    {
      name: 'equal',
      title: t('agents.column.equal'),
      width: 132,
      value: (a) => ORDER.indexOf(about.standing(a).kind),
      cell: (a) => <Stand standing={about.standing(a)} />,
    },
    {
      name: 'workloads',
      minor: true,
      title: t('agents.column.workloads'),
      width: 96,
      num: true,
      value: about.workloads,
      cell: (a) => count(about.workloads(a)),
    },
    {
      name: 'sources',
      minor: true,
      title: t('agents.column.sources'),
      width: 84,
      num: true,
      value: about.sources,
      cell: (a) => count(about.sources(a)),
    },
    {
      name: 'spool',
      minor: true,
      title: t('agents.column.spool'),
      width: 88,
      num: true,
      value: droppedBy,
      cell: (a) => <span className={droppedBy(a) === 0 ? 'qq' : 'would'}>{count(droppedBy(a))}</span>,
    },
  ]
}

export function Touch({ agent }: { readonly agent: AgentRecord }) {
  const silent = isSilent(agent, useNow(5_000))
  return (
    <span className="touch" data-silent={silent || undefined}>
      <i aria-hidden="true" />
      {silent ? t('agents.no') : t('agents.yes')}
      {silent ? (
        <span className="qq">{agent.lastReport === null ? t('agents.never') : <Ago at={agent.lastReport} />}</span>
      ) : null}
    </span>
  )
}

const GLYPH: Readonly<Record<Standing['kind'], string>> = {
  equal: '=',
  pending: '…',
  behind: '≠',
  refused: '⊘',
  none: '·',
}

export function Stand({ standing }: { readonly standing: Standing }) {
  return (
    <span className="stand" data-kind={standing.kind}>
      <span className="glyph" aria-hidden="true">
        {GLYPH[standing.kind]}
      </span>
      {t(`agents.stand.${standing.kind}`)}
    </span>
  )
}

export function agentLines(a: AgentRecord, about: About): ReactNode {
  const standing = about.standing(a)
  return (
    <>
      <span className="l1">
        <b className="name cut">{a.host}</b>
        <Touch agent={a} />
      </span>
      <span className="l2">
        <span className="cut">
          {t(`agents.mode.${a.mode}`)},{' '}
          {t('agents.workloads', { count: about.workloads(a), n: count(about.workloads(a)) })}
        </span>
        <Stand standing={standing} />
      </span>
    </>
  )
}

export function agentGrammar(about: About): Grammar<AgentRecord> {
  return {
    words: (a) => [a.host, a.id],
    fields: { host: (a) => [a.host], mode: (a) => [a.mode], intent: (a) => [about.standing(a).kind] },
    numbers: { generation: (a) => about.standing(a).have, workloads: about.workloads, dropped: droppedBy },
    flags: {
      silent: (a) => isSilent(a, serverNow()),
      differs: (a) => about.standing(a).kind === 'behind' || about.standing(a).kind === 'refused',
    },
  }
}
