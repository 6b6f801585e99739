/**
 * One plan, small enough for a dialog: what changes, whose timer runs where, who must agree. Confirm, approve and roll
 * back ask the server and say the outcome; what a person may not do stays visible and says why.
 */

import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { type ReactNode, useState } from 'react'
import { isSamePerson } from '../../../src/model/actor.ts'
import { post } from '../api/client.ts'
import { useLive } from '../api/live.ts'
import { plansChanged, useAgents, usePlans, useSession, useWorkloads } from '../api/queries.ts'
import { absolute, clockSeconds, countdown, deadline } from '../format.ts'
import type { PlanRecord, Role } from '../nouns.ts'
import { pendingOn } from '../pages/fleet/needs.ts'
import { personName } from '../person.ts'
import { sentence } from '../sentence.ts'
import { boundWords, heldAs } from './bound.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { PersonaName } from './marks.tsx'
import { useNow } from './now.ts'
import { APPROVERS, OPERATORS } from './rights.ts'
import { Empty } from './states.tsx'
import { useSubmit, Wrong } from './submit.tsx'
import { say } from './toast.tsx'

export type PlanAction = 'confirm' | 'approve' | 'rollback'

export default function PlanDialog({ id, onClose, first }: { id: string; onClose: () => void; first?: PlanAction }) {
  const plan = usePlans().data?.find((p) => p.plan.id === id)
  return (
    <Dialog
      onClose={onClose}
      width={520}
      title={plan === undefined ? t('plan.gone') : t(`plan.title.${plan.plan.direction}`)}
    >
      {plan === undefined ? (
        <Empty title={t('plan.goneWhy')} />
      ) : (
        <PlanBody plan={plan} onClose={onClose} {...(first === undefined ? {} : { first })} />
      )}
    </Dialog>
  )
}

function PlanBody({ plan, onClose, first }: { plan: PlanRecord; onClose: () => void; first?: PlanAction }) {
  const agents = useAgents().data ?? []
  const now = useNow()
  const names = new Map<string, string>((useWorkloads().data ?? []).map((w) => [w.id, w.report.name]))
  const pending = pendingOn(plan, agents)
  return (
    <div className="plan-body">
      {plan.state === 'confirming' && pending.deadline !== null ? (
        <div className="countdown">
          <b className="n" role="timer">
            {countdown(pending.deadline, now)}
          </b>
          <div>
            <p>
              {pending.deadline - now < 15_000
                ? t('plan.undoing', { count: Math.max(0, Math.ceil((pending.deadline - now) / 1_000)) })
                : t('plan.undoes', { at: clockSeconds(pending.deadline) })}
            </p>
            <p className="sub">
              {t('plan.where', { host: pending.hosts.join(', ') })}{' '}
              {pending.probes.all === 0 ? '' : t('needs.probes', pending.probes)}
            </p>
          </div>
        </div>
      ) : (
        <p className="q">
          {t(`shift.${plan.state}`)} · <time title={absolute(plan.updatedAt)}>{clockSeconds(plan.updatedAt)}</time>
        </p>
      )}
      <ul className="steps">
        {plan.plan.steps.map((step) => (
          <li key={step.workload}>
            <b className="name">{names.get(step.workload) ?? step.workload}</b>
            <span className="q">
              {step.from === null || step.from.name === step.to.name ? null : (
                <>
                  <PersonaName name={step.from.name} /> →
                </>
              )}
              <PersonaName name={step.to.name} />
            </span>
            {step.after.containment === null ? null : (
              <span className="sub contained">
                {t(`profile.contained.${heldAs(step.after.containment)}`, {
                  until: deadline(step.after.containment.until, now),
                  bound: boundWords(step.after.containment.limit),
                })}
              </span>
            )}
            <span className="sub">{sentence(step.why[0].text)}</span>
          </li>
        ))}
      </ul>
      <p className="sub">
        {t('plan.blast', { count: plan.plan.blastRadius.workloads })}{' '}
        {t('plan.cuts', { count: plan.plan.blastRadius.conversationsCut })}{' '}
        {t('plan.origin', { by: personName(plan.plan.proposedBy), n: plan.plan.generation.n })}
      </p>
      <Actions plan={plan} onClose={onClose} {...(first === undefined ? {} : { first })} />
    </div>
  )
}

/** Highest role needed; the server judges, this only says it beforehand. */
const NEEDS: Record<PlanAction, readonly Role[]> = { confirm: OPERATORS, approve: APPROVERS, rollback: OPERATORS }

function possible(plan: PlanRecord): PlanAction[] {
  if (plan.state === 'confirming' || plan.state === 'applying') return ['confirm', 'rollback']
  if (plan.state === 'proposed' || plan.state === 'shadowed') return ['approve']
  return plan.state === 'confirmed' ? ['rollback'] : []
}

function Actions({ plan, onClose, first }: { plan: PlanRecord; onClose: () => void; first?: PlanAction }): ReactNode {
  const session = useSession().data
  const live = useLive()
  const client = useQueryClient()
  const [asked, setAsked] = useState<PlanAction | null>(null)
  const { busy, wrong, submit } = useSubmit()
  const releases = plan.state === 'confirmed' && plan.plan.direction === 'containment'
  const act = (action: PlanAction) => {
    setAsked(action)
    return submit(async () => {
      await post(
        `/v1/plans/${encodeURIComponent(plan.plan.id)}/${action}`,
        action === 'rollback' ? { why: t('plan.byHand') } : {},
      )
      say(
        t(releases && action === 'rollback' ? 'plan.done.release' : `plan.done.${action}`, {
          n: plan.plan.generation.n,
        }),
      )
      plansChanged(client)
      onClose()
    })
  }
  const why = (action: PlanAction): string | null => {
    if (live.state === 'reconnecting') return t('plan.offline')
    if (session && !NEEDS[action].includes(session.role)) return t('plan.needsRole', { role: NEEDS[action][0] })
    if (action === 'approve' && session && isSamePerson(plan.plan.proposedBy, session.name)) return t('plan.own')
    return null
  }
  const actions = possible(plan)
  return (
    <>
      {releases ? <p className="sub">{t('plan.releaseNote')}</p> : null}
      <Wrong text={wrong} />
      <div className="buttons">
        {actions.map((action, i) => {
          const disabled = why(action)
          const button = (
            <Button
              key={action}
              variant={i === 0 ? 'filled' : 'default'}
              loading={busy && asked === action}
              data-autofocus={(first ?? actions[0]) === action || undefined}
              disabled={disabled !== null}
              onClick={() => void act(action)}
            >
              {t(releases && action === 'rollback' ? 'plan.release' : `plan.${action}`)}
            </Button>
          )
          return disabled === null ? (
            button
          ) : (
            <span key={action} className="disabled-why">
              {button}
              <span className="sub">{disabled}</span>
            </span>
          )
        })}
      </div>
    </>
  )
}
