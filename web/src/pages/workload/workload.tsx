/** One workload: who it is believed to be, how far it is trusted and why, with whom it speaks, what it wears. */

import { t } from 'i18next'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import { Link, useNavigate, useParams, useSearchParams } from 'react-router'
import { ProblemError } from '../../api/client.ts'
import { useLive } from '../../api/live.ts'
import {
  useAgents,
  useConversations,
  useFlowWhy,
  usePlans,
  useRules,
  useSession,
  useShifts,
  useWorkload,
} from '../../api/queries.ts'
import { ForecastPanel } from '../../forecast/panel.tsx'
import { count, countdown, deadline, plain, probability, signed } from '../../format.ts'
import type { PlanRecord, WorkloadRecord } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { GateLine } from '../../parts/gate-line.tsx'
import { Waiting } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import type { PlanAction } from '../../parts/plan-dialog.tsx'
import { copy, Failed } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { paths, query } from '../../paths.ts'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { containmentOf, endingShift, pendingOn } from '../fleet/needs.ts'
import { Conversations } from './conversations.tsx'
import { DriftPanel } from './drift-panel.tsx'
import { numberTerms } from './evidence.ts'
import { FeaturesPanel } from './features-panel.tsx'
import { HistoryPanel } from './history-panel.tsx'
import { Panel } from './panel.tsx'
import { answeredFlow, flowKey, listRules } from './rules-words.ts'
import { UsagePanel } from './usage-panel.tsx'
import { beliefSentence, Why } from './why.tsx'
import { words } from './words.ts'
import { Worn } from './worn.tsx'
import './workload.css'

addWords(words)

const PlanDialog = lazy(() => import('../../parts/plan-dialog.tsx'))
const ShiftDialog = lazy(() => import('./shift-dialog.tsx'))

type Tab = 'overview' | 'conversations' | 'rules'
type Open = { readonly kind: 'shift' } | { readonly kind: 'plan'; readonly action: PlanAction } | null

export default function Workload({ tab }: { readonly tab: Tab }) {
  const { id = '' } = useParams()
  const found = useWorkload(id)
  if (found.data === undefined) {
    const gone = found.error instanceof ProblemError && found.error.problem.status === 404
    return (
      <>
        <PageHead
          title={gone ? t('workload.gone') : t('workload.one')}
          heading={gone ? t('workload.gone') : t('workload.one')}
          crumbs={[{ name: t('nav.fleet'), to: paths.fleet() }, { name: id }]}
        />
        <div className="surface" style={{ marginTop: 18 }}>
          {<Waiting query={found} what={t('workload.one')} rows={10} />}
        </div>
      </>
    )
  }
  return <Known key={id} workload={found.data} tab={tab} />
}

/** The newest plan that touches it and is not over. */
function planOf(plans: readonly PlanRecord[], id: string): PlanRecord | null {
  const touching = plans.filter(
    (p) =>
      p.plan.steps.some((step) => step.workload === id) && !['rolled-back', 'expired', 'refused'].includes(p.state),
  )
  return [...touching].sort((a, b) => b.plan.generation.n - a.plan.generation.n)[0] ?? null
}

