/** The numbers of the picture: what is expected, the next step first, and what was seen, the newest first. */
import { t } from 'i18next'
import type { ForecastReport } from '../../../src/model/forecast.ts'
import { clock, day, rate } from '../format.ts'

const MOST_ROWS = 48

export function ForecastTable({ report }: { readonly report: ForecastReport }) {
  const ahead = thinned(report.expected)
  const past = thinned([...report.seen].reverse().slice(0, 2 * report.expected.length))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must take the focus
    <section className="forecast-table" tabIndex={0} aria-label={t('forecast.numbers')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('forecast.time')}</th>
            <th scope="col" className="num">
              {t('forecast.expected')}
            </th>
            <th scope="col" className="num">
              {t('forecast.in80')}
            </th>
            <th scope="col" className="num">
              {t('forecast.in95')}
            </th>
          </tr>
        </thead>
        <tbody>
          {ahead.map(({ at, value, low80, high80, low95, high95 }) => (
            <tr key={at}>
              <td className="n nw">{moment(at)}</td>
              <td className="num nw">{rate(value)}</td>
              <td className="num nw">{t('forecast.to', { low: rate(low80), high: rate(high80) })}</td>
              <td className="num nw">{t('forecast.to', { low: rate(low95), high: rate(high95) })}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('forecast.time')}</th>
            <th scope="col" className="num">
              {t('forecast.seen')}
            </th>
          </tr>
        </thead>
        <tbody>
          {past.map(([at, value]) => (
            <tr key={at}>
              <td className="n nw">{moment(at)}</td>
              <td className="num nw">{value === null ? t('forecast.nobody') : rate(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const moment = (at: number) => `${day(at)} ${clock(at)}`

function thinned<T>(rows: readonly T[]): T[] {
  const every = Math.max(1, Math.ceil(rows.length / MOST_ROWS))
  return rows.filter((_, i) => i % every === 0)
}
