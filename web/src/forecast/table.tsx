/** The numbers of the picture: what is expected, the next step first, and what was seen, the newest first. */
import { t } from 'i18next'
import type { ForecastReport } from '../../../src/model/forecast.ts'
import { clock, day, rate } from '../format.ts'
import { PlainTable } from '../parts/plain-table.tsx'
import { ScrollBox } from '../parts/scroll-box.tsx'

const MOST_ROWS = 48

export function ForecastTable({ report }: { readonly report: ForecastReport }) {
  const ahead = thinned(report.expected)
  const past = thinned([...report.seen].reverse().slice(0, 2 * report.expected.length))
  return (
    <ScrollBox className="forecast-table" label={t('forecast.numbers')}>
      <PlainTable
        rows={ahead}
        keyOf={({ at }) => at}
        columns={[
          { title: t('forecast.time'), look: 'n nw', cell: ({ at }) => moment(at) },
          { title: t('forecast.expected'), num: true, look: 'nw', cell: ({ value }) => rate(value) },
          { title: t('forecast.in80'), num: true, look: 'nw', cell: ({ low80, high80 }) => between(low80, high80) },
          { title: t('forecast.in95'), num: true, look: 'nw', cell: ({ low95, high95 }) => between(low95, high95) },
        ]}
      />
      <PlainTable
        rows={past}
        keyOf={([at]) => at}
        columns={[
          { title: t('forecast.time'), look: 'n nw', cell: ([at]) => moment(at) },
          {
            title: t('forecast.seen'),
            num: true,
            look: 'nw',
            cell: ([, value]) => (value === null ? t('forecast.nobody') : rate(value)),
          },
        ]}
      />
    </ScrollBox>
  )
}

const between = (low: number, high: number) => t('forecast.to', { low: rate(low), high: rate(high) })
const moment = (at: number) => `${day(at)} ${clock(at)}`

function thinned<T>(rows: readonly T[]): T[] {
  const every = Math.max(1, Math.ceil(rows.length / MOST_ROWS))
  return rows.filter((_, i) => i % every === 0)
}
