/** Fleet: is anything wrong, and what needs me. Everything chosen here is in the address. */
import { t } from 'i18next'
import { lazy, type ReactNode, Suspense, useCallback, useMemo, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { useAgents, usePlans, useWorkloads } from '../../api/queries.ts'
import { DEFAULT_SORT, fieldTerm, matches, parseFilter, sortWorkloads, toggleTerm } from '../../filter.ts'
import { count, countWord, probability } from '../../format.ts'
import type { AgentRecord, WorkloadRecord } from '../../nouns.ts'
import { useNow } from '../../parts/now.ts'
import { CopyCommand, Empty, Failed, SkeletonRows } from '../../parts/states.tsx'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { SILENT_AFTER_MS } from '../../shell/shell.tsx'
import { FilterField } from './filter-field.tsx'
import './fleet.css'
import { useHeldOrder } from '../../parts/held-order.ts'
import { NeedList } from './need-list.tsx'
import { findNeeds, type Need } from './needs.ts'
import { Strip } from './strip.tsx'
import { FleetList, FleetTable } from './table.tsx'

const PlanDialog = lazy(() => import('../../parts/plan-dialog.tsx'))

export default function Fleet() {
  const workloads = useWorkloads()
  const agents = useAgents().data ?? []
  const plans = usePlans().data ?? []
  const now = useNow()
  const [plan, setPlan] = useState<string | null>(null)
  const [params, setParams] = useSearchParams()
  const set = useCallback(
    (name: string, value: string, standard = '') =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before)
          if (value === standard) next.delete(name)
          else next.set(name, value)
          return next
        },
        { replace: true },
      ),
    [setParams],
  )
  const q = params.get('q') ?? ''
  const needs = workloads.data === undefined ? [] : findNeeds(workloads.data, plans, agents, now, SILENT_AFTER_MS)
  return (
    <>
      <PageHead
        title={t('nav.fleet')}
        heading={workloads.data === undefined ? t('nav.fleet') : title(workloads.data, needs)}
        lead={workloads.data === undefined ? undefined : lead(workloads.data, agents)}
        crumbs={[{ name: t('nav.fleet') }]}
      />
      {workloads.data === undefined ? (
        <div className="surface" style={{ marginTop: 22 }}>
          {workloads.isError ? (
            <Failed error={workloads.error} retry={() => void workloads.refetch()} what={t('fleet.workloads')} />
          ) : (
            <SkeletonRows rows={12} />
          )}
        </div>
      ) : workloads.data.length === 0 ? (
        <FirstRun />
      ) : (
        <>
          <Strip
            workloads={workloads.data}
            plans={plans}
            agents={agents}
            onPersona={(name) => set('q', toggleTerm(q, name === 'unknown' ? 'abstains' : fieldTerm('persona', name)))}
            onRisk={(from) => set('q', toggleTerm(q, `risk>=${from}`))}
          />
          <NeedList needs={needs} onPlan={setPlan} />
          <Workloads all={workloads.data} agents={agents} params={params} set={set} />
        </>
      )}
      <Suspense>{plan === null ? null : <PlanDialog id={plan} onClose={() => setPlan(null)} />}</Suspense>
    </>
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
  if (all.length > believed) parts.push(t('fleet.abstain', { count: all.length - believed }))
  if (equal > 0) parts.push(t('fleet.equal', { count: agents.length, equal }))
  return parts.join(' ')
}

function FirstRun() {
  return (
    <div className="surface" style={{ marginTop: 22 }}>
      <Empty title={t('fleet.firstRun')}>
        <p>{t('fleet.firstRunHow')}</p>
        <CopyCommand command="sudo bin/guise lab up" />
        <p style={{ marginTop: 14 }}>{t('fleet.firstRunOwn')}</p>
        <CopyCommand command="sudo bin/guise agent" />
        <Preview />
      </Empty>
    </div>
  )
}

/** A picture of what will stand here. */
function Preview() {
  return (
    <div className="preview" aria-hidden="true">
      {[0.7, 0.55, 0.85].map((width, i) => (
        <div key={width}>
          <span className="skeleton" style={{ width: 90 }} />
          <span className="swatch" style={{ background: `var(--persona-${i + 1})` }} />
          <span className="skeleton" style={{ width: 80 }} />
          <span className="skeleton" style={{ flex: width, background: `var(--persona-${i + 1})` }} />
          <span className="skeleton" style={{ flex: 1 - width }} />
        </div>
      ))}
    </div>
  )
}

