/** One source whole: where flows are lost on their way, who exports to it, and what was refused and why. */
import { t } from 'i18next'
import { useSource } from '../../api/queries.ts'
import { count, duration } from '../../format.ts'
import type { SourceRecord } from '../../nouns.ts'
import { Ago } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { PlainTable } from '../../parts/plain-table.tsx'
import { sentence } from '../../sentence.ts'
import { State } from './columns.tsx'
import { lostShare, shareText } from './loss.ts'

export function SourcePeek({ source: s, host }: { readonly source: SourceRecord; readonly host: string }) {
  return (
    <>
      <Block title={t('sources.column.state')}>
        <p>
          <State state={s.state} />
        </p>
        {s.why === '' ? null : <p className="q wrap">{sentence(s.why)}</p>}
      </Block>
      <Block title={t('sources.hops')}>
        <Hops source={s} />
      </Block>
      <Block title={t('sources.facts')}>
        <Facts
          rows={{
            [t('sources.flows')]: <span className="n">{count(s.flows)}</span>,
            [t('sources.lost')]: <LostFact source={s} />,
            [t('sources.refused')]: <span className="n">{count(s.refused)}</span>,
            [t('sources.lag')]: s.lagMs === null ? null : duration(s.lagMs),
            [t('sources.seen')]: s.lastSeen === null ? null : <Ago at={s.lastSeen} />,
            [t('sources.agent')]: host,
            [t('sources.reported')]: <Ago at={s.reportedAt} />,
          }}
        />
      </Block>
      {s.exporters.length === 0 ? null : <Exporters source={s} />}
      {s.refusals.length === 0 ? null : (
        <Block title={t('sources.refusals')}>
          <ul className="refusals">
            {s.refusals.map(({ at, why }) => (
              <li key={`${at} ${why}`}>
                <code className="mono wrap">{at}</code>
                <span className="sub">{sentence(why)}</span>
              </li>
            ))}
          </ul>
        </Block>
      )}
    </>
  )
}

function LostFact({ source: s }: { readonly source: SourceRecord }) {
  if (s.lost === 0) return <span className="qq">{t('sources.nothingLost')}</span>
  return (
    <span className="n">
      {t('sources.lostLately', { n: `${count(s.lost)} (${shareText(lostShare(s))})`, lately: count(s.lostLately) })}
    </span>
  )
}

const WIDTH = 388
const MIDDLE = 26

/** A line from the socket to the server; at each hop what falls off it, as long as its share (square root, so that little is seen). */
function Hops({ source: s }: { readonly source: SourceRecord }) {
  const step = WIDTH / s.hops.length
  const says = s.hops.map((h) =>
    t('sources.hopSays', { hop: t(`sources.hop.${h.hop}`), lost: count(h.lost), all: count(h.in), unit: h.unit }),
  )
  return (
    <>
      <svg
        className="hops"
        viewBox={`0 0 ${WIDTH} 84`}
        width={WIDTH}
        height="84"
        role="img"
        aria-label={t('sources.hopsSay', { hops: says.join(', ') })}
      >
        <line x1={step / 2} x2={WIDTH - step / 2} y1={MIDDLE} y2={MIDDLE} stroke="var(--ink-2)" strokeWidth="2" />
        {s.hops.map((h, i) => {
          const x = step * (i + 0.5)
          const share = h.in === 0 ? 0 : h.lost / h.in
          const fall = share === 0 ? 0 : Math.max(4, Math.sqrt(share) * 120)
          return (
            <g key={h.hop}>
              <text x={x} y="10" textAnchor="middle">
                {t(`sources.hop.${h.hop}`)}
              </text>
              {fall === 0 ? null : (
                <rect x={x - 4} y={MIDDLE} width="8" height={Math.min(30, fall)} rx="2" fill="var(--would-drop)" />
              )}
              <circle cx={x} cy={MIDDLE} r="4" fill="var(--surface)" stroke="var(--ink-2)" strokeWidth="1.5" />
              <text x={x} y="72" textAnchor="middle" className={share > 0 ? 'lossy' : undefined}>
                {h.lost === 0 ? '0' : shareText(share)}
              </text>
            </g>
          )
        })}
      </svg>
      <ul className="hop-list">
        {s.hops.every((h) => h.lost === 0) ? (
          <li className="sub">{t('sources.noLoss')}</li>
        ) : (
          s.hops.map((h, i) =>
            h.lost === 0 ? null : (
              <li key={h.hop}>
                {says[i]}
                <span className="sub">{sentence(h.what)}</span>
              </li>
            ),
          )
        )}
      </ul>
      <LostNow id={s.id} />
    </>
  )
}

/** The last hour of losses, when there were any: is it over? */
function LostNow({ id }: { readonly id: string }) {
  const points = useSource(id).data?.history ?? []
  const most = Math.max(...points.map((p) => p.lost), 0)
  if (most === 0) return null
  const step = WIDTH / 120
  return (
    <svg className="hops" viewBox={`0 0 ${WIDTH} 34`} width={WIDTH} height="34" aria-hidden="true">
      {points.map((p, i) => (
        <rect
          key={p.at}
          x={WIDTH - (points.length - i) * step}
          y={32 - (p.lost / most) * 30}
          width={step - 0.6}
          height={(p.lost / most) * 30}
          fill="var(--would-drop)"
        />
      ))}
      <line x1="0" x2={WIDTH} y1="32.5" y2="32.5" stroke="var(--line-2)" />
    </svg>
  )
}

/** More than this and flows are put at another time than they happened. */
const SKEW_MS = 5_000

function Exporters({ source: s }: { readonly source: SourceRecord }) {
  return (
    <Block title={t('sources.exporters')}>
      <PlainTable
        className="exporters"
        rows={s.exporters}
        keyOf={(e) => `${e.exporter} ${e.protocol}`}
        columns={[
          {
            title: t('sources.exporter'),
            cell: (e) => (
              <>
                <span className="mono cut block">{e.exporter}</span>
                <span className="sub cut">{howItExports(e)}</span>
              </>
            ),
          },
          { title: t('sources.flows'), num: true, look: 'nw', cell: (e) => count(e.flows) },
          {
            title: t('sources.lost'),
            num: true,
            look: (e) => (e.lost > 0 ? 'warn' : 'qq'),
            cell: (e) => shareText(lostShare(e)),
          },
          { title: t('sources.column.seen'), num: true, look: 'qq', cell: (e) => <Ago at={e.lastSeen} /> },
        ]}
      />
      {s.exportersMore === 0 ? null : <p className="sub">{t('sources.moreExporters', { count: s.exportersMore })}</p>}
    </Block>
  )
}

function howItExports({ protocol, sampling, clockSkewMs }: SourceRecord['exporters'][number]): string {
  const sampled = sampling > 1 ? t('sources.sampling', { n: count(sampling) }) : null
  const isSkewed = clockSkewMs !== null && Math.abs(clockSkewMs) > SKEW_MS
  return [protocol, sampled, isSkewed ? t('sources.skew', { by: duration(clockSkewMs) }) : null]
    .filter(Boolean)
    .join(', ')
}
