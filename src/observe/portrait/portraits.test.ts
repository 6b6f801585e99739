import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ethernet, tcp, udp } from '../../../test/pcap-writer.ts'
import { MAX_WORDS } from '../../model/portrait.ts'
import { Reader } from '../reader.ts'
import { createPortraits } from './portraits.ts'

/** From `00:00:00:00:00:02` to `…:01` (test/pcap-writer.ts writes no addresses: they are put in here). */
function from(payload: Uint8Array, target: readonly number[] = [0, 0, 0, 0, 0, 1]): Uint8Array {
  const frame = ethernet(payload)
  frame.set(target, 0)
  frame.set([0, 0, 0, 0, 0, 2], 6)
  return frame
}

const DEVICE = '00:00:00:00:00:02'
const ROUTER = '00:00:00:00:00:01'

test('what a device sends, in which order and to whom, without an address in it', () => {
  const told: string[] = []
  const portraits = createPortraits((mac) => told.push(mac))
  const take = (bytes: Uint8Array, atMs: number) => portraits.take(new Reader().reset(bytes), atMs, bytes.length)
  const ends = { from: '10.0.0.7', to: '10.0.0.1' }
  take(from(udp({ ...ends, toPort: 123 }, 'x'.repeat(48))), 1_000)
  take(from(tcp({ ...ends, toPort: 443, flags: 'S', seq: 1 })), 1_250)
  const { behaviour, hints, first, last, packets } = portraits.devices.get(DEVICE)!
  assert.deepEqual({ first, last, packets }, { first: 1_000, last: 1_250, packets: 2 })
  assert.deepEqual(
    [...behaviour.keys()].sort(),
    [
      'sends ntp asks to one',
      'sends ntp of 76',
      'size 12',
      'ntp is new number 1',
      'sends tcp 443 syn asks to one',
      'size 11',
      'pause 8',
      'ntp then tcp 443',
      'tcp 443 is new number 2',
    ].sort(),
  )
  assert.deepEqual([...hints.keys()], ['syn 64 65535 '])
  assert.deepEqual([...portraits.devices.get(ROUTER)!.behaviour.keys()].sort(), [
    'gets ntp asks',
    'gets ntp of 76',
    'gets tcp 443 asks',
  ])
  assert.deepEqual(told, [DEVICE, ROUTER, DEVICE, ROUTER])
  for (const word of behaviour.keys()) assert.doesNotMatch(word, /10\.0\.0|00:00/)
})

test('a frame of any bytes, cut anywhere, is painted or left; words and devices are bounded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.nat({ max: 3_000 }), (bytes, more) => {
      createPortraits().take(new Reader().reset(bytes), 1, bytes.length + more)
    }),
  )
  const whole = from(udp({ from: '10.0.0.7', to: '10.0.0.1', toPort: 53 }, 'abc'))
  for (let cut = 0; cut <= whole.length; cut++)
    createPortraits().take(new Reader().reset(whole.subarray(0, cut)), 1, whole.length)
  const portraits = createPortraits()
  for (let port = 1; port < 6_000; port++) {
    const frame = from(udp({ from: '10.0.0.7', to: '10.0.0.1', toPort: port, fromPort: 60_000 }, 'a'))
    portraits.take(new Reader().reset(frame), port, frame.length)
  }
  assert.equal(portraits.devices.get(DEVICE)!.behaviour.size, MAX_WORDS)
  for (let i = 0; i < 5_000; i++) {
    const frame = from(new Uint8Array(30))
    frame.set([2, 0, 0, 0, i >> 8, i & 255], 6)
    portraits.take(new Reader().reset(frame), 1, frame.length)
  }
  assert.equal(portraits.devices.size, 4_096)
})