function Known({ workload: w, tab }: { readonly workload: WorkloadRecord; readonly tab: Tab }) {
  const rules = useRules(w.id)
  const conversations = useConversations(w.id)
  const plans = usePlans().data ?? []
  const newest = planOf(plans, w.id)
  const cut = w.containedUntil === null ? null : containmentOf(plans, w.id)
  const plan = newest !== null && newest.state !== 'confirmed' ? newest : (cut ?? newest)
  const host = (useAgents().data ?? []).find((a) => a.id === w.agent)?.host ?? w.agent
  const terms = useMemo(() => numberTerms(w.risk), [w.risk])
  const [lit, setLit] = useState<number | null>(null)
  const [open, setOpen] = useState<Open>(null)
  const [params] = useSearchParams()
  const asked = params.get('why')
  const to = asked?.startsWith('to:') ? asked.slice(3) : null
  const answer = useFlowWhy(w.id, to)
  const flow =
    to === null
      ? (conversations.data?.find((row) => flowKey(row) === asked) ?? null)
      : answer.data === undefined
        ? null
        : answeredFlow(answer.data, w.id, conversations.data ?? [])
  useEffect(() => {
    if (asked !== null) document.getElementById('why-panel')?.focus({ preventScroll: innerWidth > 1100 })
  }, [asked])
  const why = (
    <>
      {answer.isError ? (
        <div className="surface">
          <Failed error={answer.error} retry={() => void answer.refetch()} what={t('workload.answer')} />
        </div>
      ) : null}
      <Why workload={w} terms={terms} rules={rules.data ?? null} plan={plan} flow={flow} lit={lit} onLight={setLit} />
    </>
  )
  const conversationPanel = (most?: number) =>
    conversations.data === undefined ? (
      <Waiting query={conversations} what={t('workload.conversations')} rows={5} />
    ) : (
      <Conversations id={w.id} rows={conversations.data} {...(most === undefined ? {} : { most })} />
    )
  return (
    <>
      <PageHead
        title={w.report.name}
        heading={w.report.name}
        lead={<Lead workload={w} />}
        crumbs={[{ name: t('nav.fleet'), to: paths.fleet() }, { name: w.report.name }]}
        actions={<Actions workload={w} plan={plan} onOpen={setOpen} />}
      />
      <Tags workload={w} host={host} />
      <Tabs
        label={t('workload.tabs')}
        of={[
          { name: 'overview', to: paths.workload(w.id), word: t('workload.tab.overview') },
          {
            name: 'conversations',
            to: paths.conversations(w.id),
            word: t('workload.tab.conversations'),
            n: conversations.data?.length ?? null,
          },
          {
            name: 'rules',
            to: paths.rules(w.id),
            word: t('workload.tab.rules'),
            n: rules.data ? listRules(rules.data).length : null,
          },
        ]}
        chosen={tab}
      />
      {tab === 'overview' ? (
        <div className="columns">
          <div className="left-column">
            <HistoryPanel workload={w} terms={terms} lit={lit} onLight={setLit} />
            <Panel
              id="conversations"
              title={t('workload.conversations')}
              note={t('workload.lastHour')}
              link={
                (conversations.data?.length ?? 0) > 6 ? (
                  <Link className="link quiet-link right" to={paths.conversations(w.id)}>
                    {t('workload.all', { n: count(conversations.data?.length ?? 0) })}
                  </Link>
                ) : null
              }
            >
              {conversationPanel(6)}
              <GateLine shelf="workloads" id={w.id} />
            </Panel>
            <DriftPanel id={w.id} />
            <UsagePanel id={w.id} driver={w.report.driver} />
            <FeaturesPanel id={w.id} />
            <ForecastPanel shelf="workloads" id={w.id} />
            <Worn workload={w} rules={rules} show="first" />
          </div>
          <div className="right-column">{why}</div>
        </div>
      ) : (
        <div className="left-column">
          {tab === 'conversations' ? (
            <Panel id="conversations" title={t('workload.conversations')} note={t('workload.lastHour')}>
              {conversationPanel()}
              <GateLine shelf="workloads" id={w.id} />
            </Panel>
          ) : (
            <Worn workload={w} rules={rules} show="all" />
          )}
        </div>
      )}
      <Suspense>
        {open?.kind === 'shift' ? <ShiftDialog workload={w} onClose={() => setOpen(null)} /> : null}
        {open?.kind === 'plan' && plan !== null ? (
          <PlanDialog id={plan.plan.id} first={open.action} onClose={() => setOpen(null)} />
        ) : null}
      </Suspense>
    </>
  )
}

function Lead({ workload: w }: { readonly workload: WorkloadRecord }) {
  const now = useNow()
  const ends = endingShift(useShifts().data ?? [], w, now)
  const parts = [
    beliefSentence(w),
    w.worn === null
      ? w.assigned === null
        ? t('workload.wearsNothing')
        : t('workload.assignedOnly', { name: w.assigned.name, v: w.assigned.version })
      : ends !== null
        ? t('workload.wearsUntil', { name: w.worn.name, v: w.worn.version, until: deadline(ends, now) })
        : t(w.assigned === null ? 'workload.wears' : 'workload.wearsAssigned', {
            name: w.worn.name,
            v: w.worn.version,
          }),
    w.risk === null ? t('workload.noRisk') : t('workload.riskIs', { risk: probability(w.risk.value) }),
  ]
  if (w.containedUntil !== null && w.containedUntil > now)
    parts.push(t('workload.contained', { until: deadline(w.containedUntil, now) }))
  return parts.join(' ')
}

