import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WINDOW_MS } from '../../model/window.ts'
import { METRICS } from './metrics.ts'
import { TRACK_WINDOWS } from './track.ts'
import {
  addRow,
  createBatch,
  createWatch,
  driftOf,
  forgetRow,
  freeRow,
  seriesOf,
  stepWatch,
  type Watch,
} from './watch.ts'

const START = 1_790_000_010_000
const WIDTH = METRICS.length

/** All metrics of these rows read the same. */
function tick(watch: Watch, rows: readonly number[], k: number, reading: number): void {
  const batch = createBatch(rows.length)
  batch.rows.set(rows)
  batch.readings.fill(reading)
  stepWatch(watch, batch, new Float64Array(rows.length).fill(START + k * WINDOW_MS))
}

test('the last hour of a workload comes back as it was seen, to a part in a thousand, with the band that was expected', () => {
  const watch = createWatch()
  const row = addRow(watch)
  assert.equal(seriesOf(watch, row), null)
  for (let k = 0; k < 200; k++) tick(watch, [row], k, 8 + Math.sin(k))
  const series = seriesOf(watch, row)!
  assert.deepEqual([series.at.length, series.keptMs, series.warmUp], [TRACK_WINDOWS, 3_600_000, 30])
  assert.deepEqual([series.at[0], series.at.at(-1)], [START + 80 * WINDOW_MS, START + 199 * WINDOW_MS])
  assert.deepEqual(
    series.metrics.map(({ name }) => name),
    METRICS.map(({ name }) => name),
  )
  const { value, low, high } = series.metrics[0]!
  for (let i = 0; i < TRACK_WINDOWS; i++) {
    const seen = METRICS[0]!.grain * Math.expm1(8 + Math.sin(80 + i))
    assert.ok(Math.abs(value[i]! / seen - 1) < 1e-3, `${value[i]} ${seen}`)
    assert.ok(low[i]! < seen && seen < high[i]!)
  }
})

test('what was missing is missing, and what was not known is null: in warming up the band, later what no source told', () => {
  const watch = createWatch()
  const row = addRow(watch)
  for (let k = 0; k < 40; k++) if (k < 30 || k > 33) tick(watch, [row], k, k === 39 ? Number.NaN : 5)
  const { at, metrics } = seriesOf(watch, row)!
  assert.equal(at.length, 36)
  assert.deepEqual(
    at.slice(29, 32),
    [29, 34, 35].map((k) => START + k * WINDOW_MS),
  )
  const { value, low, high } = metrics[3]!
  assert.deepEqual([value.at(-1), value[0]], [null, Number((Math.E ** 5 - 1).toPrecision(4))])
  assert.deepEqual([low[19], high[19]], [null, null])
  assert.ok(low[21]! < high[21]!)
})

test('each row has its own hour, beyond the edge of a block, too; an hour that is over leaves nothing behind', () => {
  const watch = createWatch()
  const rows = Array.from({ length: 70 }, () => addRow(watch))
  for (const row of rows) for (let k = 0; k < 3; k++) tick(watch, [row], k, row / 10)
  for (const row of rows) {
    const { value } = seriesOf(watch, row)!.metrics[3]!
    assert.ok(value.every((one) => Math.abs(one! - Math.expm1(row / 10)) <= 1e-3 * Math.exp(row / 10)))
  }
  tick(watch, [rows[3]!], 2 * TRACK_WINDOWS, 1)
  assert.deepEqual(seriesOf(watch, rows[3]!)!.at, [START + 2 * TRACK_WINDOWS * WINDOW_MS])
})

test('ten thousand workloads have their hour in 67 MB; the one after the last place is watched, and has none', () => {
  const watch = createWatch()
  const rows = Array.from({ length: 10_241 }, () => addRow(watch))
  tick(watch, rows, 0, 3)
  const bytes = watch.track.blocks
    .flatMap(({ window, score, regime, readings }) => [window, score, regime, readings])
    .reduce((sum, column) => sum + column.byteLength, 0)
  assert.ok(bytes < 67e6, `${bytes}`)
  assert.notEqual(seriesOf(watch, 10_239), null)
  assert.equal(seriesOf(watch, 10_240), null)
  assert.notEqual(driftOf(watch, 10_240), null)
})

test('who is forgotten warms up again, and the others know what they knew', () => {
  const watch = createWatch()
  const [one, other] = [addRow(watch), addRow(watch)]
  for (let k = 0; k < 100; k++) tick(watch, [one, other], k, 5)
  tick(watch, [one, other], 100, 12)
  assert.ok(driftOf(watch, one)!.score > 0.5)
  forgetRow(watch, one)
  const after = driftOf(watch, one)!
  assert.deepEqual([after.score, after.since, after.lasted, after.windows, after.cause], [0, null, 0, 0, null])
  assert.ok(driftOf(watch, other)!.score > 0.5)
  for (let k = 101; k < 115; k++) tick(watch, [one, other], k, 12)
  assert.deepEqual([driftOf(watch, one)!.score, driftOf(watch, one)!.windows], [0, 14])
  assert.equal(seriesOf(watch, one)!.metrics.length, WIDTH)
})

test('a row that was freed is the next one’s, who is told of as if nobody had had it, and the others keep theirs', () => {
  const [watch, fresh] = [createWatch(), createWatch()]
  const [gone, other] = [addRow(watch), addRow(watch)]
  for (let k = 0; k < 100; k++) tick(watch, [gone, other], k, k < 90 ? 5 : 12)
  const kept = [driftOf(watch, other), seriesOf(watch, other)]
  freeRow(watch, gone)
  const [row, alone] = [addRow(watch), addRow(fresh)]
  assert.deepEqual([row, watch.rows], [gone, 2])
  assert.deepEqual([driftOf(watch, row), seriesOf(watch, row)], [null, null])
  for (let k = 100; k < 160; k++) {
    const reading = 7 + Math.sin(k)
    tick(watch, [row], k, reading)
    tick(fresh, [alone], k, reading)
    assert.deepEqual([driftOf(watch, row), seriesOf(watch, row)], [driftOf(fresh, alone), seriesOf(fresh, alone)])
  }
  assert.deepEqual([driftOf(watch, other), seriesOf(watch, other)], kept)
})

test('how long it lasts is counted in windows in a row; a gap begins anew, a window nobody looked at does not count', () => {
  const watch = createWatch()
  const row = addRow(watch)
  for (let k = 0; k < 400; k++) tick(watch, [row], k, 5)
  const lasted = (k: number, reading: number) => {
    tick(watch, [row], k, reading)
    return driftOf(watch, row)!.lasted
  }
  assert.deepEqual(
    [400, 401, 402].map((k) => lasted(k, 12)),
    [1, 2, 3],
  )
  assert.equal(lasted(403, Number.NaN), 3)
  assert.equal(lasted(404, 12), 4)
  assert.equal(lasted(406, 12), 5, 'one window is missing')
  assert.equal(lasted(412, 12), 1, 'five are')
  assert.equal(lasted(413, 5), 0)
})
