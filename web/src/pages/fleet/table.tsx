/** The fleet as a real table: sorted from its headers, walked with the keyboard, drawn only where it is seen. */
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { t } from 'i18next'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { useTraffic } from '../../api/queries.ts'
import { parseSort, type SortKey } from '../../filter.ts'
import { clock, count, probability, rate } from '../../format.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { Ago, beliefLabel, beliefShares, PersonaName, RiskMark, Shares, Spark } from '../../parts/marks.tsx'
import { paths, query } from '../../paths.ts'
import { sentence } from '../../sentence.ts'
import { useKeys } from '../../shell/keys.ts'
import { strongest } from './needs.ts'

const ROW = 44
/** Below this the whole list is in the page: browser search and printing work. */
const VIRTUAL_FROM = 80

type Column = { readonly name: string; readonly sort?: SortKey; readonly num?: true; readonly width?: number }
const COLUMNS: readonly Column[] = [
  { name: 'workload', sort: 'name', width: 152 },
  { name: 'wears', sort: 'wears', width: 172 },
  { name: 'belief', sort: 'belief', width: 176 },
  { name: 'risk', sort: 'risk', width: 112 },
  { name: 'reason' },
  { name: 'traffic', width: 92 },
  { name: 'now', sort: 'rate', num: true, width: 84 },
  { name: 'shifted', sort: 'since', num: true, width: 76 },
]

type Props = {
  readonly rows: readonly WorkloadRecord[]
  readonly hostOf: (w: WorkloadRecord) => string
  readonly sort: string | null
  readonly onSort: (sort: string) => void
}

export function FleetTable({ rows, hostOf, sort, onSort }: Props) {
  const body = useRef<HTMLTableSectionElement>(null)
  const traffic = useTraffic()
  const [active, setActive] = useState<string | null>(null)
  const [top, setTop] = useState(0)
  const navigate = useNavigate()
  useLayoutEffect(() => setTop(body.current === null ? 0 : body.current.getBoundingClientRect().top + scrollY), [])
  const whole = rows.length < VIRTUAL_FROM
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (i) => rows[i]!.id,
  })
  const shown = whole ? rows.map((_, index) => ({ index })) : virtual.getVirtualItems()
  const first = shown[0]?.index ?? 0
  const last = shown.at(-1)?.index ?? -1

  const at = rows.findIndex((row) => row.id === active)
  const move = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))]
    if (row === undefined) return
    setActive(row.id)
    if (!whole) virtual.scrollToIndex(rows.indexOf(row))
    const focus = () => {
      const link = body.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(row.id)}"] a`)
      link?.focus()
      return link !== null && link !== undefined
    }
    // A row that is not drawn yet is, one frame after the scroll.
    if (!focus()) requestAnimationFrame(focus)
  }
  const chosen = rows[at]
  useKeys({
    j: () => move(at + 1),
    k: () => move(at - 1),
    ...(chosen === undefined ? {} : { w: () => navigate(`${paths.workload(chosen.id)}${query({ why: 'risk' })}`) }),
  })
  return (
    <div className="surface scroll-x wide">
      <table className="fleet" aria-rowcount={rows.length + 1}>
        <Head sort={sort} onSort={onSort} />
        <tbody
          ref={body}
          onKeyDown={(event) => {
            if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
            event.preventDefault()
            move(at + (event.key === 'ArrowDown' ? 1 : -1))
          }}
        >
          {first > 0 ? <Gap rows={first} /> : null}
          {shown.map(({ index }) => {
            const w = rows[index]!
            return (
              <Row
                key={w.id}
                workload={w}
                host={hostOf(w)}
                index={index}
                trend={traffic.get(w.id) ?? NONE}
                active={w.id === active}
                onFocus={() => setActive(w.id)}
              />
            )
          })}
          {last < rows.length - 1 ? <Gap rows={rows.length - 1 - last} /> : null}
        </tbody>
      </table>
    </div>
  )
}

function Gap({ rows }: { readonly rows: number }) {
  return (
    <tr>
      <td colSpan={COLUMNS.length} style={{ height: rows * ROW, padding: 0 }} />
    </tr>
  )
}

