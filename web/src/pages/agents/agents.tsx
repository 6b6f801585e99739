/** Agents: is every host in touch, and equal to intent. */
import { t } from 'i18next'
import { useMemo } from 'react'
import { useAgents, usePlans, useSources, useWorkloads } from '../../api/queries.ts'
import { isSilent } from '../../attention.ts'
import { count, countWord } from '../../format.ts'
import type { AgentRecord } from '../../nouns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import { Preview } from '../../parts/preview.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './agents.css'
import { type About, agentColumns, agentGrammar, agentLines } from './columns.tsx'
import { AgentPeek } from './peek.tsx'
import { standingOf } from './standing.ts'
import { words } from './words.ts'

addWords(words)

export default function Agents() {
  const agents = useAgents()
  const about = useAbout()
  const now = useNow(5_000)
  const columns = useMemo(() => agentColumns(about), [about])
  const grammar = useMemo(() => agentGrammar(about), [about])
  const all = agents.data
  return (
    <>
      <PageHead
        title={t('nav.agents')}
        heading={all === undefined ? t('nav.agents') : heading(all, about, now)}
        lead={all === undefined || all.length === 0 ? undefined : lead(all, about)}
        crumbs={[{ name: t('nav.agents') }]}
      />
      <Loaded query={agents} what={t('agents.list')} rows={6}>
        {(rows) => (
          <Listing
            name="agents"
            title={t('agents.title')}
            rows={rows}
            columns={columns}
            sort="host"
            grammar={grammar}
            placeholder={t('agents.placeholder')}
            nearest={(a) => a.host}
            lines={(a) => agentLines(a, about)}
            tint={(a) => `${a.mode} ${a.applied?.state}`}
            minWidth={860}
            opens={{
              kind: 'peek',
              peek: { title: (a) => a.host, body: (a) => <AgentPeek key={a.id} agent={a} about={about} /> },
            }}
            firstRun={<FirstRun />}
          />
        )}
      </Loaded>
    </>
  )
}

/** Counted once for all rows, not once per row. */
function useAbout(): About {
  const plans = usePlans().data
  const workloads = useWorkloads().data
  const sources = useSources().data
  return useMemo(() => {
    const perAgent = (rows: readonly { readonly agent: string }[] | undefined) => {
      const counts = new Map<string, number>()
      for (const { agent } of rows ?? []) counts.set(agent, (counts.get(agent) ?? 0) + 1)
      return (agent: AgentRecord) => counts.get(agent.id) ?? 0
    }
    return {
      standing: (agent) => standingOf(agent, plans ?? []),
      workloads: perAgent(workloads),
      sources: perAgent(sources),
    }
  }, [plans, workloads, sources])
}

function heading(all: readonly AgentRecord[], about: About, now: number): string {
  if (all.length === 0) return t('agents.none')
  const silent = all.filter((a) => isSilent(a, now)).length
  const differ = all.filter((a) => ['behind', 'refused'].includes(about.standing(a).kind)).length
  const parts = [t('agents.heading', { count: all.length, n: count(all.length) })]
  if (silent > 0) parts.push(t('agents.silent', { count: silent, n: countWord(silent) }))
  if (differ > 0) parts.push(t('agents.differs', { count: differ, n: countWord(differ) }))
  const trial = all.filter((a) => about.standing(a).kind === 'pending').length
  if (trial > 0) parts.push(t('agents.trial', { count: trial, n: countWord(trial) }))
  if (silent + differ + trial === 0) parts.push(t('agents.allWell'))
  return parts.join(' ')
}

function lead(all: readonly AgentRecord[], about: About): string {
  const n = all.reduce((sum, agent) => sum + about.workloads(agent), 0)
  return t('agents.lead', { count: all.length, n: count(n) })
}

function FirstRun() {
  return (
    <Empty title={t('agents.firstRun')}>
      <p>{t('agents.firstRunHow')}</p>
      <CopyCommand command="sudo bin/guise agent" />
      <p style={{ marginTop: 14 }}>{t('agents.firstRunOther')}</p>
      <CopyCommand command="bin/guise token create --role agent --enrol --host NAME" />
      <Preview />
    </Empty>
  )
}
