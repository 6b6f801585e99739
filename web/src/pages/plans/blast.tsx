/** Whom a plan touches: a square per workload up to four hundred, then one per 1 % of the fleet; the names stand beside them. */
import { t } from 'i18next'
import { count } from '../../format.ts'
import type { PlanPreview } from '../../nouns.ts'

const MOST = 400
const PER_ROW = 22
const STEP = 14
const NAMES = 6

type Radius = PlanPreview['blast_radius']

export function Blast({ radius }: { readonly radius: Radius }) {
  const changes = radius.workloads
  const loses = radius.loses?.length ?? 0
  const untouched = Math.max(0, radius.all - changes - loses)
  const share = radius.all === 0 ? 0 : changes / radius.all
  return (
    <section className="surface" aria-labelledby="blast">
      <div className="panel-head">
        <h2 id="blast">{t('planPage.blast.title')}</h2>
        <span className="right qq n">{t('planPage.blast.share', { share: percent(share) })}</span>
      </div>
      <Squares
        changes={changes}
        loses={loses}
        all={radius.all}
        label={t('planPage.blast.picture', { changed: changes, all: radius.all, loses, untouched })}
      />
      <ul className="blast-key">
        <li>
          <i className="changed" />
          <span>
            <b className="n">{count(changes)}</b>{' '}
            {t('planPage.blast.changes', {
              count: changes,
              names: some(
                radius.changed.map((one) => one.name),
                changes,
              ),
            })}
          </span>
        </li>
        {radius.loses === null ? (
          <li className="qq">{t('planPage.blast.uncounted')}</li>
        ) : loses === 0 ? null : (
          <li>
            <i className="loses" />
            <span>
              <b className="n">{count(loses)}</b>{' '}
              {t('planPage.blast.loses', {
                count: loses,
                names: some(
                  radius.loses.map((one) => one.name),
                  loses,
                ),
              })}
            </span>
          </li>
        )}
        <li>
          <i />
          <span>
            <b className="n">{count(untouched)}</b> {t('planPage.blast.untouched')}
          </span>
        </li>
      </ul>
      {radius.all > MOST ? <p className="sub foot-note">{t('planPage.blast.per')}</p> : null}
      <Cut radius={radius} />
    </section>
  )
}

function Cut({ radius }: { readonly radius: Radius }) {
  if (radius.conversationsCut === 0) return <p className="sub foot-note">{t('planPage.cuts', { count: 0 })}</p>
  const shown = radius.cut.slice(0, NAMES)
  const more = radius.conversationsCut - shown.length
  return (
    <div className="cut-list">
      <h3>
        {t('planPage.blast.cut')} <span className="qq n">{count(radius.conversationsCut)}</span>
      </h3>
      <ul>
        {shown.map((one) => (
          <li key={one} className="mono">
            {one}
          </li>
        ))}
      </ul>
      {more > 0 ? <p className="sub">{t('planPage.blast.more', { count: more })}</p> : null}
    </div>
  )
}

function Squares({ changes, loses, all, label }: { changes: number; loses: number; all: number; label: string }) {
  const many = all > MOST
  const total = many ? 100 : all
  // Whoever is touched is seen, however large the fleet.
  const scaled = (n: number) => (many && n > 0 ? Math.max(1, Math.round((n / all) * 100)) : n)
  const [filled, ringed] = [scaled(changes), scaled(loses)]
  const rows = Math.max(1, Math.ceil(total / PER_ROW))
  return (
    <svg className="squares" viewBox={`0 0 ${PER_ROW * STEP - 3} ${rows * STEP - 3}`} role="img" aria-label={label}>
      {Array.from({ length: total }, (_, i) => {
        const [x, y] = [(i % PER_ROW) * STEP, Math.floor(i / PER_ROW) * STEP]
        if (i >= filled && i < filled + ringed) {
          // biome-ignore lint/suspicious/noArrayIndexKey: squares are places, not things
          return <rect key={i} className="loses" x={x + 1} y={y + 1} width="9" height="9" rx="2" />
        }
        // biome-ignore lint/suspicious/noArrayIndexKey: squares are places, not things
        return <rect key={i} className={i < filled ? 'changed' : ''} x={x} y={y} width="11" height="11" rx="2" />
      })}
    </svg>
  )
}

function some(names: readonly string[], all: number): string {
  const shown = names.slice(0, NAMES).join(', ')
  const more = all - Math.min(NAMES, names.length)
  return shown !== '' && more > 0 ? `${shown} ${t('planPage.blast.more', { count: more })}` : shown
}

/** At most two significant digits: `0.5 %`, `12 %`. */
function percent(share: number): string {
  const value = share * 100
  const text = value >= 10 || value === 0 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(1)
  return `${text.replace(/\.0$/, '')}\u00a0%`
}
