import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashWords } from '../../model/address-table.ts'
import { REGISTERS } from '../../model/window.ts'
import { bucketOf, hashNumber, sketchAdd, sketchEstimate } from './sketch.ts'

test('counts distinct addresses and ports within three standard errors', () => {
  for (const count of [0, 1, 2, 10, 50, 200, 1_000, 20_000]) {
    for (const hash of [(i: number) => hashWords([0, 0, 0xffff, 0x0a000000 + i]), hashNumber]) {
      const registers = new Uint8Array(REGISTERS)
      for (let i = 0; i < count; i++) for (let twice = 0; twice < 2; twice++) sketchAdd(registers, 0, hash(i))
      const estimate = sketchEstimate(registers, 0)
      assert.ok(Math.abs(estimate - count) <= Math.max(1, count * 0.39), `${count} counted as ${estimate}`)
    }
  }
})

test('buckets are the ones the model documents', () => {
  assert.deepEqual(
    [0, 63, 64, 191, 192, 1e12].map((x) => bucketOf(x, 64)),
    [0, 0, 1, 1, 2, 15],
  )
})
