/** Pure parts of the panel of what a workload uses: what is drawn and how high, what is only named, how amounts are said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FigureName, FigureTold, VitalsTold } from '../../src/model/vitals.ts'
import { NOON } from '../fixtures/seed.ts'
import { buildVitals } from '../fixtures/vitals.ts'
import { buildWorld } from '../fixtures/world.ts'
import { usageAmount, usageBelow, usageTotal } from '../src/pages/workload/usage-amount.ts'
import { knownFigures, since, spanOf, usageOf } from '../src/pages/workload/usage-series.ts'
import { usageWords } from '../src/pages/workload/usage-words.ts'
import { addWords, initWords } from '../src/words/words.ts'

initWords()
addWords(usageWords)

const told = buildVitals(buildWorld(NOON, 14).workloads[0]!, NOON)
const usage = usageOf(told)
const nb = (text: string) => text.replaceAll('\u00a0', ' ')
const figure = (name: FigureName, unit: string, rest: Partial<FigureTold> = {}): FigureTold => ({
  ...{ name, unit, what: name, kind: 'counter', now: null, mean: null, most: null, total: null, why: null },
  ...rest,
})

test('what moved is drawn, processor and memory first; what was nothing is named; what is not known stands by its reason', () => {
  assert.deepEqual(
    usage.drawn.map((one) => one.figure.name),
    ['cpu', 'memory', 'diskRead', 'diskWrite', 'sent', 'received', 'dropsOut', 'backlog', 'processes', 'systemCalls'],
  )
  assert.deepEqual(
    usage.still.map(({ name }) => name),
    ['oomKills', 'dropsIn', 'errors', 'queueDrops'],
  )
  assert.deepEqual(
    usage.unknown.map(({ figures }) => figures.map(({ name }) => name)),
    [['throttled'], ['starts', 'syscalls']],
  )
  const known = usage.drawn.length + usage.still.length
  assert.equal(knownFigures(told).length, known + 1, 'the limit of memory has a row, and is a line in a picture')
})

test('a picture reaches from nothing to the most of the hour, or to the limit; an idle figure stays near its floor', () => {
  const [cpu, memory] = usage.drawn
  assert.equal(cpu!.top, Math.max(...cpu!.column.map((value) => value ?? 0)))
  assert.deepEqual([cpu!.limit, memory!.limit], [null, 1_073_741_824])
  assert.equal(memory!.top, Math.max(1_073_741_824, ...memory!.column.map((value) => value ?? 0)))
  assert.equal(usage.at.at(-1)! - told.history.start.at(-1)!, 30_000, 'a window is drawn where it ends')
  const idle: VitalsTold = {
    ...{ at: 1, spanMs: 5_000, history: { start: [0], columns: { cpu: [0.001] } } },
    figures: [figure('cpu', 'cores', { now: 0.001, mean: 0.001, most: 0.001, total: 0.03 })],
  }
  assert.equal(usageOf(idle).drawn[0]!.top, 0.05)
})

test('a figure known before and not now keeps its picture and says why; one never known has none', () => {
  const { drawn, unknown } = usageOf({
    ...{ at: 1, spanMs: 5_000, history: { start: [0, 30_000], columns: { sent: [9_000, null] } } },
    figures: [
      figure('sent', 'bytes/s', { mean: 9_000, most: 9_000, total: 270_000, why: 'no link' }),
      figure('starts', 'programs/s'),
    ],
  })
  assert.deepEqual(drawn[0]!.column, [9_000, null])
  assert.deepEqual([unknown[0]!.why, unknown[0]!.figures[0]!.name], [null, 'starts'])
})

test('the last quarter: its windows, and what they come to; before a window is over, all that was told', () => {
  const quarter = since(told, told.at! - 900_000)
  assert.equal(quarter.history.start.length, 29)
  assert.ok(spanOf(quarter) <= 900_000 && spanOf(quarter) > 840_000)
  assert.ok(spanOf(told) > 3_540_000)
  const [cpu, column] = [quarter.figures.find(({ name }) => name === 'cpu')!, quarter.history.columns.cpu!]
  const sum = column.reduce<number>((all, value) => all + value!, 0)
  assert.deepEqual([cpu.mean, cpu.most, cpu.total], [sum / 29, Math.max(...(column as number[])), sum * 30])
  const memory = quarter.figures.find(({ name }) => name === 'memory')!
  assert.equal(memory.total, null, 'a level adds up to nothing')
  const fresh = {
    at: 20_000,
    spanMs: 5_000,
    figures: [figure('cpu', 'cores', { mean: 1 })],
    history: { start: [], columns: {} },
  }
  assert.equal(since(fresh, 0), fresh)
})

test('amounts are said with their unit, rare events by the minute', () => {
  const said = (
    [
      [0.312, 'cores'],
      [0.002, 'cores'],
      [2.36, 'cores'],
      [391e6, 'bytes'],
      [5.1e6, 'bytes/s'],
      [0.05, 'programs/s'],
      [0.0001, 'kills/s'],
      [12, 'packets/s'],
      [0, 'packets/s'],
      [14, 'processes'],
    ] as const
  ).map(([value, unit]) => nb(usageAmount(value, unit)))
  assert.deepEqual(said, [
    ...['0.31 cores', 'under 0.01 cores', '2.4 cores', '391 MB', '5.1 MB/s'],
    ...['3/min', 'under 0.1/min', '12/s', '0/s', '14'],
  ])
  assert.deepEqual([usageTotal(750, 'cores'), usageTotal(2e9, 'bytes/s'), usageTotal(3, 'kills/s')].map(nb), [
    ...['12 min', '2 GB', '3'],
  ])
  const memory = figure('memory', 'bytes', { now: 5e8, mean: 4e8, most: 6e8 })
  assert.equal(nb(usageBelow(memory, 1e9, 5e8)), '50 % of its limit 1 GB')
  assert.equal(nb(usageBelow(memory, null, 5e8)), 'mean 400 MB, most 600 MB')
})