function Tags({ workload: w, host }: { readonly workload: WorkloadRecord; readonly host: string }) {
  const labels = Object.entries(w.report.labels).slice(0, 6)
  return (
    <ul className="tags" aria-label={t('workload.labels')}>
      {labels.map(([key, value]) => (
        <li key={key}>
          <Link className="tag" to={`${paths.fleet()}${query({ q: `label:${key}=${value}` })}`}>
            {key}: {value}
          </Link>
        </li>
      ))}
      <li className="tag">{t('workload.on', { kind: String(w.report.kind), host })}</li>
      {w.report.addresses.slice(0, 3).map((address) => (
        <li key={address} className="tag n">
          {address}
        </li>
      ))}
    </ul>
  )
}

type ActionsProps = {
  readonly workload: WorkloadRecord
  readonly plan: PlanRecord | null
  readonly onOpen: (open: Open) => void
}

function Actions({ workload: w, plan, onOpen }: ActionsProps) {
  const agents = useAgents().data ?? []
  const session = useSession().data
  const offline = useLive().state === 'reconnecting'
  const now = useNow()
  const navigate = useNavigate()
  const pending = plan?.state === 'confirming' || plan?.state === 'applying' ? plan : null
  const undoable = pending ?? (plan?.state === 'confirmed' ? plan : null)
  const until = pending === null ? null : pendingOn(pending, agents).deadline
  const mayShift = session?.role === 'operator' || session?.role === 'admin'
  const refusal = offline ? t('plan.offline') : mayShift ? null : t('plan.needsRole', { role: 'operator' })
  useKeys({
    w: () => navigate(`${paths.workload(w.id)}${query({ why: 'risk' })}`),
    ...(refusal === null ? { s: () => onOpen({ kind: 'shift' }) } : {}),
    ...(pending === null ? {} : { c: () => onOpen({ kind: 'plan', action: 'confirm' }) }),
    ...(undoable === null ? {} : { r: () => onOpen({ kind: 'plan', action: 'rollback' }) }),
  })
  return (
    <>
      <Button
        variant="default"
        disabled={refusal !== null}
        title={refusal ?? undefined}
        onClick={() => onOpen({ kind: 'shift' })}
      >
        {t('workload.shift')}
      </Button>
      <Button variant="default" className="wide" onClick={() => void copy(explanation(w))}>
        {t('workload.copy')}
      </Button>
      {undoable === null ? null : (
        <Button variant="default" onClick={() => onOpen({ kind: 'plan', action: 'rollback' })}>
          {t(w.containedUntil !== null && pending === null ? 'workload.release' : 'workload.rollback')}
        </Button>
      )}
      {pending === null ? null : (
        <Button onClick={() => onOpen({ kind: 'plan', action: 'confirm' })}>
          {t('workload.confirm')}
          {until === null ? null : <span className="n left-in-button">{countdown(until, now)}</span>}
        </Button>
      )}
    </>
  )
}

/** The same facts as text, for a ticket. */
function explanation(w: WorkloadRecord): string {
  const lines = [`${w.report.name} (${w.report.addresses.join(', ')})`, beliefSentence(w)]
  if (w.worn !== null) lines.push(t('workload.wears', { name: w.worn.name, v: w.worn.version }))
  if (w.risk !== null) {
    const { base, sum, value } = w.risk
    const words = t('why.sum', { base: plain(base), evidence: signed(sum - base), sum: signed(sum) })
    lines.push(`${words} ${probability(value)}`)
    for (const term of w.risk.terms) lines.push(`  ${signed(term.logOdds)} ${term.evidence.kind}: ${term.evidence.why}`)
  }
  return lines.join('\n')
}
