/**
 * What is expected of workloads. In: who, which step, what of it; out: the past as it was seen, the forecast with its
 * intervals, why, and how far earlier ones of the same were kept. Made when somebody asks, once for each step that ends; what
 * was foretold waits in memory for its truth, and is lost with the server.
 */
import { createHash } from 'node:crypto'
import type { ForecastQuestion } from '../api/control.ts'
import type { LevelledForecast } from '../learn/forecast/forecast.ts'
import { forecastWords } from '../learn/forecast/forecast-words.ts'
import { judge, type Kept, keep, levelsOf, startKept } from '../learn/forecast/kept.ts'
import { priorOf } from '../learn/forecast/persona-prior.ts'
import { knownSteps, type Series, type StepSum, seriesOf, serviceRows } from '../learn/forecast/series.ts'
import { type ExpectedStep, type ForecastReport, type ForecastStep, MOST_AHEAD, STEP_MS_OF } from '../model/forecast.ts'
import type { Store } from '../model/store.ts'
import type { Outcome } from '../model/why.ts'
import { createForecastThread } from './forecast-thread.ts'

export type Foreteller = {
  forecast(question: ForecastQuestion): Promise<Outcome<ForecastReport>>
  stop(): Promise<void>
}

type Deps = { readonly store: Pick<Store, 'traffic'>; readonly clock: () => number }

/** Steps read back: two weeks; ten weeks, four of which the models look at. */
const READ: Readonly<Record<ForecastStep, number>> = { '5min': 4_032, hour: 1_680 }
const SEASONS: Readonly<Record<ForecastStep, readonly [number, number]>> = { '5min': [288, 2_016], hour: [24, 168] }
/** Steps of others that make a persona's usual day: two days, and a week. */
const LIKE_STEPS: Readonly<Record<ForecastStep, number>> = { '5min': 576, hour: 168 }
const MOST_LIKE = 20
/** Of the past, shown. */
const SHOWN: Readonly<Record<ForecastStep, number>> = { '5min': 288, hour: 168 }
/** Readings of a step's last moments are on their way for so long. */
const SETTLED_MS = 20_000
/** Fewer known steps than this say nothing of which model is right; then only a persona's past can be leaned on. */
const LEAST_KNOWN = 12
/** An own past is not spun out to more than so many times its length. */
const SPUN_OUT = 2
const MOST_SERVICES = 8
/** Series whose word is kept, 6 kB each, and whole answers, 40 kB each; the one asked for longest ago goes first. */
const MOST_KEPT = 2_000
const MOST_MADE = 200

type Made = {
  /** epoch ms: end of the last step it knows */
  readonly until: number
  readonly answer: Promise<Outcome<ForecastReport>>
}

