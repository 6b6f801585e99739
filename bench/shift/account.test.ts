import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account, obeyedAfter, type Shift, type Way } from './account.ts'
import { PLANS, type Worn } from './flows.ts'

/** A message each 2 ms from 0 to 400; shifts to variant 1 and 0 in turn each 50 ms, a kernel change of 4 ms. */
const shifts: Shift[] = [0, 1, 2, 3, 4, 5].map((i) => {
  const began = 50 + i * 50
  return { variant: i % 2 === 0 ? 1 : 0, began, from: began + 10, to: began + 14 }
})
const sent = Array.from({ length: 200 }, (_, n) => n * 2)
const wears = (at: number, worn: Worn) => {
  const shift = shifts.findLast(({ from }) => at >= from + 2)
  return worn === 'both' || worn === (shift?.variant === 1 ? 'second' : 'first')
}
function way(worn: Worn, arrives: (n: number) => boolean): Way {
  const stream = PLANS.find((one) => one.permittedBy === worn && one.protocol === 'udp')!
  return {
    stream,
    sent,
    left: sent.map((at) => at + 0.2),
    got: sent.flatMap((at, n) => (arrives(n) ? [[n, at + 0.1] as const] : [])),
  }
}
const obedient = (worn: Worn) => way(worn, (n) => wears(sent[n]!, worn))

test('a kernel that obeys loses nothing and lets nothing through', () => {
  const sum = account([obedient('both'), obedient('first'), obedient('second')], shifts, 400)
  assert.equal(sum.lost, 0)
  assert.equal(sum.passedDenied, 0)
  assert.ok(sum.denied > 50)
  assert.deepEqual(
    obeyedAfter([obedient('first'), obedient('second')], shifts).map((ms) => Math.round(ms)),
    [12, 12, 12, 12],
  )
})

test('one message that did not arrive is lost, wherever it was sent', () => {
  for (const missing of [0, 31, 32, 199])
    assert.equal(account([way('both', (n) => n !== missing)], shifts, 400).lost, 1)
  const [loss] = account([way('both', (n) => n !== 31)], shifts, 400).losses
  assert.deepEqual(loss, { stream: 'udp4 wa→wb both', n: 31, after_ms: 0, before_ms: 48, sending_ms: 0.2 })
  // Of a stream of one persona: in the midst of what it permits.
  assert.equal(account([way('first', (n) => wears(sent[n]!, 'first') && n !== 115)], shifts, 400).lost, 1)
})

test('what got through after the kernel said that it is denied is told, and at most how much at a time', () => {
  const leaky = way('first', (n) => wears(sent[n]!, 'first') || (sent[n]! > 170 && sent[n]! < 176))
  const sum = account([leaky], shifts, 400)
  assert.equal(sum.passedDenied, 2)
  assert.equal(sum.mostPassedDenied, 2)
})

test('a way that never obeys is not passed over', () => {
  assert.equal(obeyedAfter([way('first', () => true)], shifts).includes(Number.POSITIVE_INFINITY), true)
})
