/** Beside the diff: who said yes, which agents hold it, why it was made, and what was left out of it. */
import { t } from 'i18next'
import { Link } from 'react-router'
import { deadline } from '../../format.ts'
import type { PlanPreview } from '../../nouns.ts'
import { VerdictMark } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { Facts } from '../../parts/peek.tsx'
import { paths } from '../../paths.ts'
import { personName } from '../../person.ts'
import { sentence } from '../../sentence.ts'
import { Provenance } from './diff.tsx'
import { timeOf } from './progress.ts'

type Props = { readonly plan: PlanPreview }

export function Approvals({ plan }: Props) {
  const now = useNow()
  const waits = plan.state === 'proposed' || plan.state === 'shadowed'
  const open = waits ? Math.max(0, plan.approvals_needed - plan.approvals.length) : 0
  return (
    <section className="surface" aria-labelledby="approvals">
      <div className="panel-head">
        <h2 id="approvals">{t('planPage.approvals.title')}</h2>
        <span className="right qq">{t(`planPage.approvals.needs.${plan.approval}`)}</span>
      </div>
      {plan.approvals.length + open === 0 ? null : (
        <ul className="approvals">
          {plan.approvals.map((one) => (
            <Given key={one.by} plan={plan} one={one} now={now} />
          ))}
          {Array.from({ length: open }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: who they will be is not known
            <Awaited key={i} plan={plan} first={plan.approvals.length + i === 0} now={now} />
          ))}
        </ul>
      )}
      <p className="sub foot-note">
        {t('planPage.approvals.asks', { words: plan.approval_words })}{' '}
        {plan.approval_rule === 'approval/fail-safe' ? t('planPage.approvals.alone') : null}{' '}
        {plan.approval_rule === null ? null : (
          <span className="qq">
            {t('planPage.approvals.rule')} <span className="mono">{plan.approval_rule}</span>
          </span>
        )}
      </p>
    </section>
  )
}

type Approval = PlanPreview['approvals'][number]

function Given({ plan, one, now }: Props & { readonly one: Approval; readonly now: number }) {
  const { by, note, at, signed } = one
  const all = plan.agents.length
  return (
    <li>
      <span className="initials" aria-hidden="true">
        {initials(personName(by))}
      </span>
      <div>
        <b className="name">{personName(by)}</b>
        <span className="sub n">
          {timeOf(at, now)} · {note === '' ? t('planPage.approvals.noNote') : `“${note}”`}
        </span>
        {signed.length === 0 ? null : (
          <span className="sub n">{t('planPage.approvals.signedFor', { count: signed.length, all })}</span>
        )}
      </div>
      <VerdictMark verdict="allow" word={t(`planPage.approvals.${signed.length === 0 ? 'approved' : 'signed'}`)} />
    </li>
  )
}

/** Nobody says yes twice, and nobody to what he proposed: so whom it cannot be is known. */
function Awaited({ plan, first, now }: Props & { readonly first: boolean; readonly now: number }) {
  const not = [plan.proposed_by, ...plan.approvals.map(({ by }) => by)].filter((by) => by !== 'guise').map(personName)
  const words = [
    t('planPage.approvals.since', { at: timeOf(plan.created_at, now) }),
    ...(not.length === 0 ? [] : [t('planPage.approvals.not', { names: not.join(', ') })]),
  ]
  return (
    <li>
      <span className="initials open" aria-hidden="true" />
      <div>
        <b className="name">{t(first ? 'planPage.approvals.slot' : 'planPage.approvals.slotOther')}</b>
        <span className="sub n">{words.join(' · ')}</span>
      </div>
      <VerdictMark verdict="would-deny" word={t('planPage.approvals.waits')} />
    </li>
  )
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  return words
    .slice(0, 2)
    .map((word) => word.slice(0, 1).toUpperCase())
    .join('')
}

const LISTED = 8

export function Agents({ plan }: Props) {
  return (
    <section className="surface" aria-labelledby="agents">
      <div className="panel-head">
        <h2 id="agents">{t('planPage.agents.title')}</h2>
        <span className="right qq n">{plan.agents.length}</span>
      </div>
      {plan.agents.length === 0 ? (
        <p className="sub foot-note">{t('planPage.agents.none')}</p>
      ) : (
        <ul className="plan-agents">
          {plan.agents.slice(0, LISTED).map(({ agent, host, hash, live }) => (
            <li key={agent}>
              <Link className="name" to={`${paths.agents()}?sel=${encodeURIComponent(agent)}`}>
                {host}
              </Link>
              <span className={live === 'differs' ? 'wrong sub' : 'sub'}>{t(`planPage.agents.live.${live}`)}</span>
              <span className="mono qq" title={t('planPage.agents.hash')}>
                {hash}
              </span>
            </li>
          ))}
        </ul>
      )}
      {plan.beside.map(({ host, text }) => (
        <p key={`${host} ${text}`} className="sub foot-note">
          {t('planPage.agents.beside', { host })} <span className="mono">{text}</span>
        </p>
      ))}
      {plan.agents.length > LISTED ? (
        <p className="sub foot-note">{t('planPage.blast.more', { count: plan.agents.length - LISTED })}</p>
      ) : null}
    </section>
  )
}

const REASONS = 4

export function WhyPlan({ plan }: Props) {
  const now = useNow()
  const reasons = [...new Map(plan.steps.flatMap((step) => step.why.map((why) => [why.text, why] as const))).values()]
  const ends = plan.steps.flatMap((step) => (step.containment === null ? [] : [step.containment.until]))
  const [only] = plan.steps
  return (
    <section className="surface" aria-labelledby="why-plan">
      <div className="panel-head">
        <h2 id="why-plan">{t('planPage.why.title')}</h2>
      </div>
      <div className="why-plan">
        {reasons.slice(0, REASONS).map((why) => (
          <p key={why.text} className="say">
            {sentence(why.text)}
          </p>
        ))}
        {reasons.length > REASONS ? (
          <p className="qq">{t('planPage.why.more', { count: reasons.length - REASONS })}</p>
        ) : null}
        <Facts
          rows={{
            [t('planPage.why.rule')]: reasons[0] === undefined ? null : <Provenance why={reasons[0]} />,
            [t('planPage.why.by')]: personName(plan.proposed_by),
            [t('planPage.why.expires')]: ends.length === 0 ? null : deadline(Math.min(...ends), now),
            [t('planPage.why.decision')]: (
              <Link className="link mono" to={`${paths.ledger()}?decision=${encodeURIComponent(plan.decision)}`}>
                {plan.decision}
              </Link>
            ),
          }}
        />
        {plan.steps.length === 1 && only !== undefined ? (
          <p className="full">
            <Link className="link" to={`${paths.workload(only.workload)}?why=risk`}>
              {t('planPage.why.full')}
            </Link>
          </p>
        ) : null}
      </div>
    </section>
  )
}

export function LeftOut({ plan }: Props) {
  if (plan.skipped.length === 0) return null
  return (
    <section className="surface" aria-labelledby="left-out">
      <div className="panel-head">
        <h2 id="left-out">{t('planPage.why.leftOut')}</h2>
        <span className="qq n">{plan.skipped.length}</span>
      </div>
      <ul className="left-out">
        {plan.skipped.map(({ workload, name, why }) => (
          <li key={workload}>
            <Link className="name" to={paths.workload(workload)}>
              {name}
            </Link>
            <span className="q">{sentence(why.text)}</span>
            <span className="mono qq">{why.rule}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
