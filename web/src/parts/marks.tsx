/** The small signs of the language: persona, belief, risk, verdict, trend, time. Colour is never alone. */
import { t } from 'i18next'
import type { CSSProperties } from 'react'
import { absolute, ago, probability } from '../format.ts'
import type { Belief } from '../nouns.ts'
import { monogram, personaColor, RISK_WORDS, riskLevel } from '../persona.ts'
import { useNow } from './now.ts'

const tinted = (color: string | null): CSSProperties => (color === null ? {} : ({ '--c': color } as CSSProperties))

export function Swatch({ name }: { readonly name: string }) {
  const color = personaColor(name)
  return <span className={color === null ? 'swatch unknown' : 'swatch'} style={tinted(color)} aria-hidden="true" />
}

export function PersonaName({ name, version }: { readonly name: string; readonly version?: number | undefined }) {
  return (
    <span className="persona" title={`${monogram(name)} · ${name}`}>
      <Swatch name={name} />
      <span className="cut">
        {name}
        {version === undefined ? null : <span className="qq"> v{version}</span>}
      </span>
    </span>
  )
}

export type Share = { readonly name: string; readonly value: number }

/** A proportion bar. `label` is what a screen reader hears instead of the picture. */
export function Shares({ shares, label, height = 8 }: { shares: readonly Share[]; label: string; height?: number }) {
  return (
    <span className="bar-parts" style={{ height }} role="img" aria-label={label}>
      {shares
        .filter((share) => share.value > 0)
        .map((share) => {
          const color = personaColor(share.name)
          return (
            <i
              key={share.name}
              className={color === null ? 'unknown' : undefined}
              style={{ ...tinted(color), flex: share.value }}
            />
          )
        })}
    </span>
  )
}

export function beliefShares(belief: Belief): Share[] {
  const shown = belief.personas.filter((p) => p.p >= 0.02).map((p) => ({ name: p.persona, value: p.p }))
  const rest = 1 - belief.unknown - shown.reduce((sum, s) => sum + s.value, 0)
  return [...shown, { name: 'unknown', value: Math.max(0, belief.unknown + rest) }]
}

export function beliefLabel(belief: Belief): string {
  return beliefShares(belief)
    .map((share) => `${share.name} ${probability(share.value)}`)
    .join(', ')
}

export function RiskMark({ value }: { readonly value: number | null }) {
  if (value === null) return <span className="qq">{t('risk.notJudged')}</span>
  const level = riskLevel(value)
  return (
    <span className={level < 2 ? 'risk low' : 'risk'} style={tinted(`var(--risk-${level})`)}>
      <span className="n">{probability(value)}</span>
      <span className="blocks" aria-hidden="true">
        {[0, 1, 2, 3, 4].map((i) => (
          <i key={i} className={i <= level ? 'on' : undefined} />
        ))}
      </span>
      <span className="vh">{t(`risk.${RISK_WORDS[level]}`)}</span>
    </span>
  )
}

const VERDICTS = {
  allow: ['var(--allow)', <path key="p" d="M3 7.500l2.800 2.800L11 4.500" />],
  deny: [
    'var(--drop)',
    <g key="p">
      <circle cx="7" cy="7" r="5.2" />
      <path d="M3.600 10.400l6.800-6.800" />
    </g>,
  ],
  reject: [
    'var(--drop)',
    <g key="p">
      <path d="M11.500 7H3" />
      <path d="M6 3.800L2.800 7L6 10.200" />
    </g>,
  ],
  pass: ['var(--ink-3)', <path key="p" d="M2.500 7h8M8 3.800L11.200 7L8 10.200" />],
  'would-deny': ['var(--would-drop)', <circle key="p" cx="7" cy="7" r="5.2" strokeDasharray="2.2 2.4" />],
  unjudged: ['var(--ink-3)', <path key="p" d="M5 5.200a2 2 0 113 1.700c-.7.4-1 .8-1 1.600M7 10.800v.1" />],
} as const

/** Of a conversation, or of a rule, which may also reject or pass. */
export function VerdictMark({ verdict, word }: { readonly verdict: keyof typeof VERDICTS; readonly word?: string }) {
  const [color, shape] = VERDICTS[verdict]
  return (
    <span className="verdict" style={tinted(color)}>
      <svg
        width="14"
        height="14"
        viewBox="0 0 14 14"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {shape}
      </svg>
      {word ?? t(`verdict.${verdict}`)}
    </span>
  )
}

/** Relative time with the absolute one behind it. */
export function Ago({ at }: { readonly at: number | null }) {
  const now = useNow()
  if (at === null) return null
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at)} className="nw">
      {ago(at, now)}
    </time>
  )
}

/** Zero-based line without axes; the figure is beside it, so it is silent for a screen reader. */
export function Spark({ values }: { readonly values: readonly number[] }) {
  const width = 76
  const height = 22
  if (values.length < 3) return <svg width={width} height={height} aria-hidden="true" />
  const most = Math.max(...values, 1)
  const step = (width - 4) / (values.length - 1)
  const points = values.map((v, i) => [1 + i * step, height - 2 - (v / most) * (height - 5)] as const)
  const line = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
  const [x, y] = points.at(-1)!
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={`${line}L${x.toFixed(1)} ${height - 1}L1 ${height - 1}Z`} fill="var(--ink-2)" opacity="0.1" />
      <path d={line} fill="none" stroke="var(--ink-2)" strokeWidth="1.25" strokeLinejoin="round" />
      <circle cx={x} cy={y} r="1.8" fill="var(--ink-2)" />
    </svg>
  )
}
