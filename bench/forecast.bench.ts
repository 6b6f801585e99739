/**
 * `npm run bench -- forecast --m4 DIR [--isp DIR] [--every N] [--json]`: how good the forecasts are on futures nobody tuned
 * on: M4's hourly series (48 steps after the end, once), and one link's traffic (48 steps ahead from many origins). Errors
 * per model and of the ensemble on stderr; definitions in src/learn/forecast/accuracy.ts. `--every N` takes each Nth series.
 */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { coverage, mase, msis, naiveScale, owa, smape } from '../src/learn/forecast/accuracy.ts'
import { type Forecast, forecast } from '../src/learn/forecast/forecast.ts'
import { DATA } from '../test/need.ts'
import { naive2, seasonalNaiveOf } from './forecast/naive2.ts'
import { readColumn, readM4, type Split } from './forecast/series.ts'
import { aim, report } from './report.ts'

const DAY = 24
const WEEK = 168
const LEVEL = 0.95
const ISP_ORIGINS = 36
const ISP_HORIZON = 48

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      m4: { type: 'string', default: `${DATA}/forecast/m4-hourly` },
      isp: { type: 'string' },
      every: { type: 'string', default: '1' },
    },
  })
  if (!existsSync(values.m4))
    throw new Error(`there is no folder ${values.m4}; give one with --m4 DIR, or set GUISE_DATA`)
  const m4 = measureM4(readM4(values.m4).filter((_, i) => i % Number(values.every) === 0))
  if (values.isp !== undefined && !existsSync(values.isp))
    throw new Error(`--isp ${values.isp}: there is no such folder`)
  const isp = measureIsp(values.isp ?? ispBeside(values.m4))
  report(
    args,
    'forecast',
    { ...m4, isp },
    {
      mase: aim(m4.mase, '<=', 0.85),
      coverage95_least: aim(m4.coverage95, '>=', 0.93),
      coverage95_most: aim(m4.coverage95, '<=', 0.97),
      ...(isp === null ? {} : { isp_to_snaive: aim(to4(isp.mase / isp.snaive), '<=', 1) }),
    },
  )
}

/** The link's series beside M4's, else that of the data folder. */
function ispBeside(m4: string): string {
  const beside = `${m4}/../isp-hourly`
  return existsSync(beside) ? beside : `${DATA}/forecast/isp-hourly`
}

type Scores = { readonly mase: number[]; readonly smape: number[] }

function measureM4(series: readonly Split[]) {
  const models = new Map<string, Scores>()
  const told = { msis: [] as number[], coverage: [] as number[] }
  let ms = 0
  const cpu = process.cpuUsage()
  for (const { id, past, future } of series) {
    const scale = naiveScale(past, DAY)
    if (!(scale > 0))
      throw new Error(`series ${id} repeats its day exactly: MASE has no scale; take it out of the folder`)
    const start = performance.now()
    const said = forecast(past, { season: [DAY, WEEK], horizon: future.length, level: LEVEL })
    ms += performance.now() - start
    for (const [name, mean] of pathsOf(said, past, future.length)) {
      const scores = models.get(name) ?? { mase: [], smape: [] }
      models.set(name, scores)
      scores.mase.push(mase(future, mean, scale))
      scores.smape.push(smape(future, mean))
    }
    told.msis.push(msis(future, said.lower, said.upper, scale, LEVEL))
    told.coverage.push(coverage(future, said.lower, said.upper))
  }
  const spent = process.cpuUsage(cpu)
  const of = (name: string) => ({ smape: meanOf(models.get(name)!.smape), mase: meanOf(models.get(name)!.mase) })
  console.error(`${'M4 hourly'.padEnd(24)} ${'MASE'.padStart(8)} ${'sMAPE'.padStart(8)} ${'OWA'.padStart(8)}`)
  for (const name of models.keys()) {
    const figures = [of(name).mase, of(name).smape, owa(of(name), of('Naive2'))]
    console.error(`${name.padEnd(24)} ${figures.map((f) => f.toFixed(3).padStart(8)).join(' ')}`)
  }
  return {
    series: series.length,
    mase: to4(of('ensemble').mase),
    smape: to4(of('ensemble').smape),
    owa: to4(owa(of('ensemble'), of('Naive2'))),
    msis: to4(meanOf(told.msis)),
    coverage95: to4(meanOf(told.coverage)),
    ms_per_series: to4(ms / series.length),
    // The same without what others do on this machine, with the judging and garbage collection.
    cpu_ms_per_series: to4((spent.user + spent.system) / 1_000 / series.length),
  }
}

function pathsOf(said: Forecast, past: Float64Array, horizon: number): [string, Float64Array][] {
  return [
    ['Naive2', naive2(past, DAY, horizon)],
    ['sNaive(24)', seasonalNaiveOf(past, DAY, horizon)],
    ...said.models.map(({ name, mean }): [string, Float64Array] => [name, mean]),
    ['ensemble', said.mean],
  ]
}

/** Rolling origin over the last part: each forecast knows only what came before it. */
function measureIsp(folder: string): { mase: number; snaive: number; coverage95: number; origins: number } | null {
  if (!existsSync(folder)) {
    console.error(`isp: left out, no folder ${folder}`)
    return null
  }
  const all = readColumn(folder)
  if (all.length < WEEK + 2 * ISP_HORIZON) {
    console.error(`isp: left out, ${all.length} hours are too few for a week and two horizons`)
    return null
  }
  const first = Math.max(WEEK, Math.min(3 * WEEK, all.length >> 1))
  const scores = { own: [] as number[], naive: [] as number[], coverage: [] as number[] }
  const step = Math.max(1, Math.floor((all.length - ISP_HORIZON - first) / ISP_ORIGINS))
  for (let at = first; at + ISP_HORIZON <= all.length; at += step) {
    const [past, future] = [all.slice(0, at), all.slice(at, at + ISP_HORIZON)]
    const scale = naiveScale(past, DAY)
    const said = forecast(past, { season: [DAY, WEEK], horizon: ISP_HORIZON, level: LEVEL })
    scores.own.push(mase(future, said.mean, scale))
    scores.naive.push(mase(future, seasonalNaiveOf(past, WEEK, ISP_HORIZON), scale))
    scores.coverage.push(coverage(future, said.lower, said.upper))
  }
  const figures = {
    mase: to4(meanOf(scores.own)),
    snaive: to4(meanOf(scores.naive)),
    coverage95: to4(meanOf(scores.coverage)),
    origins: scores.own.length,
  }
  console.error(
    `isp: MASE ${figures.mase}, sNaive(168) ${figures.snaive}, coverage ${figures.coverage95}, ${figures.origins} origins`,
  )
  return figures
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const to4 = (value: number) => Math.round(value * 1e4) / 1e4
