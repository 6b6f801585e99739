/** Pure parts of the panels of drift and features: what is outside, what hangs together, what the sentence says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildDrift, buildFeatures } from '../fixtures/drift.ts'
import { NOON } from '../fixtures/seed.ts'
import { buildWorld } from '../fixtures/world.ts'
import { featureAmount, metricAmount } from '../src/pages/workload/amount.ts'
import { isOutside, regimeChanges, since } from '../src/pages/workload/drift-series.ts'
import { driftWords } from '../src/pages/workload/drift-words.ts'
import { stretches } from '../src/pages/workload/stretches.ts'
import { addWords, initWords } from '../src/words/words.ts'

initWords()
addWords(driftWords)

const world = buildWorld(NOON, 14)
const seriesOf = (id: string) => buildDrift(world.workloads.find((w) => w.id === id)!, NOON).series!

test('what is outside its band is found; a window without a number, or without a band, is not', () => {
  const series = seriesOf('w_0001')
  const outside = series.metrics.map((metric) => series.at.filter((_, i) => isOutside(metric, i)).length)
  assert.deepEqual(outside, [50, 0, 50, 0, 0, 0, 0, 0])
  const metric = {
    name: 'm',
    unit: 'flows',
    value: [null, 9, 9, 1, 5],
    low: [2, null, 2, 2, 2],
    high: [6, null, 6, 6, 6],
  }
  assert.deepEqual(
    metric.value.map((_, i) => isOutside(metric, i)),
    [false, false, true, true, false],
  )
})

test('a shorter span is the end of the hour, column by column, and a regime begins where it did', () => {
  const series = seriesOf('w_0001')
  const [turn] = regimeChanges(series)
  assert.equal(turn, series.at[70])
  const quarter = since(series, series.at.at(-1)! - 900_000)
  assert.equal(quarter.at.length, 31)
  assert.deepEqual(quarter.metrics[2]!.value, series.metrics[2]!.value.slice(-31))
  assert.deepEqual(regimeChanges(quarter), [])
  assert.equal(since(series, NOON + 60_000).at.length, 0)
})

test('lines and bands break where windows are missing or have no number', () => {
  const at = [0, 30_000, 60_000, 300_000, 330_000]
  assert.deepEqual(stretches(at, [1, 2, null, 4, 5]), [
    [0, 1],
    [3, 4],
  ])
  assert.deepEqual(stretches(at, [1, 2, 3, 4, 5]), [
    [0, 1, 2],
    [3, 4],
  ])
  assert.deepEqual(stretches(at, [null, null, null, null, null]), [])
})

test('amounts carry their unit', () => {
  const nb = (text: string) => text.replaceAll('\u00a0', ' ')
  assert.deepEqual(
    [
      metricAmount(153e6, 'bytes'),
      metricAmount(3.14, 'ms'),
      metricAmount(0.2, 'flows'),
      metricAmount(31.4, 'peers'),
    ].map(nb),
    ['153 MB', '3 ms', '0.2', '31'],
  )
  assert.deepEqual(
    (['share', 'bytes', 'bytes per minute', 'flows per minute', 'bits', 'ms', 'count'] as const).map((unit) =>
      nb(featureAmount(0.93, unit)),
    ),
    ['93 %', '1 B', '1 B a min', '0.9 a min', '0.9 bits', '1 ms', '0.9'],
  )
})

test('of the fixture, who is unlike its persona is outside first', () => {
  const { features } = buildFeatures(world.workloads[0]!, NOON)
  assert.deepEqual(features.map(({ outside }) => outside).slice(0, 5), [true, true, true, true, false])
})
