/** The traffic that is expected of a workload, or of all of a persona: as a picture, or as a table of the same numbers. */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import { FORECAST_STEPS, type ForecastReport, type ForecastStep } from '../../../src/model/forecast.ts'
import { get } from '../api/client.ts'
import { duration, rate } from '../format.ts'
import { Waiting } from '../parts/loaded.tsx'
import { Segments } from '../parts/segments.tsx'
import { Empty } from '../parts/states.tsx'
import { TableToggle } from '../parts/table-toggle.tsx'
import { useKeys } from '../shell/keys.ts'
import { addWords } from '../words/words.ts'
import { ForecastChart } from './chart.tsx'
import { summaryOf } from './picture.ts'
import { ForecastTable } from './table.tsx'
import { forecastWords } from './words.ts'
import './forecast.css'

addWords(forecastWords)

type Props = { readonly shelf: 'workloads' | 'personas'; readonly id: string }

export function ForecastPanel({ shelf, id }: Props) {
  const [step, setStep] = useState<ForecastStep>('5min')
  const [of, setOf] = useState('bytesOut')
  const forecast = useForecast(shelf, id, step, of)
  const { data } = forecast
  const choose = (next: ForecastStep) => {
    setStep(next)
    // Services are known by the hour.
    if (next !== 'hour' && of.startsWith('service:')) setOf('bytesOut')
  }
  useKeys({ '{': () => choose('5min'), '}': () => choose('hour') })
  return (
    <section className="surface" aria-labelledby="forecast">
      <div className="panel-head forecast-head">
        <h2 id="forecast">{t('forecast.title')}</h2>
        <select aria-label={t('forecast.what')} value={of} onChange={(event) => setOf(event.target.value)}>
          <option value="bytesOut">{t('forecast.of.bytesOut')}</option>
          <option value="bytesIn">{t('forecast.of.bytesIn')}</option>
          {servicesOf(data, of).map((name) => (
            <option key={name} value={`service:${name}`}>
              {t('forecast.service', { name })}
            </option>
          ))}
        </select>
        <Segments
          className="right"
          label={t('forecast.step')}
          of={FORECAST_STEPS}
          chosen={step}
          word={(each) => t(`forecast.steps.${each}`)}
          onChoose={choose}
        />
      </div>
      {data === undefined ? (
        <Waiting query={forecast} what={t('forecast.title')} rows={5} />
      ) : data.enough === true ? (
        <Known report={data} sum={shelf === 'personas'} />
      ) : (
        <Empty title={t('forecast.none')}>
          <p>{sentence(data.enough.why)}</p>
        </Empty>
      )}
    </section>
  )
}

function useForecast(shelf: Props['shelf'], id: string, step: ForecastStep, of: string) {
  return useQuery({
    queryKey: [shelf, id, 'forecast', step, of],
    queryFn: ({ signal }) =>
      get<ForecastReport>(
        `/v1/${shelf}/${encodeURIComponent(id)}/forecast?step=${step}&of=${encodeURIComponent(of)}`,
        signal,
      ),
    staleTime: 60_000,
    refetchInterval: 120_000,
  })
}

/** While another step is asked for, what is chosen stays in the list. */
function servicesOf(report: ForecastReport | undefined, of: string): readonly string[] {
  const known = report?.services ?? []
  const chosen = of.startsWith('service:') ? of.slice('service:'.length) : null
  return chosen === null || known.includes(chosen) ? known : [chosen, ...known]
}

function Known({ report, sum }: { readonly report: ForecastReport; readonly sum: boolean }) {
  const [table, setTable] = useState(false)
  const { spanMs, mean, most, high } = summaryOf(report)
  const { because, coldStart, coverage, members } = report
  return (
    <>
      <p className="forecast-words">
        {t('forecast.lead', { span: duration(spanMs), mean: rate(mean), most: rate(most), high: rate(high) })}{' '}
        {sum ? t('forecast.sum', { count: members }) : null}
      </p>
      {table ? <ForecastTable report={report} /> : <ForecastChart report={report} />}
      <p className="forecast-key">
        <Sample of="seen" />
        <Sample of="expected" />
        <Sample of="in80" />
        <Sample of="in95" />
        <TableToggle isTable={table} onToggle={setTable} />
      </p>
      <div className="forecast-words">
        {coldStart === 0 ? null : <p>{t('forecast.cold', { share: `${Math.round(100 * coldStart)} %` })}</p>}
        <p className="sub">{t('forecast.kept', { sentence: coverage.sentence })}</p>
        <details>
          <summary>{t('forecast.why')}</summary>
          <ul>
            {because.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </details>
      </div>
    </>
  )
}

function Sample({ of }: { readonly of: 'seen' | 'expected' | 'in80' | 'in95' }) {
  return (
    <span>
      <svg className="forecast-sample" width="20" height="12" viewBox="0 0 20 12" aria-hidden="true">
        {of === 'seen' || of === 'expected' ? (
          <path className={of} d="M1 6L19 6" />
        ) : (
          <rect className={of} width="20" height="12" />
        )}
      </svg>
      {t(`forecast.${of}`)}
    </span>
  )
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
