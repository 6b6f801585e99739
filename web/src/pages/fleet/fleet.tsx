/** Fleet: is anything wrong, and what needs me. Everything chosen here is in the address. */
import { t } from 'i18next'
import { lazy, Suspense, useCallback, useDeferredValue, useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import { useAgents, usePlans, useSources, useTraffic, useWorkloads } from '../../api/queries.ts'
import { workloadGrammar } from '../../filter.ts'
import { count, countWord, probability } from '../../format.ts'
import { fieldTerm, toggleTerm } from '../../grammar.ts'
import type { AgentRecord, WorkloadRecord } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { useCalmRows } from '../../parts/calm.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import { Preview } from '../../parts/preview.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { paths, query } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './fleet.css'
import { NeedList } from './need-list.tsx'
import { findNeeds, type Need } from './needs.ts'
import { Strip } from './strip.tsx'
import { DEFAULT_SORT, fleetColumns, fleetLines, fleetTint } from './table.tsx'
import { words } from './words.ts'

addWords(words)

const NONE = [] as const

const PlanDialog = lazy(() => import('../../parts/plan-dialog.tsx'))

export default function Fleet() {
  const workloads = useWorkloads()
  const agents = useAgents().data ?? NONE
  const plans = usePlans().data ?? NONE
  const sources = useSources().data ?? NONE
  const now = useNow(5_000)
  const [plan, setPlan] = useState<string | null>(null)
  const address = useAddress()
  const q = address.get('q')
  const data = useDeferredValue(workloads.data)
  const known = data !== undefined
  const all = useCalmRows(data ?? NONE)
  const needs = useMemo(
    () => findNeeds({ workloads: all, plans, agents, sources }, now),
    [all, plans, agents, sources, now],
  )
  const { set } = address
  const toggle = useCallback((term: string) => set({ q: toggleTerm(q, term) }), [set, q])
  const onPersona = useCallback(
    (name: string) => toggle(name === 'unknown' ? 'abstains' : fieldTerm('persona', name)),
    [toggle],
  )
  const onRisk = useCallback((from: number) => toggle(`risk>=${from}`), [toggle])
  const [heading, says] = useMemo(() => [title(all, needs), lead(all, agents)], [all, needs, agents])
  return (
    <>
      <PageHead
        title={t('nav.fleet')}
        heading={known ? heading : t('nav.fleet')}
        lead={known ? says : undefined}
        crumbs={[{ name: t('nav.fleet') }]}
      />
      <Loaded query={workloads} what={t('fleet.workloads')} rows={12}>
        {(rows) => (
          <>
            {all.length === 0 ? null : (
              <>
                <Strip workloads={all} plans={plans} agents={agents} onPersona={onPersona} onRisk={onRisk} />
                <NeedList needs={needs} onPlan={setPlan} />
              </>
            )}
            <Workloads all={rows} agents={agents} />
          </>
        )}
      </Loaded>
      <Suspense>{plan === null ? null : <PlanDialog id={plan} onClose={() => setPlan(null)} />}</Suspense>
    </>
  )
}

function Workloads({
  all,
  agents,
}: {
  readonly all: readonly WorkloadRecord[]
  readonly agents: readonly AgentRecord[]
}) {
  const navigate = useNavigate()
  const traffic = useTraffic()
  const hosts = useMemo(() => new Map<string, string>(agents.map((a) => [a.id, a.host])), [agents])
  const hostOf = useCallback((w: WorkloadRecord) => hosts.get(w.agent) ?? w.agent, [hosts])
  const columns = useMemo(() => fleetColumns(hostOf, traffic), [hostOf, traffic])
  const grammar = useMemo(() => workloadGrammar(hostOf), [hostOf])
  return (
    <Listing
      name="fleet"
      title={t('fleet.workloads')}
      rows={all}
      columns={columns}
      sort={DEFAULT_SORT}
      grammar={grammar}
      placeholder={t('filter.placeholder')}
      nearest={(w) => `${w.report.name}${w.risk === null ? '' : ` ${probability(w.risk.value)}`}`}
      opens={{ kind: 'page', to: (w) => paths.workload(w.id) }}
      rowKeys={{ w: (w) => void navigate(`${paths.workload(w.id)}${query({ why: 'risk' })}`) }}
      lines={fleetLines}
      tint={fleetTint}
      minWidth={940}
      firstRun={<FirstRun />}
    />
  )
}

function title(all: readonly WorkloadRecord[], needs: readonly Need[]): string {
  const workloads = t('fleet.count', { count: all.length, n: count(all.length) })
  if (all.length === 0) return t('fleet.noneYet')
  return `${workloads} ${needs.length === 0 ? t('fleet.noneNeed') : t('fleet.need', { count: needs.length, word: countWord(needs.length) })}`
}

function lead(all: readonly WorkloadRecord[], agents: readonly AgentRecord[]): string | undefined {
  if (all.length === 0) return undefined
  const believed = all.filter((w) => w.belief !== null && w.belief.believed !== null).length
  const equal = agents.filter((a) => a.applied !== null && a.applied.state === 'confirmed').length
  const parts = [t('fleet.believed', { count: believed, n: count(believed) })]
  if (all.length > believed)
    parts.push(t('fleet.abstain', { count: all.length - believed, n: count(all.length - believed) }))
  if (equal > 0) parts.push(t('fleet.equal', { count: agents.length, equal }))
  return parts.join(' ')
}

function FirstRun() {
  return (
    <Empty title={t('fleet.firstRun')}>
      <p>{t('fleet.firstRunHow')}</p>
      <CopyCommand command="sudo bin/guise lab up" />
      <p style={{ marginTop: 14 }}>{t('fleet.firstRunOwn')}</p>
      <CopyCommand command="sudo bin/guise agent" />
      <Preview />
    </Empty>
  )
}
