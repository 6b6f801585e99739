/** Each feature of its last window as a dot beside the range that windows of its persona are within; those outside first. */
import { t } from 'i18next'
import { useState } from 'react'
import { useFeatures } from '../../api/queries.ts'
import { clock, probability } from '../../format.ts'
import type { FeatureStanding, WorkloadFeatures } from '../../nouns.ts'
import { Waiting } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/states.tsx'
import { addWords } from '../../words/words.ts'
import { featureAmount, onLogs } from './amount.ts'
import { driftWords } from './drift-words.ts'
import { Panel } from './panel.tsx'
import './drift.css'

addWords(driftWords)

const FIRST = 8

export function FeaturesPanel({ id }: { readonly id: string }) {
  const asked = useFeatures(id)
  const told = asked.data
  const persona = told?.persona ?? null
  return (
    <Panel
      id="features"
      title={persona === null ? t('features.titleNone') : t('features.title', { persona })}
      note={told === undefined ? '' : basisWords(told)}
    >
      {told === undefined ? (
        <Waiting query={asked} what={t('features.titleNone')} rows={5} />
      ) : told.at === null ? (
        <Empty title={t('features.none')}>
          <p>{t('features.noneWhy')}</p>
        </Empty>
      ) : (
        <Told told={told} />
      )}
    </Panel>
  )
}

function basisWords({ basis, p, at }: WorkloadFeatures): string {
  const said = basis === null ? [] : [t(`features.basis.${basis}`, { p: probability(p ?? 0) })]
  return [...said, ...(at === null ? [] : [clock(at)])].join(' · ')
}

function Told({ told: { persona, features } }: { readonly told: WorkloadFeatures }) {
  const [all, setAll] = useState(false)
  const outside = features.filter((one) => one.outside).length
  const seen = features.filter(({ value }) => value !== null).length
  const hasRanges = features.some(({ low }) => low !== null)
  const shown = all ? features : features.slice(0, Math.max(FIRST, Math.min(outside, 2 * FIRST)))
  return (
    <>
      {persona === null ? null : (
        <p className="say">
          {hasRanges ? t('features.sum', { outside, seen, persona }) : t('features.noRanges', { persona })}
        </p>
      )}
      <ul className="features" aria-label={t('features.list')}>
        {shown.map((feature) => (
          <Row key={feature.name} feature={feature} persona={persona} />
        ))}
      </ul>
      {features.length > shown.length || all ? (
        <p className="more">
          <button type="button" className="link quiet-link" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t('features.less') : t('features.more', { n: features.length })}
          </button>
        </p>
      ) : null}
    </>
  )
}

function Row({ feature, persona }: { readonly feature: FeatureStanding; readonly persona: string | null }) {
  const { means, unit, value, low, high, outside, moved } = feature
  return (
    <li className={outside ? 'out' : undefined}>
      <span className="means">{means}</span>
      <Range feature={feature} />
      <span className="values">
        <b className="n">{value === null ? t('features.notSeen') : featureAmount(value, unit)}</b>
        {outside ? <span className="mark">{t('features.outside')}</span> : null}
      </span>
      <span className="sub n">
        {low === null || high === null
          ? t('features.noRange')
          : t('features.usually', { low: featureAmount(low, alone(unit)), high: featureAmount(high, unit) })}
        {moved === null || Math.abs(moved) < 0.01 ? null : (
          <span title={t('features.moved', { persona: persona ?? '' })}>
            {' · '}
            {t('features.movedIs', { moved: `${moved < 0 ? '\u2212' : '+'}${Math.abs(moved).toFixed(2)}` })}
          </span>
        )}
      </span>
    </li>
  )
}

/** Said once, behind the higher number. */
const alone = (unit: FeatureStanding['unit']): FeatureStanding['unit'] =>
  unit === 'bytes per minute' ? 'bytes' : unit === 'flows per minute' ? 'count' : unit

/** The words beside it say the same. */
function Range({ feature: { unit, value, low, high, outside } }: { readonly feature: FeatureStanding }) {
  const grain = unit.startsWith('bytes') ? 64 : 1
  const isShare = unit === 'share'
  const scale = (amount: number) => (isShare ? amount : onLogs(amount, grain))
  const most = isShare ? 1 : Math.max(1, ...[value, high].map((one) => scale(one ?? 0))) * 1.08
  const x = (amount: number) => `${(2 + 96 * Math.min(1, scale(amount) / most)).toFixed(1)}%`
  const width = low === null || high === null ? 0 : (96 * (scale(high) - scale(low))) / most
  return (
    <svg className="range" width="100%" height="16" aria-hidden="true">
      <line x1="2%" x2="98%" y1="8" y2="8" className="scale" />
      {low === null ? null : (
        <rect x={x(low)} y="4" height="8" rx="3" width={`${Math.max(1, width).toFixed(1)}%`} className="typical" />
      )}
      {value === null ? null : <circle cx={x(value)} cy="8" r="4" className={outside ? 'dot out' : 'dot'} />}
    </svg>
  )
}
