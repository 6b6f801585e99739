/** "Needs you": what, why, how long it can wait, and one thing to do. */

import { t } from 'i18next'
import { clock, clockSeconds, count, countdown, duration, probability } from '../../format.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Ago } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { paths, query } from '../../paths.ts'
import { sentence } from '../../sentence.ts'
import type { Need } from './needs.ts'

export function NeedList({ needs, onPlan }: { needs: readonly Need[]; onPlan: (plan: string) => void }) {
  if (needs.length === 0) return null
  return (
    <section aria-labelledby="needs-you">
      <div className="section-head">
        <h2 id="needs-you">{t('needs.title')}</h2>
      </div>
      <ul className="surface needs">
        {needs.map((need, i) => (
          <Row key={keyOf(need)} need={need} first={i === 0} onPlan={onPlan} />
        ))}
      </ul>
    </section>
  )
}

function keyOf(need: Need): string {
  if (need.kind === 'danger' || need.kind === 'contained') return need.workload.id
  if (need.kind === 'losing') return need.source.id
  return need.kind === 'silent' ? need.agent.id : need.plan.plan.id
}

/** `a, b and 3 more` */
function list(names: readonly string[]): string {
  if (names.length <= 2) return names.join(t('needs.and'))
  return t('needs.andMore', { names: names.slice(0, 2).join(', '), count: names.length - 2 })
}

function Row({ need, first, onPlan }: { need: Need; first: boolean; onPlan: (plan: string) => void }) {
  const variant = first ? 'filled' : 'default'
  switch (need.kind) {
    case 'confirm':
      return (
        <li>
          <Icon name="plan" />
          <div>
            <b className="name">
              {t(need.plan.plan.direction === 'containment' ? 'needs.confirmContainment' : 'needs.confirmChange', {
                names: list(need.names),
              })}
            </b>
            <span className="sub">
              {t('needs.restores')}
              {need.probes.all === 0 ? '' : ` ${t('needs.probes', need.probes)}`}
            </span>
          </div>
          <span className="left">{need.deadline === null ? null : <Left until={need.deadline} />}</span>
          <Button size="xs" variant={variant} onClick={() => onPlan(need.plan.plan.id)}>
            {t('needs.openPlan')}
          </Button>
        </li>
      )
    case 'approve':
      return (
        <li>
          <Icon name="plan" />
          <div>
            <b className="name">{t('needs.approve', { names: list(need.names) })}</b>
            <span className="sub">
              {t('needs.proposedBy', { by: need.plan.plan.proposedBy, count: need.plan.plan.blastRadius.workloads })}
            </span>
          </div>
          <span className="left">
            <Ago at={need.plan.plan.createdAt} />
          </span>
          <Button size="xs" variant={variant} onClick={() => onPlan(need.plan.plan.id)}>
            {t('needs.openPlan')}
          </Button>
        </li>
      )
    case 'danger':
      return (
        <li>
          <Icon name="risk" />
          <div>
            <b className="name">
              {t('needs.danger', {
                name: need.workload.report.name,
                risk: probability(need.workload.risk?.value ?? 0),
              })}
            </b>
            <span className="sub">{need.because === null ? null : sentence(need.because)}</span>
          </div>
          <span className="left">
            <Ago at={need.workload.risk?.at ?? null} />
          </span>
          <LinkButton size="xs" variant={variant} to={`${paths.workload(need.workload.id)}${query({ why: 'risk' })}`}>
            {t('needs.seeWhy')}
          </LinkButton>
        </li>
      )
    case 'contained':
      return (
        <li>
          <Icon name="risk" />
          <div>
            <b className="name">{t('needs.contained', { name: need.workload.report.name, at: clock(need.until) })}</b>
            <span className="sub">{need.because === null ? t('needs.containedWhy') : sentence(need.because)}</span>
          </div>
          <span className="left">
            <Left until={need.until} ends="contained" />
          </span>
          {need.plan === null ? (
            <LinkButton size="xs" variant={variant} to={`${paths.workload(need.workload.id)}${query({ why: 'risk' })}`}>
              {t('needs.seeWhy')}
            </LinkButton>
          ) : (
            <Button size="xs" variant={variant} onClick={() => onPlan(need.plan ?? '')}>
              {t('needs.release')}
            </Button>
          )}
        </li>
      )
    case 'silent':
      return (
        <li>
          <Icon name="agent" />
          <div>
            <b className="name">{t('needs.silent', { host: need.agent.host })}</b>
            <span className="sub">{t('needs.silentMeans')}</span>
          </div>
          <span className="left">
            <Ago at={need.agent.lastReport} />
          </span>
          <LinkButton size="xs" variant={variant} to={`${paths.fleet()}${query({ q: `host:${need.agent.host}` })}`}>
            {t('needs.showIts')}
          </LinkButton>
        </li>
      )
    case 'losing':
      return (
        <li>
          <Icon name="source" />
          <div>
            <b className="name">
              {t(need.source.state === 'failed' ? 'needs.failed' : 'needs.losing', {
                source: need.source.name,
                host: need.host,
                n: count(need.source.lostLately),
              })}
            </b>
            <span className="sub">{need.source.why === '' ? t('needs.losingMeans') : sentence(need.source.why)}</span>
          </div>
          <span className="left">
            <Ago at={need.source.reportedAt} />
          </span>
          <LinkButton size="xs" variant={variant} to={`${paths.sources()}${query({ sel: need.source.id })}`}>
            {t('needs.showSource')}
          </LinkButton>
        </li>
      )
  }
}

/** Counts down to the host's own deadline; a reload does not start it anew. Spoken at 60, 30 and 10 seconds only. */
export function Left({ until, ends = 'plan' }: { readonly until: number; readonly ends?: 'plan' | 'contained' }) {
  const now = useNow()
  const seconds = Math.max(0, Math.ceil((until - now) / 1_000))
  const spoken = ends === 'plan' && (seconds === 60 || seconds === 30 || seconds === 10)
  return (
    <span
      role="timer"
      aria-live={spoken ? 'assertive' : 'off'}
      title={t(ends === 'plan' ? 'needs.undoneAt' : 'needs.endsAt', { at: clockSeconds(until) })}
    >
      <b className="n">{until - now < 3_600_000 ? countdown(until, now) : duration(until - now)}</b> {t('needs.left')}
    </span>
  )
}
