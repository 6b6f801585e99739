import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from '../../model/address.ts'
import { createFlowBatch, Phase, Proto, stateCode } from '../../model/flow.ts'
import { MAX_WORDS } from '../../model/portrait.ts'
import { createServiceNames } from '../source.ts'
import { createFlowPortraits } from './flow-portraits.ts'

const [HOST, PEER] = [parseAddress('10.0.0.7')!, parseAddress('192.0.2.9')!]

type Row = { readonly at: number; readonly port: number; readonly phase?: number; readonly state?: number }

function batchOf(rows: readonly Row[]) {
  const batch = createFlowBatch(Math.max(1, rows.length))
  for (const [i, { at, port, phase = Phase.whole, state = stateCode.SF }] of rows.entries()) {
    batch.start[i] = at
    batch.end[i] = at + 500
    batch.source.set(HOST, 4 * i)
    batch.target.set(PEER, 4 * i)
    batch.targetPort[i] = port
    batch.proto[i] = Proto.tcp
    batch.bytesOut[i] = 1_000
    batch.phase[i] = phase
    batch.state[i] = state
  }
  batch.count = rows.length
  return batch
}

test('a host is painted by what it starts and serves, in order and pace; names apart from behaviour', () => {
  const portraits = createFlowPortraits(createServiceNames())
  const batch = batchOf([
    { at: 1_000, port: 443 },
    { at: 9_000, port: 25 },
    { at: 9_100, port: 50_000, state: stateCode.S0 },
  ])
  batch.hints.push({
    kind: 'dns',
    at: 1_000,
    source: HOST,
    target: PEER,
    sourcePort: 40_000,
    targetPort: 53,
    proto: Proto.udp,
    query: 'abc123456.mail.example.com',
    type: 1,
    code: 0,
    answers: [],
    answeredMs: 3,
  })
  portraits.take(batch)
  const { behaviour, hints, started } = portraits.hosts.get('10.0.0.7')!
  assert.equal(started, 3)
  assert.deepEqual([...behaviour.keys()].slice(0, 6), [
    'starts tcp 443',
    'starts tcp 443 ends SF',
    'starts tcp 443 out 10',
    'starts tcp 443 in 0',
    'starts tcp 443 for 9',
    'starts tcp 25',
  ])
  for (const word of ['tcp 443 then tcp 25', 'pause 13', 'starts tcp high ends S0'])
    assert.ok(behaviour.has(word), word)
  assert.deepEqual([...hints.keys()], ['asks for *.mail.example.com', 'asks in example.com'])
  assert.ok(portraits.hosts.get('192.0.2.9')!.behaviour.has('serves tcp 25'))
})

test('a conversation that is told in steps is started once', () => {
  const portraits = createFlowPortraits(createServiceNames())
  portraits.take(
    batchOf([
      { at: 1_000, port: 443, phase: Phase.opened, state: stateCode.none },
      { at: 1_000, port: 443, phase: Phase.progress, state: stateCode.none },
      { at: 1_000, port: 443, phase: Phase.closed },
    ]),
  )
  const { behaviour, started } = portraits.hosts.get('10.0.0.7')!
  assert.equal(started, 1)
  assert.equal(behaviour.get('starts tcp 443'), 1)
  assert.equal(behaviour.get('starts tcp 443 ends SF'), 1)
})

test('whatever is in a batch, words stay bounded and are told of hosts alone', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          at: fc.double({ min: 0, max: 4e12, noNaN: true }),
          port: fc.nat(65_535),
          state: fc.nat(200),
          phase: fc.nat(9),
        }),
      ),
      (rows) => {
        const portraits = createFlowPortraits(createServiceNames())
        portraits.take(batchOf(rows))
        for (const { behaviour } of portraits.hosts.values()) {
          assert.ok(behaviour.size <= MAX_WORDS)
          for (const word of behaviour.keys()) assert.doesNotMatch(word, /NaN|undefined|10\.0\.0\.7/)
        }
      },
    ),
  )
})
