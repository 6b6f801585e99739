/** The fleet at a glance, without boxes: who there is, how risk is spread, who is contained, which generation is in force. */
import { t } from 'i18next'
import { memo } from 'react'
import { count } from '../../format.ts'
import type { AgentRecord, PlanRecord, WorkloadRecord } from '../../nouns.ts'
import { Ago, type Share, Shares, Swatch } from '../../parts/marks.tsx'
import { riskLevel } from '../../persona.ts'
import { ASKS_FROM } from './needs.ts'

const NAMED = 5
const BINS = 20

export function believedName(w: WorkloadRecord): string {
  return w.belief?.believed ?? 'unknown'
}

/** Personas by count, `unknown` last. */
export function countPersonas(workloads: readonly WorkloadRecord[]): Share[] {
  const counts = new Map<string, number>()
  for (const w of workloads) counts.set(believedName(w), (counts.get(believedName(w)) ?? 0) + 1)
  return [...counts]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => Number(a.name === 'unknown') - Number(b.name === 'unknown') || b.value - a.value)
}

type Props = {
  readonly workloads: readonly WorkloadRecord[]
  readonly plans: readonly PlanRecord[]
  readonly agents: readonly AgentRecord[]
  readonly onPersona: (name: string) => void
  readonly onRisk: (from: number) => void
}

export const Strip = memo(function Strip({ workloads, plans, agents, onPersona, onRisk }: Props) {
  return (
    <section className="strip" aria-label={t('fleet.glance')}>
      <Personas workloads={workloads} onPersona={onPersona} />
      <RiskSpread workloads={workloads} onRisk={onRisk} />
      <Containment workloads={workloads} />
      <Enforcement plans={plans} agents={agents} />
    </section>
  )
})

function Personas({ workloads, onPersona }: Pick<Props, 'workloads' | 'onPersona'>) {
  const all = countPersonas(workloads)
  const unknown = all.find((s) => s.name === 'unknown')
  const known = all.filter((s) => s.name !== 'unknown')
  const named = known.slice(0, unknown === undefined ? NAMED : NAMED - 1)
  const rest = known.slice(named.length)
  return (
    <div>
      <h2 className="h3">{t('fleet.personas')}</h2>
      <Shares shares={all} label={all.map((s) => `${s.name} ${s.value}`).join(', ')} height={14} />
      <ul className="legend">
        {[...named, ...(unknown === undefined ? [] : [unknown])].map((share) => (
          <li key={share.name}>
            <button type="button" onClick={() => onPersona(share.name)} title={t('fleet.only', { what: share.name })}>
              <Swatch name={share.name} />
              <span className="cut">{share.name}</span>
              <span className="n">{count(share.value)}</span>
            </button>
          </li>
        ))}
        {rest.length === 0 ? null : (
          <li className="qq">
            {t('fleet.more', { count: rest.length })}
            <span className="n">{count(rest.reduce((sum, s) => sum + s.value, 0))}</span>
          </li>
        )}
      </ul>
    </div>
  )
}

function RiskSpread({ workloads, onRisk }: Pick<Props, 'workloads' | 'onRisk'>) {
  const bins = Array.from({ length: BINS }, () => 0)
  let raised = 0
  for (const w of workloads) {
    const risk = w.risk?.value ?? 0
    const bin = Math.min(BINS - 1, Math.floor(risk * BINS))
    bins[bin] = bins[bin]! + 1
    if (risk >= ASKS_FROM) raised++
  }
  // Square root: one dangerous workload among thousands must still be a bar that can be seen.
  const most = Math.sqrt(Math.max(...bins, 1))
  return (
    <div>
      <h2 className="h3">{t('fleet.risk')}</h2>
      <svg
        viewBox="0 0 220 58"
        width="220"
        height="58"
        role="img"
        aria-label={t('fleet.riskLabel', { all: workloads.length, raised })}
      >
        {bins.map((n, i) => {
          const height = n === 0 ? 0 : Math.max(3, (Math.sqrt(n) / most) * 40)
          const from = i / BINS
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut; the filter and the button below do the same
            <rect
              key={from}
              className="bin"
              x={i * 11 + 0.75}
              y={40 - height}
              width="9.5"
              height={height}
              rx="1"
              fill={`var(--risk-${riskLevel(from)})`}
              onClick={() => onRisk(from)}
            />
          )
        })}
        <line x1="0" x2="220" y1="40.5" y2="40.5" stroke="var(--line-2)" />
        <text x="0" y="54">
          0
        </text>
        <text x="88" y="54" textAnchor="middle">
          0.4
        </text>
        <text x="154" y="54" textAnchor="middle">
          0.7
        </text>
        <text x="220" y="54" textAnchor="end">
          1
        </text>
      </svg>
      <p className="caption">
        <button type="button" className="plain" onClick={() => onRisk(ASKS_FROM)}>
          <b>{count(raised)}</b> {t('fleet.raised')}
        </button>
      </p>
    </div>
  )
}

function Containment({ workloads }: Pick<Props, 'workloads'>) {
  const contained = workloads.filter((w) => w.containedUntil !== null)
  const next = contained.map((w) => w.containedUntil ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)[0]
  const assigned = workloads.filter((w) => w.assigned !== null).length
  return (
    <div>
      <h2 className="h3">{t('fleet.containment')}</h2>
      <p className="figure n">{t('fleet.contained', { count: contained.length })}</p>
      <p className="caption">{next === undefined ? t('fleet.noneContained') : <Ends at={next} />}</p>
      <p className="caption">{t('fleet.assigned', { count: assigned })}</p>
    </div>
  )
}

function Ends({ at }: { readonly at: number }) {
  return <>{t('fleet.nextEnds', { at: new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' }).format(at) })}</>
}

function Enforcement({ plans, agents }: Pick<Props, 'plans' | 'agents'>) {
  const confirmed = plans
    .filter((p) => p.state === 'confirmed')
    .sort((a, b) => b.plan.generation.n - a.plan.generation.n)[0]
  const pending = plans.find((p) => p.state === 'confirming' || p.state === 'applying')
  const modes = [...new Set(agents.map((a) => a.mode))]
  return (
    <div>
      <h2 className="h3">{t('fleet.enforcement')}</h2>
      <p className="figure n">
        {confirmed === undefined
          ? t('fleet.noGeneration')
          : t('fleet.generation', { n: count(confirmed.plan.generation.n) })}
      </p>
      <p className="caption">
        {confirmed === undefined ? (
          t('fleet.nothingEnforced')
        ) : (
          <>
            {t('fleet.confirmed')} <Ago at={confirmed.updatedAt} /> {t('fleet.ago')}
          </>
        )}
      </p>
      <p className="caption">
        {pending === undefined
          ? modes.length === 1
            ? t(`mode.${modes[0]!}`)
            : t('fleet.modes', { count: agents.length })
          : t('fleet.awaits', { n: pending.plan.generation.n })}
      </p>
    </div>
  )
}
