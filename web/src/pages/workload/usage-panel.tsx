/** What it uses: processor, memory, disks, link and programs over the last hour, as small pictures or as a table. */
import { t } from 'i18next'
import { useMemo, useState } from 'react'
import { useVitals } from '../../api/queries.ts'
import { clock } from '../../format.ts'
import type { FigureTold, VitalsTold } from '../../nouns.ts'
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
import { knownFigures, type Usage, type UsageDrawn, usageOf, WINDOW_MS } from './usage-series.ts'
import { usageWords } from './usage-words.ts'
import './usage.css'

addWords(usageWords)

type Props = { readonly id: string; readonly driver: string }

export function UsagePanel({ id, driver }: Props) {
  const asked = useVitals(id)
  const now = useNow()
  const told = asked.data
  const at = told?.at ?? null
  // Who is told of no more: what stands here is how it was.
  const isOld = at !== null && now - at > 2 * WINDOW_MS
  return (
    <Panel id="usage" title={t('usage.title')} note={isOld ? t('usage.keptAt', { at: clock(at) }) : t('usage.kept')}>
      {told === undefined ? (
        <Waiting query={asked} what={t('usage.title')} rows={5} />
      ) : at === null ? (
        <Nothing driver={driver} />
      ) : (
        <Told told={told} />
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

function Told({ told }: { readonly told: VitalsTold }) {
  const [wanted, setTable] = useState(false)
  const usage = useMemo(() => usageOf(told), [told])
  const hasPicture = usage.at.length > 0 && usage.drawn.length > 0
  const table = wanted || !hasPicture
  return (
    <>
      {table ? (
        <Table figures={knownFigures(told)} />
      ) : (
        <SmallMultiples at={usage.at} everyMs={WINDOW_MS}>
          {(place) => usage.drawn.map((one) => <UsageFigure key={one.figure.name} drawn={one} place={place} />)}
        </SmallMultiples>
      )}
      <Rest usage={usage} isTable={table} />
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

function UsageFigure({ drawn, place }: { readonly drawn: UsageDrawn; readonly place: Place }) {
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
      picture={t('usage.picture', { figure: name, value: said, below })}
      below={below}
    >
      {limit === null ? null : (
        <line className="limit" x1={x(place.from)} x2={x(place.to)} y1={y(limit)} y2={y(limit)} />
      )}
      <Lines place={place} column={column} y={y} />
    </SmallFigure>
  )
}

/** What has no picture: what was nothing (the table has it), and what is not known, by its reason. */
function Rest({ usage: { still, unknown }, isTable }: { readonly usage: Usage; readonly isTable: boolean }) {
  const names = (figures: readonly FigureTold[]) => figures.map(({ name }) => t(`usage.figures.${name}`)).join(', ')
  return (
    <ul className="usage-rest">
      {isTable || still.length === 0 ? null : <li>{t('usage.still', { figures: names(still) })}</li>}
      {unknown.map(({ why, figures }) => (
        <li key={why}>
          {t(why === null ? 'usage.unknown' : 'usage.unknownWhy', { figures: names(figures), why: why ?? '' })}
        </li>
      ))}
    </ul>
  )
}

function Table({ figures }: { readonly figures: readonly FigureTold[] }) {
  const said = (value: number | null, unit: string) => (value === null ? t('usage.notKnown') : usageAmount(value, unit))
  return (
    <ScrollBox className="history-table metrics-table" label={t('usage.table')}>
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
