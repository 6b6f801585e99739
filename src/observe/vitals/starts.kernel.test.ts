import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { needRoot } from '../../../test/need.ts'
import type { Message } from '../../netlink/message.ts'
import { readProcEvent } from '../../netlink/proc-events.ts'
import { netnsOf } from './processes.ts'
import { createStartsBook, watchStarts } from './starts.ts'

const ip = (...argv: string[]) => execFileSync('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] })

test('programs that a namespace starts are counted, short ones too, and this thread stays where it was', {
  skip: needRoot(),
}, async () => {
  const space = `guiseSt${process.pid % 100_000}`
  const home = netnsOf(process.pid)
  const watch = watchStarts()
  try {
    ip('netns', 'add', space)
    assert.equal(netnsOf(process.pid), home)
    watch.setSpaces(new Map([[statSync(`/run/netns/${space}`).ino, 'w']]))
    const drained = async (least: number) => {
      for (const end = performance.now() + 5_000; watch.count('w') < least; await wait(10)) {
        assert.ok(performance.now() < end, `${watch.count('w')} of ${least}`)
        watch.drain()
      }
    }
    // It waits for a line first: whoever enters a namespace and is gone before it is asked is not known to have been there.
    const loop = 'read go; for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done'
    const shell = spawn('ip', ['netns', 'exec', space, 'sh', '-c', loop], { stdio: ['pipe', 'ignore', 'ignore'] })
    await drained(1)
    const ended = once(shell, 'exit')
    shell.stdin.end('go\n')
    await ended
    await drained(11)
    // `ip` starts outside; asked late, it has entered by then, and is one more.
    assert.ok(watch.count('w') <= 12, `${watch.count('w')}: the shell, and ten that were gone before anybody could ask`)
    assert.equal(watch.counters.lost, 0)
  } finally {
    watch.close()
    if (existsSync(`/run/netns/${space}`)) ip('netns', 'delete', space)
  }
})

const event = (what: number, ...words: number[]): Message => {
  const payload = Buffer.alloc(20 + 16 + 4 * words.length)
  payload.writeUInt32LE(1, 0)
  payload.writeUInt32LE(1, 4)
  payload.writeUInt32LE(what, 20)
  for (const [i, word] of words.entries()) payload.writeInt32LE(word, 36 + 4 * i)
  return { type: 3, flags: 0, sequence: 0, payload }
}

test('a process that is gone counts for whom its parent was, a thread is no process, and nobody is asked without end', () => {
  let asked = 0
  const book = createStartsBook((pid) => {
    asked++
    return pid === 10 ? 7 : 0
  })
  book.setSpaces(new Map([[7, 'w']]))
  book.hear(event(1, 10, 10, 11, 11))
  book.hear(event(1, 11, 11, 99, 11))
  book.hear(event(2, 11, 11))
  assert.deepEqual([book.count('w'), readProcEvent(event(1, 11, 11, 99, 11))], [1, null])
  book.hear(event(0x80000000, 11, 11))
  book.hear(event(2, 11, 11))
  assert.deepEqual([book.count('w'), book.counters.nobodys], [1, 1])
  asked = 0
  book.begin()
  for (let n = 0; n < 10_000; n++) book.hear(event(2, 500 + n, 500 + n))
  assert.ok(asked <= 500 && book.counters.unasked >= 9_500)
})

test('no bytes stop the reader of events', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 0x80000000),
      fc.nat(60),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      (what, cut, changes) => {
        const { payload } = event(what, 1, 1, 2, 2)
        for (const [at, value] of changes) if (at < payload.length) payload[at] = value
        readProcEvent({ type: 3, flags: 0, sequence: 0, payload: payload.subarray(0, cut) })
      },
    ),
  )
})
