import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId } from '../model/ids.ts'
import type { WireDenial } from '../model/wire.ts'
import { createDenialLog } from './denials.ts'

const AGENT = 'a' as AgentId
const denial = (more: Partial<WireDenial>): WireDenial => ({
  from: '10.0.0.5',
  to: '10.0.0.9',
  proto: 6,
  port: 443,
  sourcePort: 50_000,
  rule: 'default-deny',
  first: 1_000,
  last: 1_000,
  packets: 1,
  ...more,
})
const asked = { from: '10.0.0.5', to: '10.0.0.9', proto: 6, port: 443 }

test('of a conversation: its packets and its refused answers, not what else the other end tried', () => {
  const log = createDenialLog()
  const answer = denial({ from: '10.0.0.9', to: '10.0.0.5', port: 50_000, sourcePort: 443 })
  const other = denial({ from: '10.0.0.9', to: '10.0.0.5', port: 80, sourcePort: 40_000 })
  log.add(AGENT, [denial({}), answer, other, denial({ port: 444 })], 2_000)
  assert.deepEqual(
    log.between(asked).map(({ from, port }) => [from, port]),
    [
      ['10.0.0.5', 443],
      ['10.0.0.9', 50_000],
    ],
  )
})

test('of a ping: the request and the reply, in both families', () => {
  const log = createDenialLog()
  for (const [proto, request, reply] of [
    [1, 8, 0],
    [58, 128, 129],
  ] as const) {
    const { sourcePort: _, ...ping } = denial({ proto, port: request })
    log.add(AGENT, [ping, { ...ping, from: ping.to, to: ping.from, port: reply }], 2_000)
    assert.equal(log.between({ ...asked, proto, port: request }).length, 2)
  }
})

test('told again it is one entry, counted; an hour later it is gone; a flood pushes the oldest out', () => {
  const log = createDenialLog()
  log.add(AGENT, [denial({})], 2_000)
  log.add(AGENT, [denial({ last: 5_000, packets: 4 })], 6_000)
  assert.deepEqual(
    log.between(asked).map(({ packets, first, last }) => [packets, first, last]),
    [[5, 1_000, 5_000]],
  )
  for (let port = 1_000; port < 12_000; port++) log.add(AGENT, [denial({ port, last: 6_000 })], 6_000)
  assert.equal(log.between(asked).length, 0)
  assert.equal(log.between({ ...asked, port: 11_999 }).length, 1)
  log.add(AGENT, [], 6_000 + 3_600_001)
  assert.equal(log.between({ ...asked, port: 11_999 }).length, 0)
})
