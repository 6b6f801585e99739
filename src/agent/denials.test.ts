import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Words } from '../model/address.ts'
import { createDenialBook } from './denials.ts'

const words = (last: number): Words => [0, 0, 0xffff, (0x0a000000 + last) >>> 0]
const packet = (port: number, at: number | null = 1_000) => ({
  source: words(5),
  target: words(9),
  proto: 6,
  sourcePort: 50_000 + port,
  targetPort: port,
  prefix: 'short',
  at,
})

test('packets of one flow under one rule are one entry; only the first is news', () => {
  const book = createDenialBook((prefix) => `${prefix}/id`)
  assert.equal(book.add(packet(80), 1_000), true)
  assert.equal(book.add(packet(80, 2_000), 2_000), false)
  assert.deepEqual(book.take(), [
    {
      from: '10.0.0.5',
      to: '10.0.0.9',
      proto: 6,
      port: 80,
      sourcePort: 50_080,
      rule: 'short/id',
      first: 1_000,
      last: 2_000,
      packets: 2,
    },
  ])
  assert.equal(book.add(packet(80), 3_000), false, 'told a moment ago')
  book.take()
  assert.equal(book.add(packet(80), 100_000), true, 'news again after a quiet minute')
})

test('a scan fills one report and no more; the rest is counted', () => {
  const book = createDenialBook((prefix) => prefix)
  for (let port = 1; port <= 1_500; port++) book.add(packet(port), 1_000)
  assert.equal(book.take().length, 1_000)
  assert.equal(book.counters.overflow, 500)
})
