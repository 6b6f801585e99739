import assert from 'node:assert/strict'
import { uptime } from 'node:os'
import { test } from 'node:test'
import { createBootClock } from './boot-clock.ts'

test('tells what the kernel tells in /proc/uptime, and never goes back', () => {
  const clock = createBootClock()
  const before = uptime() * 1_000
  const now = clock()
  assert.ok(now >= before - 20 && now <= uptime() * 1_000 + 20, `${before} ${now}`)
  let last = now
  for (let i = 0; i < 1_000; i++) {
    const next = clock()
    assert.ok(next >= last)
    last = next
  }
})
