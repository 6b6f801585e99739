import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadId } from '../model/ids.ts'
import type { WireVitals } from '../model/vitals.ts'
import { createVitalsBook } from './vitals-book.ts'

const START = 1_000_000_020_000
const batch = (n: number, values: (number | null)[], key = 'a', why?: Record<string, string>): WireVitals => ({
  start: START + n * 5_000,
  spanMs: 5_000,
  figures: ['cpu', 'memory', 'sent'],
  rows: [{ key, values, ...(why === undefined ? {} : { why }) }],
})
const ours = (key: string) => (key === 'strange' ? null : (key as WorkloadId))
const figure = (book: ReturnType<typeof createVitalsBook>, name: string, key = 'a') =>
  book.of(key as WorkloadId).figures.find((one) => one.name === name)!

test('ticks are told as rates, windows of 30 s as history, and what is not known as null with its reason', () => {
  const book = createVitalsBook()
  for (let n = 0; n < 8; n++)
    book.take(batch(n, [1, 100 + n, null], 'a', n === 0 ? { sent: 'no link' } : undefined), ours)
  const { at, figures, history } = book.of('a' as WorkloadId)
  assert.equal(at, START + 40_000)
  assert.deepEqual(figure(book, 'cpu'), {
    name: 'cpu',
    what: 'processor time',
    kind: 'counter',
    unit: 'cores',
    now: 0.2,
    mean: 0.2,
    most: 0.2,
    total: 8,
    why: null,
  })
  assert.deepEqual(
    [figure(book, 'memory').now, figure(book, 'memory').most, figure(book, 'memory').total],
    [107, 107, null],
  )
  assert.deepEqual(
    [figure(book, 'sent').now, figure(book, 'sent').mean, figure(book, 'sent').why],
    [null, null, 'no link'],
  )
  assert.equal(figures.length, 18)
  assert.equal(history.start.length, 1)
  assert.deepEqual(Object.keys(history.columns), ['cpu', 'memory'])
  assert.ok(Math.abs(history.columns.cpu![0]! - 0.2) < 1e-6)
})

test("a repeat counts once, a stranger's rows not at all, and what nobody told is empty", () => {
  const book = createVitalsBook()
  book.take(batch(0, [1, 1, 1]), ours)
  book.take(batch(0, [1, 1, 1]), ours)
  book.take(batch(0, [1, 1, 1], 'strange'), ours)
  assert.equal(figure(book, 'cpu').total, 1)
  assert.deepEqual(book.of('strange' as WorkloadId), {
    at: null,
    spanMs: 0,
    figures: [],
    history: { start: [], columns: {} },
  })
})

test('an hour is kept and no more; a figure that came late is unknown before; gaps are gaps', () => {
  const book = createVitalsBook()
  for (let n = 0; n < 6 * 150; n++) book.take(batch(n, [n % 2 === 0 ? 1 : null, 5, n < 600 ? null : 50]), ours)
  const { history } = book.of('a' as WorkloadId)
  assert.equal(history.start.length, 120)
  assert.equal(history.start[1]! - history.start[0]!, 30_000)
  assert.equal(history.columns.sent![0], null)
  assert.equal(history.columns.sent!.at(-1), 10)
  assert.equal(history.columns.cpu!.length, 120)
  assert.ok(Math.abs(history.columns.cpu!.at(-1)! - 0.2) < 1e-6, 'of half the ticks, per second of those')
})

test('beyond the bound the last tick alone is kept, and who was not heard for an hour makes room', () => {
  const book = createVitalsBook(2)
  for (const key of ['a', 'b', 'c']) for (let n = 0; n < 14; n++) book.take(batch(n, [1, 1, 1], key), ours)
  assert.equal(book.of('b' as WorkloadId).history.start.length, 2)
  assert.equal(book.of('c' as WorkloadId).history.start.length, 0)
  assert.equal(figure(book, 'cpu', 'c').now, 0.2)
  for (let n = 1_000; n < 1_014; n++) book.take(batch(n, [1, 1, 1], 'd'), ours)
  assert.equal(book.of('a' as WorkloadId).at, null)
  assert.equal(book.of('d' as WorkloadId).history.start.length, 2)
})
