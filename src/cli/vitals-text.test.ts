import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FigureTold } from '../model/vitals.ts'
import { amountText, vitalsText } from './vitals-text.ts'

const figure = (more: Partial<FigureTold>): FigureTold => ({
  ...{ name: 'cpu', what: 'processor time', kind: 'counter', unit: 'cores' },
  ...{ now: 0.25, mean: 0.125, most: 0.5, total: 450, why: null },
  ...more,
})

test('known figures are rows with their units, unknown ones are gathered by their reason', () => {
  const unknown = { now: null, mean: null, most: null, total: null }
  const figures = [
    figure({}),
    figure({
      name: 'memory',
      what: 'memory in use',
      kind: 'level',
      unit: 'bytes',
      now: 12_345_678,
      mean: 1e7,
      most: 2e7,
      total: null,
    }),
    figure({ name: 'sent', what: 'sent on its link', unit: 'bytes/s', ...unknown, why: 'no link' }),
    figure({ name: 'received', what: 'received on its link', unit: 'bytes/s', ...unknown, why: 'no link' }),
  ]
  const history = { start: [1_000_000], columns: {} }
  const told = { at: 4_590_000, spanMs: 5_001, figures, history }
  assert.equal(
    vitalsText('web1', 'netns', told),
    [
      'web1',
      '                last 5 s    mean of the hour  most       total',
      'processor time  0.25 cores  0.125 cores       0.5 cores  450 seconds',
      'memory in use   12.3 MB     10 MB             20 MB',
      'not known: sent on its link, received on its link (no link)',
    ].join('\n'),
  )
  const meanOf = (start: number[]) =>
    /mean of \S+ \S+/.exec(vitalsText('web1', 'netns', { ...told, history: { ...history, start } }))?.[0]
  assert.deepEqual(
    [meanOf([]), meanOf([4_560_000]), meanOf([4_170_000]), meanOf([4_200_000])],
    ['mean of 5 s', 'mean of 30 s', 'mean of 7 min', 'mean of 7 min'],
  )
})

test('a workload that nobody can look at is told so, and one that was not told of yet otherwise', () => {
  const none = { at: null, spanMs: 0, figures: [], history: { start: [], columns: {} } }
  assert.match(vitalsText('phone', 'gateway', none), /no agent runs where it is/)
  assert.match(vitalsText('web1', 'netns', none), /Ask again in ten seconds/)
})

test('amounts keep three digits and take the step they are read in', () => {
  assert.equal(amountText(0, 'bytes/s'), '0 bytes/s')
  assert.equal(amountText(1_234, 'bytes/s'), '1.23 kB/s')
  assert.equal(amountText(5e18, 'bytes'), '5000 PB')
  assert.equal(amountText(4_321, 'calls'), '4321 calls')
})
