import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTimers } from './timers.ts'

test('whatever is added comes out in order of time, and nothing before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000)), fc.nat(1_000), (times, nowMs) => {
      const timers = createTimers<number>()
      for (const [i, time] of times.entries()) timers.add(time, i, time % 7)
      const out: number[] = []
      for (let what = timers.due(nowMs); what !== null; what = timers.due(nowMs)) {
        out.push(times[what]!)
        assert.equal(timers.dueKind, times[what]! % 7)
      }
      assert.deepEqual(
        out,
        times.filter((time) => time <= nowMs).sort((a, b) => a - b),
      )
      assert.equal(timers.size, times.length - out.length)
    }),
  )
})

test('a sweep drops what is not wanted and keeps the rest in order', () => {
  const timers = createTimers<number>()
  for (const time of [5, 3, 9, 1, 7]) timers.add(time, time, 0)
  timers.sweep((what) => what !== 3 && what !== 9)
  assert.deepEqual([timers.due(99), timers.due(99), timers.due(99), timers.due(99)], [1, 5, 7, null])
})
