import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WorkloadId } from '../../model/ids.ts'
import { createWindow, type SumName, sumAt, WINDOW_MS, type Window } from '../../model/window.ts'
import { seeded } from '../random.ts'
import { METRICS } from './metrics.ts'
import { tailOf } from './tail-of.ts'
import { addRow, createBatch, createWatch, driftOf, stepWatch, type Watch, watchWindows } from './watch.ts'

const START = 1_790_000_010_000

function windowOf(k: number, sums: Partial<Record<SumName, number>>): Window {
  const window = createWindow('w' as WorkloadId, START + k * WINDOW_MS, WINDOW_MS)
  for (const [name, value] of Object.entries({ ticks: 6, ...sums })) window.sums[sumAt[name as SumName]] = value
  return window
}

/** A web server: answers some 100 flows a window, at night fewer. */
function ordinary(k: number, random: () => number): Window {
  const flows = 80 + Math.round(40 * random())
  return windowOf(k, {
    flowsServed: flows,
    bytesInServed: 800 * flows,
    bytesOutServed: 9_000 * flows * (0.8 + 0.4 * random()),
    rttMs: 12 * flows,
    rttSamples: flows,
  })
}

function serve(watch: Watch, row: number, from: number, count: number, random: () => number): void {
  for (let k = from; k < from + count; k++) watchWindows(watch, [{ row, window: ordinary(k, random) }])
}

test('a server that begins to send a hundred times as much is drifting from its first window, with what shows it', () => {
  const watch = createWatch()
  const row = addRow(watch)
  const random = seeded(1)
  serve(watch, row, 0, 400, random)
  const before = driftOf(watch, row)!
  assert.ok(before.score < 0.1 && before.since === null, JSON.stringify(before))
  assert.ok(before.surprise < 3)
  for (let k = 400; k < 410; k++) {
    const window = ordinary(k, random)
    window.sums[sumAt.bytesOutInitiated] = 90_000_000
    window.sums[sumAt.externalBytesOut] = 90_000_000
    watchWindows(watch, [{ row, window }])
    const { score, since, cause } = driftOf(watch, row)!
    assert.ok(score > 0.9, `window ${k}: ${score}`)
    assert.equal(since, START + 401 * WINDOW_MS)
    assert.equal(cause!.metric, 'bytes to outside')
    assert.equal(cause!.side, 'above')
    assert.ok(Math.abs(cause!.seen - 90_000_000) < 1)
    assert.ok(cause!.high < 10_000)
  }
  serve(watch, row, 410, 5, random)
  assert.ok(driftOf(watch, row)!.score < 0.1)
  assert.equal(driftOf(watch, row)!.since, null)
})

test('ordinary days are left in peace: no workload of fifty is strange for more than one window in five hundred', () => {
  const watch = createWatch()
  const rows = Array.from({ length: 50 }, () => addRow(watch))
  const randoms = rows.map((row) => seeded(row + 1))
  let strange = 0
  for (let k = 0; k < 600; k++) {
    watchWindows(
      watch,
      rows.map((row) => ({ row, window: ordinary(k, randoms[row]!) })),
    )
    strange += rows.filter((row) => driftOf(watch, row)!.score >= 0.5).length
  }
  assert.ok(strange <= (50 * 600) / 500, `${strange} strange windows`)
})

test('nothing is said of who was never seen; a window that nobody looked at, and a silence of days, are no drift', () => {
  const watch = createWatch()
  const row = addRow(watch)
  assert.equal(driftOf(watch, row), null)
  const random = seeded(5)
  serve(watch, row, 0, 300, random)
  watchWindows(watch, [{ row, window: windowOf(300, { ticks: 0 }) }])
  assert.ok(driftOf(watch, row)!.score < 0.5)
  assert.equal(driftOf(watch, row)!.surprise, 0)
  serve(watch, row, 300 + 2 * 2_880, 20, random)
  const { score, surprise } = driftOf(watch, row)!
  assert.ok(score < 0.5 && surprise < 3)
})

