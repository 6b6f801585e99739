/** What it uses: processor, memory, disks, link and programs over the last hour or the last quarter of it, as small pictures or as a table. */
import { t } from 'i18next'
import { useMemo, useState } from 'react'
import { useVitals } from '../../api/queries.ts'
import { clock, duration } from '../../format.ts'
import type { FigureTold, VitalsTold } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { Waiting } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import { PlainTable } from '../../parts/plain-table.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { Empty } from '../../parts/states.tsx'
import { TableToggle } from '../../parts/table-toggle.tsx'
import { addWords } from '../../words/words.ts'
import { Panel } from './panel.tsx'
import { across, Lines, SmallFigure, upward } from './small-figure.tsx'
import { type Place, SmallMultiples } from './small-multiples.tsx'
import { usageAmount, usageBelow, usageTotal } from './usage-amount.ts'
import { knownFigures, since, spanOf, type Usage, type UsageDrawn, usageOf, WINDOW_MS } from './usage-series.ts'
import { usageWords } from './usage-words.ts'
import './usage.css'

addWords(usageWords)

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const QUARTER_MS = 900_000

type Props = { readonly id: string; readonly driver: string }

export function UsagePanel({ id, driver }: Props) {
  const asked = useVitals(id)
  const now = useNow()
  const isShort = useAddress().get('span') === '15m'
  const at = asked.data?.at ?? null
  const told = useMemo(() => {
    if (asked.data === undefined || !isShort) return asked.data
    return since(asked.data, (asked.data.at ?? 0) - QUARTER_MS)
  }, [asked.data, isShort])
  const span = told === undefined ? t('usage.hour') : spanWords(told)
  // Who is told of no more: what stands here is how it was.
  const isOld = at !== null && now - at > 2 * WINDOW_MS
  return (
    <Panel
      id="usage"
      title={t('usage.title')}
      note={isOld ? t('usage.keptAt', { span, at: clock(at) }) : t('usage.kept', { span })}
    >
      {told === undefined ? (
        <Waiting query={asked} what={t('usage.title')} rows={5} />
      ) : at === null ? (
        <Nothing driver={driver} />
      ) : (
        <Told told={told} span={span} />
      )}
    </Panel>
  )
}

function Nothing({ driver }: { readonly driver: string }) {
  const isElsewhere = driver === 'gateway' || driver === 'recording'
  return (
    <Empty title={t(isElsewhere ? 'usage.nobody' : 'usage.none')}>
      <p>{t(isElsewhere ? `usage.nobodyWhy.${driver}` : 'usage.noneWhy')}</p>
    </Empty>
  )
}

/** `hour`, `15 min`: of which means and sums are told. */
function spanWords(told: VitalsTold): string {
  const spanMs = spanOf(told)
  if (spanMs > HOUR_MS - 2 * WINDOW_MS) return t('usage.hour')
  return duration(spanMs < MINUTE_MS ? spanMs : Math.round(spanMs / MINUTE_MS) * MINUTE_MS)
}

type ToldProps = { readonly told: VitalsTold; readonly span: string }

function Told({ told, span }: ToldProps) {
  const [wanted, setTable] = useState(false)
  const usage = useMemo(() => usageOf(told), [told])
  const hasPicture = usage.at.length > 0 && usage.drawn.length > 0
  const table = wanted || !hasPicture
  return (
    <>
      {table ? (
        <Table figures={knownFigures(told)} span={span} />
      ) : (
        <SmallMultiples at={usage.at} everyMs={WINDOW_MS}>
          {(place) =>
            usage.drawn.map((one) => <UsageFigure key={one.figure.name} drawn={one} place={place} span={span} />)
          }
        </SmallMultiples>
      )}
      <Rest usage={usage} isTable={table} span={span} />
      <p className="key metrics-key">
        {table || usage.drawn.every(({ limit }) => limit === null) ? null : (
          <span>
            <i className="swatch limit" />
            {t('usage.key.limit')}
          </span>
        )}
        {hasPicture ? <TableToggle isTable={table} onToggle={setTable} /> : t('usage.notYet')}
      </p>
    </>
  )
}

type FigureProps = { readonly drawn: UsageDrawn; readonly place: Place; readonly span: string }

function UsageFigure({ drawn, place, span }: FigureProps) {
  const { figure, column, limit, top } = drawn
  const y = (value: number) => upward(value / top)
  const value = place.cursor === null ? figure.now : (column[place.cursor] ?? null)
  const said = value === null ? t('usage.notKnown') : usageAmount(value, figure.unit)
  const name = t(`usage.figures.${figure.name}`)
  const below = usageBelow(figure, limit, value ?? figure.mean ?? 0)
  const x = across(place)
  return (
    <SmallFigure
      place={place}
      name={name}
      means={figure.what}
      value={said}
      picture={t('usage.picture', { figure: name, value: said, below, span })}
      below={below}
    >
      {limit === null ? null : (
        <line className="limit" x1={x(place.from)} x2={x(place.to)} y1={y(limit)} y2={y(limit)} />
      )}
      <Lines place={place} column={column} y={y} />
    </SmallFigure>
  )
}

type RestProps = { readonly usage: Usage; readonly isTable: boolean; readonly span: string }

/** What has no picture: what was nothing (the table has it), and what is not known, by its reason. */
function Rest({ usage: { still, unknown }, isTable, span }: RestProps) {
  const names = (figures: readonly FigureTold[]) => figures.map(({ name }) => t(`usage.figures.${name}`)).join(', ')
  return (
    <ul className="usage-rest">
      {isTable || still.length === 0 ? null : <li>{t('usage.still', { figures: names(still), span })}</li>}
      {unknown.map(({ why, figures }) => (
        <li key={why}>
          {t(why === null ? 'usage.unknown' : 'usage.unknownWhy', { figures: names(figures), why: why ?? '' })}
        </li>
      ))}
    </ul>
  )
}

type TableProps = { readonly figures: readonly FigureTold[]; readonly span: string }

function Table({ figures, span }: TableProps) {
  const said = (value: number | null, unit: string) => (value === null ? t('usage.notKnown') : usageAmount(value, unit))
  return (
    <ScrollBox className="history-table metrics-table" label={t('usage.table', { span })}>
      <PlainTable
        rows={figures}
        keyOf={({ name }) => name}
        columns={[
          { title: t('usage.figure'), hint: ({ what }) => what, cell: ({ name }) => t(`usage.figures.${name}`) },
          { title: t('usage.now'), num: true, cell: ({ now, unit }) => said(now, unit) },
          { title: t('usage.meanHour'), num: true, cell: ({ mean, unit }) => said(mean, unit) },
          { title: t('usage.mostHour'), num: true, cell: ({ most, unit }) => said(most, unit) },
          {
            title: t('usage.total'),
            num: true,
            cell: ({ total, unit }) => (total === null ? '' : usageTotal(total, unit)),
          },
        ]}
      />
    </ScrollBox>
  )
}
