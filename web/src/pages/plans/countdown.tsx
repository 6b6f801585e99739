/** The block that stands only while a host counts: what is left, where it is counted, what has answered, and the two ways out. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { useLive } from '../../api/live.ts'
import { clockSeconds, countdown } from '../../format.ts'
import type { PlanPreview } from '../../nouns.ts'
import { VerdictMark } from '../../parts/marks.tsx'
import { isLast, type Probe, type Timer, useSpokenTime } from './timer.ts'

const RADIUS = 50
const AROUND = 2 * Math.PI * RADIUS

export function Countdown(props: {
  readonly plan: PlanPreview
  readonly timer: Timer
  readonly probes: readonly Probe[]
  readonly children: ReactNode
}) {
  const { plan, timer, probes } = props
  const lost = useLive().state === 'reconnecting'
  const spoken = useSpokenTime(timer)
  const host = timer.hosts.length > 3 ? `${timer.hosts[0]} +${timer.hosts.length - 1}` : timer.hosts.join(', ')
  const before =
    plan.from_generation === null
      ? t('planPage.timer.beforeNone')
      : t('planPage.timer.before', { n: plan.from_generation })
  const over = timer.leftMs === 0
  const n = plan.from_generation ?? 0
  return (
    <section className={isLast(timer) ? 'surface count last' : 'surface count'} aria-labelledby="count-title">
      <Ring timer={timer} />
      <div className="count-words">
        <h2 id="count-title">
          {over
            ? t('planPage.timer.over')
            : isLast(timer)
              ? t('planPage.timer.undoing', { count: Math.ceil(timer.leftMs / 1_000) })
              : t('planPage.timer.undoes', { at: clockSeconds(timer.deadline) })}
        </h2>
        <p className="q">
          {over
            ? t(lost ? 'planPage.timer.overOffline' : 'planPage.timer.overSays', { host, n })
            : lost
              ? t('planPage.timer.offline', { host })
              : t('planPage.timer.where', { host, before })}
        </p>
        {props.children}
      </div>
      <ProbeList probes={probes} many={timer.hosts.length > 1} />
      <p className="vh" role="status">
        {spoken}
      </p>
    </section>
  )
}

function Ring({ timer }: { readonly timer: Timer }) {
  const share = timer.totalMs === 0 ? 0 : Math.min(1, timer.leftMs / timer.totalMs)
  const left = countdown(timer.leftMs, 0)
  return (
    <div className="ring-box">
      <svg width="116" height="116" viewBox="0 0 116 116" aria-hidden="true">
        <circle cx="58" cy="58" r={RADIUS} fill="none" stroke="var(--band)" strokeWidth="7" />
        <circle
          className="left"
          cx="58"
          cy="58"
          r={RADIUS}
          fill="none"
          strokeWidth="7"
          strokeDasharray={`${share * AROUND} ${AROUND}`}
          transform="rotate(-90 58 58)"
        />
      </svg>
      <div className="ring-text" role="timer" aria-label={t('planPage.timer.left', { left })}>
        <b className="n">{left}</b>
        <span>{t('planPage.timer.of', { total: countdown(timer.totalMs, 0) })}</span>
      </div>
    </div>
  )
}

function ProbeList({ probes, many }: { readonly probes: readonly Probe[]; readonly many: boolean }) {
  if (probes.length === 0) return <p className="probes sub">{t('planPage.timer.noProbes')}</p>
  return (
    <ul className="probes" aria-label={t('planPage.timer.probesLabel')}>
      {probes.map((probe) => (
        <li key={`${probe.host} ${probe.name}`}>
          <VerdictMark verdict={probe.ok ? 'allow' : 'would-deny'} word="" />
          <span>
            {probe.name}
            {many ? <span className="qq"> {probe.host}</span> : null}
          </span>
          <span className="qq n">{probe.detail}</span>
        </li>
      ))}
    </ul>
  )
}
