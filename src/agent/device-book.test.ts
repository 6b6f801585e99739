import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDeviceBook, type Sighting } from './device-book.ts'

const DAY = 86_400_000
const NOW = 1_000 * DAY
const mac = (i: number) =>
  `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`
const at = (i: number, address: string, when = NOW, face = 'lan0'): Sighting => ({
  face,
  mac: mac(i),
  address,
  at: when,
})

test('a device keeps its key when its addresses change, and an address goes with whom it was seen last', () => {
  const book = createDeviceBook([])
  assert.equal(book.see(at(1, '10.0.0.5'), NOW), true)
  assert.equal(book.see(at(1, '10.0.0.5'), NOW), false, 'no news')
  assert.equal(book.see(at(1, 'fd00::5'), NOW), true)
  assert.equal(book.see(at(2, '10.0.0.5'), NOW), true, 'a lease that went to another')
  const [one, two] = book.devices()
  assert.deepEqual(Object.keys(one!.seen), ['fd00::5'])
  assert.deepEqual([two!.mac, Object.keys(two!.seen)], [mac(2), ['10.0.0.5']])
})

test('what sleeps for days is not gone; what was not heard of for a week is', () => {
  const book = createDeviceBook([])
  book.see(at(1, '10.0.0.5'), NOW)
  assert.equal(book.forget(NOW + 6 * DAY), false)
  assert.equal(book.devices().length, 1)
  assert.equal(book.see(at(1, '10.0.0.5', NOW), NOW + 6 * DAY), false, 'an old entry of the kernel is no news')
  assert.equal(book.forget(NOW + 8 * DAY), true)
  assert.deepEqual(book.devices(), [])
  assert.equal(book.see(at(1, '10.0.0.5', NOW), NOW + 8 * DAY), false, 'nor is it a way back')
})

test('what was seen while the clock was ahead goes when its week is over, also when it was kept over a restart', () => {
  const ahead = NOW + 365 * DAY
  const before = createDeviceBook([])
  before.see(at(1, '10.0.0.5', ahead), ahead)
  before.see(at(2, '10.0.0.6', ahead), ahead)
  const book = createDeviceBook(before.devices())
  assert.equal(book.forget(NOW), true, 'to be kept as it is now')
  assert.equal(book.forget(NOW), false)
  assert.equal(book.see(at(1, '10.1.0.5', NOW + 1, 'lan1'), NOW + 1), true, 'it is where it was seen since')
  book.forget(NOW + 8 * DAY)
  assert.deepEqual(book.devices(), [])
})

test('a device is on the interface where it was seen last', () => {
  const book = createDeviceBook([])
  book.see(at(1, '10.0.0.5', NOW), NOW)
  assert.equal(book.see(at(1, '10.1.0.5', NOW - DAY, 'lan1'), NOW), false)
  assert.equal(book.see(at(1, '10.1.0.5', NOW + 1, 'lan1'), NOW + 1), true)
  assert.deepEqual(
    book.devices().map(({ face, seen }) => [face, Object.keys(seen)]),
    [['lan1', ['10.1.0.5']]],
  )
})

test('whoever makes addresses up fills neither the book nor pushes out who was there', () => {
  const book = createDeviceBook([])
  for (let i = 1; i <= 1_000; i++) book.see(at(i, `10.1.${i >> 8}.${i & 255}`), NOW)
  assert.equal(book.see(at(2_000, '10.9.9.9'), NOW), false)
  assert.deepEqual([book.devices().length, book.refused], [1_000, 1])
  assert.equal(book.see(at(2_000, '10.9.9.9', NOW + DAY), NOW + DAY), true, 'what was quiet for long makes room')
  assert.equal(book.devices().length, 1_000)
  for (let i = 0; i < 100; i++) book.see(at(5, `fd00::${(i + 1).toString(16)}`, NOW + DAY + i), NOW + DAY + i)
  const { seen } = book.devices().find((one) => one.mac === mac(5))!
  assert.equal(Object.keys(seen).length, 13)
  assert.ok('fd00::64' in seen && !('fd00::1' in seen), 'the newest stay')
})

test('an address that is older than as many others is no news, and takes nothing from whoever has it', () => {
  const book = createDeviceBook([])
  book.see(at(2, 'fd00::99', NOW - 5), NOW)
  for (let i = 1; i <= 12; i++) book.see(at(1, `fd00::${i.toString(16)}`, NOW + i), NOW)
  for (const address of ['fd00::d', 'fd00::99']) assert.equal(book.see(at(1, address, NOW - 1), NOW), false, address)
  const [two, one] = book.devices()
  assert.deepEqual(Object.keys(two!.seen), ['fd00::99'])
  assert.equal(Object.keys(one!.seen).length, 12)
  assert.equal(book.see(at(1, 'fd00::d', NOW + 20), NOW), true, 'used again')
})

test('only what can be routed is an address of a device', () => {
  const refused = ['fe80::1', 'ff02::1', '224.0.0.1', '169.254.3.4', '0.0.0.0', '127.0.0.1', '::', '::1', 'x', '']
  fc.assert(
    fc.property(fc.constantFrom(...refused), (address) => {
      assert.equal(createDeviceBook([]).see(at(1, address), NOW), false)
    }),
  )
})