type TableProps = {
  readonly all: readonly WorkloadRecord[]
  readonly agents: readonly AgentRecord[]
  readonly params: URLSearchParams
  readonly set: (name: string, value: string, standard?: string) => void
}

function Workloads({ all, agents, params, set }: TableProps): ReactNode {
  const field = useRef<HTMLInputElement>(null)
  const section = useRef<HTMLElement>(null)
  const q = params.get('q') ?? ''
  const sort = params.get('s')
  const hosts = useMemo(() => new Map<string, string>(agents.map((a) => [a.id, a.host])), [agents])
  const hostOf = useCallback((w: WorkloadRecord) => hosts.get(w.agent) ?? w.agent, [hosts])
  const sorted = useMemo(() => {
    const terms = parseFilter(q)
    return sortWorkloads(
      all.filter((w) => matches(terms, w, hostOf(w))),
      sort,
    )
  }, [all, q, sort, hostOf])
  const reading = useCallback(() => {
    const selection = getSelection()
    return (
      section.current?.matches(':hover') === true ||
      section.current?.contains(document.activeElement) === true ||
      (selection !== null && !selection.isCollapsed) ||
      scrollY > 60
    )
  }, [])
  const held = useHeldOrder(sorted, `${q}\n${sort}`, reading)
  useKeys({ '/': () => field.current?.focus() })
  return (
    <section ref={section} aria-labelledby="workloads">
      <div className="section-head">
        <h2 id="workloads">{t('fleet.workloads')}</h2>
        <FilterField ref={field} value={q} onChange={(value) => set('q', value)} label={t('filter.label')} />
        <HeldNote wouldMove={held.wouldMove} fresh={held.fresh} catchUp={held.catchUp} />
      </div>
      {sorted.length === 0 ? (
        <Nothing q={q} all={all} clear={() => set('q', '')} />
      ) : (
        <>
          <FleetTable rows={held.rows} hostOf={hostOf} sort={sort} onSort={(value) => set('s', value, DEFAULT_SORT)} />
          <FleetList rows={held.rows} />
          <p className="foot qq wide">
            <span className="n">
              {q === ''
                ? t('fleet.count', { count: all.length, n: count(all.length) })
                : t('fleet.matching', { n: count(sorted.length), all: count(all.length) })}
            </span>
            <span>
              <kbd>j</kbd> <kbd>k</kbd> {t('keys.move')} <kbd>Enter</kbd> {t('keys.open')} <kbd>w</kbd> {t('keys.why')}{' '}
              <kbd>?</kbd> {t('keys.help')}
            </span>
          </p>
        </>
      )}
    </section>
  )
}

function HeldNote({ wouldMove, fresh, catchUp }: { wouldMove: number; fresh: number; catchUp: () => void }) {
  if (wouldMove === 0 && fresh === 0) return null
  const parts = [
    ...(fresh > 0 ? [t('fleet.fresh', { count: fresh })] : []),
    ...(wouldMove > 0 ? [t('fleet.wouldMove', { count: wouldMove })] : []),
  ]
  return (
    <span className="held qq">
      <span className="wide">{t('fleet.held')} </span>
      <button type="button" className="link" onClick={catchUp}>
        {parts.join(', ')}
      </button>
    </span>
  )
}

function Nothing({ q, all, clear }: { q: string; all: readonly WorkloadRecord[]; clear: () => void }) {
  const nearest = [...all].sort((a, b) => (b.risk?.value ?? 0) - (a.risk?.value ?? 0))[0]
  return (
    <div className="surface">
      <Empty title={t('fleet.noMatch', { q })}>
        {/risk\s*>/.test(q) && nearest?.risk ? (
          <p>{t('fleet.nearest', { risk: probability(nearest.risk.value), name: nearest.report.name })}</p>
        ) : null}
        <p>
          <button type="button" className="link" onClick={clear}>
            {t('filter.clear')}
          </button>
        </p>
      </Empty>
    </div>
  )
}