export function createForeteller({ store, clock }: Deps): Foreteller {
  const thread = createForecastThread()
  const kept = new Map<string, Kept>()
  const made = new Map<string, Made>()

  async function make(question: ForecastQuestion, key: string, until: number): Promise<Outcome<ForecastReport>> {
    const { of, step, what, members } = question
    const [series, services] = await Promise.all([
      readSeries(store, question, until),
      step === 'hour' ? store.traffic.services(question.tenant, members, until - 7 * 86_400_000, MOST_SERVICES) : [],
    ])
    const season = SEASONS[step][0]
    const known = knownSteps(series)
    const prior = known >= 2 * season ? null : await readPrior(store, question, series, until)
    const judged = judge(kept.get(key) ?? startKept(), series)
    remember(kept, key, judged, MOST_KEPT)
    const whole = { of: { kind: of.kind, name: of.name }, what, step, unit: 'bytes per second', services } as const
    const seen = Array.from(series.values, (v, t): readonly [number, number | null] => [
      series.start + t * series.stepMs,
      Number.isFinite(v) ? v : null,
    ]).slice(-SHOWN[step])
    const rest = { ...whole, members: members.length, seen, coverage: forecastWords.coverage(judged.scores) }
    const leans = of.kind === 'Workload' && !what.startsWith('service:') ? 'on-its-persona' : 'on-nobody'
    if (known < LEAST_KNOWN && prior === null)
      return { ok: true, value: { ...rest, ...forecastWords.notEnough(known, LEAST_KNOWN, step, leans) } }
    const asked = thread.ask({
      series: series.values,
      options: {
        season: [...SEASONS[step]],
        horizon: prior === null ? Math.min(MOST_AHEAD[step], SPUN_OUT * known) : MOST_AHEAD[step],
        unit: 'bytes/s',
        ...(prior === null ? {} : { prior }),
      },
      levels: levelsOf(judged),
    })
    if (asked === null)
      return {
        ok: false,
        code: 'too-many-forecasts',
        why: 'Too many forecasts are asked for at once.',
        cure: 'Ask again in some seconds.',
      }
    const said = await asked
    remember(kept, key, keep(judged, said, series, season), MOST_KEPT)
    return {
      ok: true,
      value: { ...rest, expected: expectedOf(said, series), because: said.why, coldStart: said.trust, enough: true },
    }
  }

  return {
    async forecast(question) {
      const { of, tenant, step, what, horizon, members } = question
      const stepMs = STEP_MS_OF[step]
      const until = Math.floor((clock() - SETTLED_MS) / stepMs) * stepMs
      // A persona whose members changed is another sum, with nothing foretold of it yet.
      const sum = of.kind === 'Persona' ? digest([...members].sort()) : ''
      const key = [tenant, of.kind, of.id, step, what, sum].join('\0')
      const before = made.get(key)
      const answer = before?.until === until ? before.answer : make(question, key, until)
      remember(made, key, { until, answer }, MOST_MADE)
      try {
        const outcome = await answer
        if (!outcome.ok) made.delete(key)
        return outcome.ok ? { ok: true, value: cut(outcome.value, horizon) } : outcome
      } catch (error) {
        made.delete(key)
        throw error
      }
    },
    stop: () => thread.stop(),
  }
}

const digest = (ids: readonly string[]) => createHash('sha256').update(ids.join(' ')).digest('hex')

function remember<T>(held: Map<string, T>, key: string, value: T, most: number): void {
  held.delete(key)
  held.set(key, value)
  if (held.size > most) held.delete(held.keys().next().value!)
}

const cut = (report: ForecastReport, horizon: number): ForecastReport => ({
  ...report,
  expected: report.expected.slice(0, horizon),
})

async function readSeries(store: Deps['store'], question: ForecastQuestion, until: number): Promise<Series> {
  const { tenant, members, step, what } = question
  const stepMs = STEP_MS_OF[step]
  const from = until - READ[step] * stepMs
  const { rows, lives } = await store.traffic.sums(tenant, members, stepMs, from, until)
  const sums = (value: 'out' | 'in') =>
    rows.map((row): StepSum => ({ at: row.at, known: row.known, value: row[value] }))
  if (what === 'bytesOut' || what === 'bytesIn')
    return seriesOf(sums(what === 'bytesOut' ? 'out' : 'in'), lives, stepMs, until)
  const used = await store.traffic.service(tenant, members, what.slice('service:'.length), from)
  const bytes = new Map(used.bytes.map((row) => [row.at, (row.bytes * 1_000) / stepMs]))
  return seriesOf(serviceRows(sums('out'), bytes), lives, stepMs, Math.min(until, used.until))
}

/** What others of its persona do; of services nobody knows whether they are usual there. */
async function readPrior(store: Deps['store'], question: ForecastQuestion, series: Series, until: number) {
  const { tenant, like, step, what } = question
  if (like.length === 0 || (what !== 'bytesOut' && what !== 'bytesIn')) return null
  const stepMs = STEP_MS_OF[step]
  const rows = await store.traffic.each(
    tenant,
    like.slice(0, MOST_LIKE),
    stepMs,
    until - LIKE_STEPS[step] * stepMs,
    until,
  )
  const steps = rows.map((row) => ({
    workload: row.workload,
    at: row.at,
    value: what === 'bytesOut' ? row.out : row.in,
  }))
  return priorOf(steps, stepMs, SEASONS[step][0], series.start, knownSteps(series))
}

function expectedOf(said: LevelledForecast, { start, stepMs, values }: Series): ExpectedStep[] {
  const [in80, in95] = said.intervals
  const first = start + values.length * stepMs
  return Array.from(said.mean, (value, h) => ({
    at: first + h * stepMs,
    value,
    low80: in80!.lower[h]!,
    high80: in80!.upper[h]!,
    low95: in95!.lower[h]!,
    high95: in95!.upper[h]!,
  }))
}