function Head({ sort, onSort }: Pick<Props, 'sort' | 'onSort'>) {
  const { key, descending } = parseSort(sort)
  return (
    <thead>
      <tr aria-rowindex={1}>
        {COLUMNS.map((column) => {
          const name = t(`column.${column.name}` as 'column.workload')
          const on = column.sort !== undefined && column.sort === key
          return (
            <th
              key={column.name}
              scope="col"
              className={column.num ? 'num' : undefined}
              style={{ width: column.width }}
              aria-sort={
                column.sort === undefined ? undefined : on ? (descending ? 'descending' : 'ascending') : 'none'
              }
            >
              {column.sort === undefined ? (
                name
              ) : (
                <button type="button" onClick={() => onSort(on && descending ? column.sort! : `-${column.sort}`)}>
                  {name}
                  <span aria-hidden="true">{on ? (descending ? ' ↓' : ' ↑') : ''}</span>
                </button>
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

/** A changed persona is shown by a tint of a second; a changed number is not. */
function useTint(value: string | null): string | undefined {
  const before = useRef(value)
  const [changed, setChanged] = useState(0)
  useEffect(() => {
    if (before.current !== value) setChanged((n) => n + 1)
    before.current = value
  }, [value])
  return changed === 0 ? undefined : changed % 2 === 0 ? 'tint' : 'tint again'
}

type RowProps = {
  readonly workload: WorkloadRecord
  readonly host: string
  readonly index: number
  readonly trend: readonly number[]
  readonly active: boolean
  readonly onFocus: () => void
}

const NONE: readonly number[] = []

function Row({ workload: w, host, index, trend, active, onFocus }: RowProps) {
  const tint = useTint(`${w.worn?.name} ${w.belief?.believed}`)
  const why = strongest(w)
  return (
    <tr data-id={w.id} aria-rowindex={index + 2} className={active ? 'selected' : tint} onFocus={onFocus}>
      <td>
        <Link to={paths.workload(w.id)} className="row-link">
          <b className="name cut">{w.report.name}</b>
          <span className="sub cut">{placeOf(w, host)}</span>
        </Link>
      </td>
      <td>
        <Wears workload={w} />
        {w.containedUntil === null ? null : (
          <span className="sub contained">{t('fleet.containedUntil', { at: clock(w.containedUntil) })}</span>
        )}
      </td>
      <td>
        <BeliefCell workload={w} />
      </td>
      <td>
        <Link to={`${paths.workload(w.id)}${query({ why: 'risk' })}`} tabIndex={-1} title={t('fleet.seeWhy')}>
          <RiskMark value={w.risk?.value ?? null} />
        </Link>
      </td>
      <td className="reason q" title={why ?? undefined}>
        {why === null ? (
          <span className="vh">{t('fleet.noReason')}</span>
        ) : (
          <span className="two-lines">{sentence(why)}</span>
        )}
      </td>
      <td>
        <Spark values={trend} />
      </td>
      <td className="num q nw">{rate(w.rate.out + w.rate.in)}</td>
      <td className="num qq nw">{w.wornSince === null ? '' : <Ago at={w.wornSince} />}</td>
    </tr>
  )
}

function Wears({ workload: { worn, assigned } }: { readonly workload: WorkloadRecord }) {
  if (worn !== null) return <PersonaName name={worn.name} version={worn.version} />
  if (assigned === null) return <span className="qq">{t('fleet.nothingWorn')}</span>
  return (
    <>
      <PersonaName name={assigned.name} version={assigned.version} />
      <span className="sub">{t('fleet.notWorn')}</span>
    </>
  )
}

function BeliefCell({ workload: w }: { readonly workload: WorkloadRecord }): ReactNode {
  if (w.belief === null) return <span className="qq">{t('fleet.notSeen')}</span>
  const top = w.belief.personas[0]
  return (
    <span className="belief">
      <Shares shares={beliefShares(w.belief)} label={beliefLabel(w.belief)} />
      <span className="n qq">{w.belief.believed === null ? t('fleet.abstains') : probability(top?.p ?? 0)}</span>
    </span>
  )
}

export function placeOf(w: WorkloadRecord, host: string): string {
  const app = w.report.labels.app ?? w.report.labels.role ?? w.report.addresses[0] ?? w.report.kind
  return `${app} · ${host}`
}

/** Small screens: two lines a workload, the same facts. */
export function FleetList({ rows }: Pick<Props, 'rows'>) {
  const [shown, setShown] = useState(50)
  return (
    <>
      <ul className="surface fleet-list narrow">
        {rows.slice(0, shown).map((w) => (
          <li key={w.id} data-id={w.id}>
            <Link to={paths.workload(w.id)}>
              <span className="l1">
                <b className="name cut">{w.report.name}</b>
                <RiskMark value={w.risk?.value ?? null} />
              </span>
              <span className="l2">
                {(w.worn ?? w.assigned) === null ? (
                  <span>{t('fleet.nothingWorn')}</span>
                ) : (
                  <PersonaName name={(w.worn ?? w.assigned)!.name} />
                )}
                <span className="l2b">
                  {w.belief === null ? null : <Shares shares={beliefShares(w.belief)} label={beliefLabel(w.belief)} />}
                </span>
              </span>
              {strongest(w) === null ? null : <span className="l3">{sentence(strongest(w) ?? '')}</span>}
            </Link>
          </li>
        ))}
      </ul>
      {rows.length > shown ? (
        <button type="button" className="link narrow" onClick={() => setShown(shown + 100)}>
          {t('fleet.showMore', { n: count(rows.length - shown) })}
        </button>
      ) : null}
    </>
  )
}
