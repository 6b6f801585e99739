import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSteadyClock } from './steady-clock.ts'

const NOON = Date.UTC(2026, 0, 5, 12, 0, 0)
const DAY_MS = 86_400_000

function host(start: number) {
  const time = { wall: start, ran: 0 }
  const clock = createSteadyClock(
    () => time.wall,
    () => time.ran,
  )
  const pass = (ms: number) => {
    time.wall += ms
    time.ran += ms
    return clock()
  }
  return { time, clock, pass }
}

for (const step of [3 * DAY_MS, -3 * DAY_MS]) {
  test(`a clock set by ${step / DAY_MS} days moves nothing for an hour`, () => {
    const { time, pass } = host(NOON)
    assert.equal(pass(60_000), NOON + 60_000)
    time.wall += step
    assert.equal(pass(1_000), NOON + 61_000)
    assert.equal(pass(900_000), NOON + 961_000)
    assert.equal(pass(3_600_000), NOON + 4_561_000 + step, 'then it is believed')
    assert.equal(pass(1_000), NOON + 4_562_000 + step)
  })
}

test('a step that is taken back leaves no trace; small corrections and a clock that wakes up are followed', () => {
  const { time, pass } = host(NOON)
  time.wall += DAY_MS
  assert.equal(pass(1_000), NOON + 1_000)
  time.wall -= DAY_MS
  assert.equal(pass(1_000), NOON + 2_000)
  for (let i = 1; i <= 10; i++) {
    time.wall += 20_000
    assert.equal(pass(1_000), NOON + 2_000 + i * 21_000)
  }
  const young = host(5_000)
  young.time.wall = NOON
  assert.equal(young.clock(), NOON)
})
