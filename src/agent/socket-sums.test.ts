import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SocketSum } from '../observe/sources/sock-diag.ts'
import { createSocketSums } from './socket-sums.ts'

const sum = (retransmits: number) => ({ rttMs: 5, rttSamples: 1, retransmits }) as SocketSum

test('only a rise of what is sent again is news, told once', () => {
  const sums = createSocketSums()
  sums.add('a', [sum(3), sum(4)])
  assert.deepEqual(sums.take('a'), { rttMs: 10, rttSamples: 2, retransmits: 0 })
  assert.equal(sums.take('a'), null)
  sums.add('a', [sum(9)])
  assert.equal(sums.take('a')?.retransmits, 2)
  sums.add('a', [sum(1)])
  assert.equal(sums.take('a')?.retransmits, 0, 'a socket went')
})

test('of whoever went nothing is remembered, also when a look at it comes late', () => {
  const sums = createSocketSums()
  for (let n = 0; n < 5_000; n++) {
    sums.add(`c${n}`, [sum(n)])
    sums.add(`c${n - 1}`, [sum(n)])
    sums.keepOnly(new Set([`c${n}`]))
  }
  assert.equal(sums.size, 1)
  assert.equal(sums.take('c4998'), null)
})
