import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WorkloadId } from '../../model/ids.ts'
import { createWindow, TOP_PEERS, type Window } from '../../model/window.ts'
import { decodeWindow, encodeWindow } from './encode.ts'
import { mergeWindow } from './merge.ts'

const ID = 'w_1' as WorkloadId

const windowOf = (peers: number) =>
  fc
    .record({
      sums: fc.array(fc.tuple(fc.nat(37), fc.nat(1_000_000)), { maxLength: 10 }),
      registers: fc.array(fc.tuple(fc.nat(319), fc.nat(27)), { maxLength: 20 }),
      histograms: fc.array(fc.tuple(fc.nat(63), fc.nat(100)), { maxLength: 10 }),
      peers: fc.uniqueArray(fc.tuple(fc.nat(peers - 1), fc.nat(1_000), fc.nat(1_000_000)), {
        maxLength: TOP_PEERS,
        selector: ([peer]) => peer,
      }),
    })
    .map((parts): Window => {
      const window = createWindow(ID, 0, 5_000)
      for (const [i, x] of parts.sums) window.sums[i] = x
      for (const [i, x] of parts.registers) window.registers[i] = x
      for (const [i, x] of parts.histograms) window.histograms[i] = x
      window.peers = parts.peers.map(([n, flows, bytes]) => ({
        peer: `10.0.0.${n}`,
        flows,
        bytesOut: bytes,
        bytesIn: 0,
      }))
      return window
    })

function merged(...parts: readonly Window[]): Window {
  const all = createWindow(ID, 0, 30_000)
  for (const part of parts) mergeWindow(all, part)
  return all
}

test('order and grouping do not matter', () => {
  const window = windowOf(TOP_PEERS)
  fc.assert(
    fc.property(window, window, window, (a, b, c) => {
      assert.deepEqual(merged(a, b, c), merged(c, b, a))
      assert.deepEqual(merged(merged(a, b), c), merged(a, merged(b, c)))
    }),
  )
})

test('beyond eight peers order still does not matter for two, and no share is ever too high', () => {
  const window = windowOf(40)
  fc.assert(
    fc.property(window, window, window, (a, b, c) => {
      assert.deepEqual(merged(a, b), merged(b, a))
      const truth = new Map<string, number>()
      for (const { peer, bytesOut } of [a, b, c].flatMap((one) => one.peers))
        truth.set(peer, (truth.get(peer) ?? 0) + bytesOut)
      const all = merged(a, b, c)
      assert.ok(all.peers.length <= TOP_PEERS)
      for (const share of all.peers) assert.ok(share.bytesOut <= truth.get(share.peer)!)
    }),
  )
})

test('a window survives the wire', () => {
  fc.assert(
    fc.property(windowOf(8), (window) => {
      const wire = JSON.parse(JSON.stringify(encodeWindow(window, 'k')))
      assert.deepEqual(decodeWindow(wire, ID), window)
    }),
  )
  const wire = encodeWindow(createWindow(ID, 0, 5_000), 'k')
  assert.equal(decodeWindow({ ...wire, registers: 'AAAA' }, ID), null)
})
