import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { wayBackMs } from './way-back.ts'

test('eight times the way there, five seconds of half a minute at least, and a third of it at most', () => {
  const of = (thereMs: number, withinMs: number) => Math.round(wayBackMs(thereMs, withinMs))
  assert.deepEqual([of(0, 30_000), of(800, 30_000), of(60_000, 30_000)], [5_000, 6_400, 10_000])
  assert.deepEqual([of(0, 120_000), of(60_000, 120_000)], [12_000, 40_000])
  assert.deepEqual([of(0, 2_000), of(60_000, 2_000)], [333, 333], 'most of a short time is for waiting')
})

test('whatever a change took and however long it has, at least a tenth and at most a third is kept', () => {
  fc.assert(
    fc.property(fc.nat(3_600_000), fc.integer({ min: 1, max: 3_600_000 }), (thereMs, withinMs) => {
      const kept = wayBackMs(thereMs, withinMs)
      return kept >= withinMs / 10 && kept <= withinMs / 3
    }),
  )
})
