import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { beaconScore } from './beacon-score.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function barsOf(times: readonly number[], now: number): number[] {
  const bars = new Array<number>(24).fill(0)
  for (const time of times) bars[Math.min(23, Math.floor((time - (now - DAY)) / HOUR))]!++
  return bars
}
const every = (ms: number) => Array.from({ length: Math.floor(DAY / ms) }, (_, i) => i * ms)

test('a clock is a perfect beacon', () => {
  const times = every(300_000)
  const parts = beaconScore(
    times,
    times.map(() => 512),
    barsOf(times, DAY),
    DAY,
    DAY,
  )
  assert.ok(parts !== null && parts.score > 0.99, JSON.stringify(parts))
  assert.equal(parts.intervalMs, 300_000)
})

test('jitter of 200 to 350 s, as the known beacon has, stays above 0.9', () => {
  const times: number[] = []
  for (let t = 0, i = 0; t < DAY; t += 200_000 + ((i++ * 7_919) % 150_000)) times.push(t)
  const parts = beaconScore(
    times,
    times.map(() => 800),
    barsOf(times, DAY),
    DAY,
    DAY,
  )
  assert.ok(parts !== null && parts.score > 0.9, JSON.stringify(parts))
})

test('bursts of a person do not score', () => {
  const times: number[] = []
  for (const start of [9, 9.6, 11.1, 14, 14.2, 16.8])
    for (let i = 0; i < 12; i++) times.push(start * HOUR + i ** 3 * 1_100)
  times.sort((a, b) => a - b)
  const sizes = times.map((_, i) => 300 + ((i * 7_919) % 4_000))
  const parts = beaconScore(times, sizes, barsOf(times, DAY), DAY, DAY)
  assert.ok(parts !== null && parts.score < 0.6, JSON.stringify(parts))
})

test('three connections, or many at once, are nothing', () => {
  assert.equal(beaconScore([0, HOUR, 2 * HOUR], [1, 1, 1], barsOf([0], DAY), DAY, DAY), null)
  assert.equal(beaconScore([5, 5, 5, 5, 5, 5], [], barsOf([5], DAY), DAY, DAY), null)
})

test('every part is between 0 and 1, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(DAY - 1), { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(1e6), { maxLength: 60 }),
      (raw, sizes) => {
        const times = raw.sort((a, b) => a - b)
        const parts = beaconScore(times, sizes, barsOf(times, DAY), DAY, DAY)
        if (parts === null) return
        for (const x of [parts.score, parts.timing, parts.duration, parts.histogram])
          assert.ok(x >= 0 && x <= 1, JSON.stringify(parts))
        assert.ok(Number.isNaN(parts.size) || (parts.size >= 0 && parts.size <= 1))
      },
    ),
  )
})
