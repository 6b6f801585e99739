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
  const open = plan.approvals_needed - plan.approvals.length
  const waits = plan.state === 'proposed' || plan.state === 'shadowed'
  return (
    <section className="surface" aria-labelledby="approvals">
      <div className="panel-head">
        <h2 id="approvals">{t('planPage.approvals.title')}</h2>
        <span className="right qq">{t(`planPage.approvals.needs.${plan.approval}`)}</span>
      </div>
      {plan.approvals.length === 0 ? null : (
        <ul className="approvals">
          {plan.approvals.map(({ by, note, at }) => (
            <li key={by}>
              <span className="initials" aria-hidden="true">
                {initials(personName(by))}
              </span>
              <div>
                <b className="name">{personName(by)}</b>
                <span className="sub n">
                  {timeOf(at, now)} · {note === '' ? t('planPage.approvals.noNote') : `“${note}”`}
                </span>
              </div>
              <VerdictMark verdict="allow" word={t('planPage.approvals.approved')} />
            </li>
          ))}
        </ul>
      )}
      <p className="sub foot-note">
        {t('planPage.approvals.asks', { words: plan.approval_words })}{' '}
        {waits && open > 0 ? t('planPage.approvals.open', { count: open }) : null}
      </p>
    </section>
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
