/** What of a forecast is drawn where: gaps stay gaps, a wide interval does not flatten the line, words say what is drawn. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildForecast } from '../fixtures/forecast.ts'
import { NOON } from '../fixtures/seed.ts'
import { pictureOf, summaryOf } from '../src/forecast/picture.ts'

const HOUR = 3_600_000
const report = buildForecast(new URL('http://x/v1/workloads/w_0001/forecast?step=hour'), NOON)

test('the past is twice the future, in stretches; a step stands in its middle', () => {
  const { from, now, to, seen } = pictureOf(report)
  assert.deepEqual([now - from, to - now], [96 * HOUR, 48 * HOUR])
  assert.ok(seen.length > 1)
  assert.equal(seen.at(-1)!.at(-1)![0], now - HOUR / 2)
  const drawn = seen.flat().map(([at]) => at)
  for (const [at, value] of report.seen) if (value === null) assert.ok(!drawn.includes(at + HOUR / 2))
  const young = pictureOf({ ...report, seen: report.seen.slice(-3) })
  assert.equal(young.from, now - 3 * HOUR)
})

test('an interval that knows nothing does not make the line flat', () => {
  const expected = report.expected.map((step) => ({ ...step, high95: 1e12 }))
  const most = Math.max(...report.seen.map(([, value]) => value ?? 0), ...expected.map(({ value }) => value))
  assert.ok(pictureOf({ ...report, expected }).top <= 2.5 * most)
  const idle = report.expected.map(({ at }) => ({ at, value: 0, low80: 0, high80: 0, low95: 0, high95: 0 }))
  assert.ok(pictureOf({ ...report, seen: [], expected: idle }).top > 0)
})

test('the sentence tells the span, the mean and the ends of the wide band', () => {
  const { spanMs, mean, most, low, high } = summaryOf(report)
  assert.equal(spanMs, 48 * HOUR)
  assert.ok(low < mean && mean < most && most < high)
})
