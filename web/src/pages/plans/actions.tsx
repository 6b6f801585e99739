/** What a person can do to a plan now: buttons with their keys, a reason beside each that cannot be pressed, one question before each. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { useNavigate } from 'react-router'
import { post } from '../../api/client.ts'
import { plansChanged, useSession } from '../../api/queries.ts'
import type { PlanPreview, PlanSummary } from '../../nouns.ts'
import { HinderedButton, LinkButton } from '../../parts/button.tsx'
import { ReasonField } from '../../parts/reason-field.tsx'
import { APPROVERS, OPERATORS, useHindrance } from '../../parts/rights.ts'
import { say } from '../../parts/toast.tsx'
import { paths } from '../../paths.ts'
import { personName } from '../../person.ts'
import { useKeys } from '../../shell/keys.ts'
import type { Probe, Timer } from './timer.ts'

const ConfirmDialog = lazy(() => import('../../parts/confirm-dialog.tsx'))

type Action = 'confirm' | 'approve' | 'rollback'
/** What the same request is called: taking back what runs, what is in force, or a containment. */
type Way = 'confirm' | 'approve' | 'rollback' | 'undo' | 'release'

function waysOf({ state, direction }: PlanPreview): readonly Way[] {
  if (state === 'applying' || state === 'confirming') return ['confirm', 'rollback']
  if (state === 'proposed' || state === 'shadowed') return ['approve']
  if (state === 'confirmed') return [direction === 'containment' ? 'release' : 'undo']
  return []
}
/** It was in force and another one is now: there is a way back to it. */
const isPast = ({ state, generation, in_force }: PlanPreview) =>
  state === 'confirmed' && in_force !== null && in_force > generation
const ACTION = {
  confirm: 'confirm',
  approve: 'approve',
  rollback: 'rollback',
  undo: 'rollback',
  release: 'rollback',
} as const satisfies Record<Way, Action>

export function Actions({
  plan,
  timer,
  probes,
}: {
  readonly plan: PlanPreview
  readonly timer: Timer | null
  readonly probes: readonly Probe[]
}): ReactNode {
  const [asking, setAsking] = useState<Way | null>(null)
  const hindrances = useHindrances(plan)
  const ways = waysOf(plan)
  const ask = (way: Way | undefined) => () => {
    if (way !== undefined && hindrances(way) === null) setAsking(way)
  }
  useKeys({
    c: ask(ways.find((way) => way === 'confirm' || way === 'approve')),
    r: ask(ways.find((way) => ACTION[way] === 'rollback')),
  })
  if (ways.length === 0) return null
  const reasons = new Set(ways.map(hindrances))
  // One reason for all is said once.
  const shared = ways.length > 1 && reasons.size === 1 ? hindrances(ways[0]!) : null
  return (
    <>
      <div className="plan-buttons">
        {ways.map((way) => (
          <ActionButton key={way} way={way} hindrance={hindrances(way)} shared={shared !== null} onClick={ask(way)} />
        ))}
        {isPast(plan) ? (
          <LinkButton variant="default" to={paths.planBack(plan.generation)}>
            {t('planPage.act.back', { n: plan.generation })}
          </LinkButton>
        ) : null}
      </div>
      {shared === null ? null : (
        <p className="sub plan-hindrance" id={SHARED}>
          {shared}
        </p>
      )}
      {asking === null ? null : (
        <Suspense>
          <Asking
            plan={plan}
            timer={timer}
            probes={probes}
            way={asking}
            hindrance={hindrances(asking)}
            onClose={() => setAsking(null)}
          />
        </Suspense>
      )}
    </>
  )
}

const SHARED = 'why-not'

function ActionButton(props: { way: Way; hindrance: string | null; shared: boolean; onClick: () => void }) {
  const { way, hindrance, shared } = props
  const isFirst = way === 'confirm' || way === 'approve'
  return (
    <HinderedButton
      variant={isFirst ? 'filled' : 'default'}
      hindrance={hindrance}
      toldBy={shared ? SHARED : undefined}
      aria-keyshortcuts={isFirst ? 'c' : 'r'}
      onClick={props.onClick}
    >
      {t(`planPage.act.${way}`)}{' '}
      <span aria-hidden="true">
        <kbd>{isFirst ? 'C' : 'R'}</kbd>
      </span>
    </HinderedButton>
  )
}

function useHindrances(plan: PlanPreview): (way: Way) => string | null {
  const session = useSession().data
  const operators = useHindrance(OPERATORS)
  const approvers = useHindrance(APPROVERS)
  const me = session?.name ?? ''
  return (way) => {
    if (way !== 'approve')
      return operators ?? (way === 'confirm' && plan.state === 'applying' ? t('planPage.notYet') : null)
    if (personName(plan.proposed_by) === me) return t('planPage.own')
    if (plan.approvals.some((one) => personName(one.by) === me)) return t('planPage.twice')
    return approvers
  }
}

function Asking(props: {
  readonly plan: PlanPreview
  readonly timer: Timer | null
  readonly probes: readonly Probe[]
  readonly way: Way
  readonly hindrance: string | null
  readonly onClose: () => void
}) {
  const { plan, timer, probes, way } = props
  const client = useQueryClient()
  const go = useNavigate()
  const [note, setNote] = useState('')
  const host = timer?.hosts.join(', ') ?? ''
  const before =
    plan.from_generation === null
      ? t('planPage.timer.beforeNone')
      : t('planPage.timer.before', { n: plan.from_generation })
  const act = async () => {
    const body = way === 'confirm' ? {} : way === 'approve' ? { note } : { why: t('planPage.done.byHand') }
    const answer = await post<PlanSummary>(`/v1/plans/${encodeURIComponent(plan.id)}/${ACTION[way]}`, body)
    say(t(`planPage.done.${way}`, { n: answer.plan.generation.n }))
    plansChanged(client)
    if (answer.plan.id !== plan.id) void go(paths.plan(answer.plan.id))
  }
  const words = { n: plan.generation, title: plan.title, host, before, words: plan.approval_words }
  const waiting = probes.filter((probe) => !probe.ok).map((probe) => probe.name)
  const last = plan.approvals_needed - plan.approvals.length <= 1
  return (
    <ConfirmDialog
      title={t(`planPage.dialog.${way}.title`, words)}
      verb={t(`planPage.dialog.${way}.verb`)}
      hindrance={props.hindrance}
      act={act}
      onClose={props.onClose}
    >
      <p>{t(`planPage.dialog.${way}.says`, words)}</p>
      {way === 'confirm' && waiting.length > 0 ? (
        <p className="warn">{t('planPage.dialog.confirm.open', { probes: waiting.join(', ') })}</p>
      ) : null}
      {way === 'approve' ? (
        <>
          <p>{t(last ? 'planPage.dialog.approve.next' : 'planPage.dialog.approve.more')}</p>
          <ReasonField label={t('planPage.dialog.approve.note')} value={note} onWrite={setNote} />
        </>
      ) : null}
    </ConfirmDialog>
  )
}