test('a window with half of its ticks says the same as a whole one', () => {
  const watch = createWatch()
  const row = addRow(watch)
  serve(watch, row, 0, 300, seeded(2))
  const half = windowOf(300, { ticks: 3, flowsServed: 50, bytesInServed: 40_000, bytesOutServed: 450_000 })
  watchWindows(watch, [{ row, window: half }])
  assert.ok(driftOf(watch, row)!.score < 0.5)
  assert.ok(driftOf(watch, row)!.surprise < 2)
})

test('a batch of many says of each what it says alone, and any readings at all give a score and a band', () => {
  const vector = fc.array(fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), fc.constant(Number.NaN)), {
    minLength: METRICS.length,
    maxLength: METRICS.length,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(vector, vector), { maxLength: 60 }), (told) => {
      const [both, alone] = [createWatch(), createWatch()]
      const rows = [addRow(both), addRow(both)]
      addRow(alone)
      for (const [k, vectors] of told.entries()) {
        const batch = createBatch(2)
        batch.rows.set(rows)
        batch.readings.set(vectors.flat())
        stepWatch(both, batch, Float64Array.of(START + k * WINDOW_MS, START + k * WINDOW_MS))
        const one = createBatch(1)
        one.readings.set(vectors[1])
        stepWatch(alone, one, Float64Array.of(START + k * WINDOW_MS))
      }
      if (told.length === 0) return
      const drift = driftOf(both, rows[1]!)
      assert.deepEqual(drift, driftOf(alone, 0))
      assert.ok(drift!.score >= 0 && drift!.score <= 1 && drift!.surprise >= 0 && drift!.surprise < 1e3)
      if (drift!.cause !== null) assert.ok(drift!.cause.low <= drift!.cause.high)
    }),
    { numRuns: 60 },
  )
})

test('the tail is that of Student, 4 degrees of freedom, also where a difference would leave no digits', () => {
  // Tables: P(|T₄| > 2.776445) = 0.05, > 8.610302 = 0.001; far out 6/t⁴.
  for (const [t, p] of [
    [2.776445, 0.05],
    [8.610302, 0.001],
    [1e6, 6e-24],
  ] as const)
    assert.ok(Math.abs(tailOf(t / Math.SQRT2) / p - 1) < 1e-4, `${t}: ${tailOf(t / Math.SQRT2)}`)
  assert.equal(tailOf(0), 1)
})

/** An intruder sends a hundred times as much in every `every`-th window. */
function poisoned(rate: number, every: number): Watch {
  const watch = createWatch()
  const row = addRow(watch)
  const random = seeded(7)
  for (let k = 0; k < 1_200; k++) {
    const window = ordinary(k, random)
    const isHis = k >= 200 && k % every === 0
    if (isHis) window.sums[sumAt.bytesOutServed]! *= 100
    watchWindows(watch, [{ row, window, rate: isHis ? rate : 1 }])
  }
  return watch
}

/** Above this, bytes out are unexpected. */
function bandOf(watch: Watch): number {
  const window = ordinary(1_200, seeded(3))
  window.sums[sumAt.bytesOutServed]! *= 1e4
  watchWindows(watch, [{ row: 0, window }])
  return driftOf(watch, 0)!.cause!.high
}

test('a tenth of its windows under suspicion moves what is usual by less than 5 %, and without suspicion by more', () => {
  const clean = bandOf(poisoned(1, 2_000))
  assert.ok(Math.abs(bandOf(poisoned(0, 10)) / clean - 1) < 0.05)
  assert.ok(Math.abs(bandOf(poisoned(1, 10)) / clean - 1) > 0.5)
  const slower = bandOf(poisoned(1 / 8, 10)) / clean - 1
  assert.ok(slower > 0.05 && slower < bandOf(poisoned(1, 10)) / clean - 1, `${slower}`)
})

test('what lasts under suspicion never becomes familiar; what a host does with nothing against it does', () => {
  const scores = [0, 1].map((rate) => {
    const watch = createWatch()
    const row = addRow(watch)
    const random = seeded(1)
    serve(watch, row, 0, 400, random)
    for (let k = 400; k < 700; k++) {
      const window = ordinary(k, random)
      window.sums[sumAt.externalBytesOut] = 90_000_000
      watchWindows(watch, [{ row, window, rate }])
    }
    return driftOf(watch, row)!.score
  })
  assert.ok(scores[0]! > 0.9 && scores[1]! < 0.1, scores.join())
})
