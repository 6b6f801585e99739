import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { apiFixture, knowWorkload, reportOf } from '../../test/api.ts'
import type { ForecastReport } from '../model/forecast.ts'
import { forecastText } from './forecast-text.ts'

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 0, 5, 12)
const REPORT: ForecastReport = {
  of: { kind: 'Persona', name: 'Web User' },
  ...{ what: 'bytesOut', step: 'hour', unit: 'bytes per second', members: 3 },
  seen: [100, 200, null, 400].map((value, t) => [NOW + (t - 4) * HOUR, value]),
  expected: [800, 12_345].map((value, h) => ({
    ...{ at: NOW + h * HOUR, value, low80: value * 0.9, high80: value * 1.1 },
    ...{ low95: value * 0.8, high95: value * 1.2 },
  })),
  because: ['61 %: what came a season ago comes again; off by 120 bytes/s on average in 14 trials'],
  coverage: { steps: 120, of80: 0.8, of95: 0.958, mase: 0.71, since: NOW, sentence: 'of 120 steps foretold, 95.8 % …' },
  ...{ coldStart: 0, enough: true, services: ['https', 'dns'] },
}

test('a forecast in words: past and future in one scale, some of its steps, why, and how it was kept', () => {
  assert.equal(
    forecastText(REPORT),
    [
      'Web User: bytes out, steps of an hour, 3 workloads added up',
      'seen      ▁▁ ▁',
      'expected  ▁█  █ = 12 kB/s',
      '',
      'from (UTC)        expected  8 times in 10       19 times in 20',
      '2026-01-05 12:00  800 B/s   720 B/s to 880 B/s  640 B/s to 960 B/s',
      '2026-01-05 13:00  12 kB/s   11 kB/s to 14 kB/s  9.9 kB/s to 15 kB/s',
      '',
      '- 61 %: what came a season ago comes again; off by 120 bytes/s on average in 14 trials',
      'kept so far: of 120 steps foretold, 95.8 % …',
      'by service: --of service:NAME, of https, dns',
    ].join('\n'),
  )
  const enough = { seen: 7, wanted: 12, why: 'not enough seen yet: 7 of 12 steps of an hour' }
  assert.equal(
    forecastText({ ...REPORT, of: { kind: 'Workload', name: 'web1' }, what: 'service:dns', enough }),
    'web1: both ways by dns, steps of an hour\nnot enough seen yet: 7 of 12 steps of an hour',
  )
  const many = Array.from({ length: 144 }, (_, h) => ({ ...REPORT.expected[0]!, at: NOW + h * HOUR }))
  assert.equal(
    forecastText({ ...REPORT, expected: many })
      .split('\n')
      .filter((one) => one.startsWith('2026')).length,
    12,
  )
})

test('asked of a server: of a workload or a persona, refusals with their cure', async () => {
  await using f = await apiFixture()
  const id = await knowWorkload(f, reportOf('web1'))
  const server = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const env = { ...process.env, GUISE_SERVER: server, GUISE_TOKEN: await f.token('viewer') }
  const main = new URL('./main.ts', import.meta.url).pathname
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'forecast', ...args], { env }).catch((error) => error)
  // This loop forecasts nothing; it notes what it was asked.
  assert.equal((await run('web1', '--step', 'hour', '--horizon', '7', '--of', 'service:dns')).code, 1)
  const { detail } = f.asked.find(({ what }) => what === 'forecast')!
  const { of, members, like, step, what, horizon } = detail as Record<string, unknown>
  assert.deepEqual([of, members, like], [{ kind: 'Workload', id, name: 'web1' }, [id], []])
  assert.deepEqual([step, what, horizon], ['hour', 'service:dns', 7])
  assert.match((await run('persona/No Such')).stderr, /persona of that id/)
  assert.match(
    (await run('web1', '--step', 'day')).stderr,
    /'--step <step>' argument 'day' is invalid\. Allowed choices are 5min, hour\./,
  )
})
