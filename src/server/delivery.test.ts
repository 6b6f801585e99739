import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId } from '../model/ids.ts'
import type { ServerMessage } from '../model/wire.ts'
import { createDelivery } from './delivery.ts'

const agent = 'a1' as AgentId
const indicators = (hash: string): ServerMessage => ({
  type: 'indicators',
  hash,
  entries: [],
  neverBlock: [],
  homeNetworks: [],
})
const rollback = (n: number): ServerMessage => ({
  type: 'rollback',
  generation: { system: 's', timeline: 1, n },
  why: 'test',
})
const says =
  (...messages: ServerMessage[]) =>
  async () =>
    messages

test('newer state overtakes older, confirms keep their order, a second connection ends the first', async () => {
  const delivery = createDelivery(() => 0)
  const leave = new AbortController()
  const lines = delivery.stream(agent, says(indicators('first')), leave.signal)[Symbol.asyncIterator]()
  assert.deepEqual((await lines.next()).value, indicators('first'))
  const waiting = lines.next()
  delivery.send(agent, rollback(1))
  assert.deepEqual((await waiting).value, rollback(1))
  delivery.send(agent, indicators('a'))
  delivery.send(agent, rollback(2))
  delivery.send(agent, indicators('b'))
  assert.deepEqual((await lines.next()).value, rollback(2))
  assert.deepEqual((await lines.next()).value, indicators('b'))

  const quiet = lines.next()
  const second = delivery.stream(agent, says(indicators('second')), leave.signal)[Symbol.asyncIterator]()
  assert.deepEqual((await second.next()).value, indicators('second'))
  assert.equal((await quiet).done, true)
  assert.deepEqual(delivery.connected(), [agent])
  const last = second.next()
  leave.abort()
  assert.equal((await last).done, true)
  assert.deepEqual(delivery.connected(), [])
})

test('an agent too slow for its confirms is cut off, to start over with whole state', async () => {
  const delivery = createDelivery(() => 0)
  const lines = delivery.stream(agent, says(indicators('x')), new AbortController().signal)[Symbol.asyncIterator]()
  await lines.next()
  for (let n = 0; n <= 101; n++) delivery.send(agent, rollback(n))
  assert.equal((await lines.next()).done, true)
})

test('what is sent while an agent that comes is looked up reaches it, behind what was looked up', async () => {
  const delivery = createDelivery(() => 0)
  const record = Promise.withResolvers<readonly ServerMessage[]>()
  const leave = new AbortController()
  const lines = delivery.stream(agent, () => record.promise, leave.signal)[Symbol.asyncIterator]()
  const waiting = lines.next()
  assert.deepEqual(delivery.connected(), [agent], 'a plan that is sent now waits for it')
  delivery.send(agent, rollback(2))
  record.resolve([indicators('as it was')])
  assert.deepEqual((await waiting).value, indicators('as it was'))
  assert.deepEqual((await lines.next()).value, rollback(2))
  const gone = delivery.stream(agent, () => assert.fail('it left before'), AbortSignal.abort())
  assert.equal((await gone[Symbol.asyncIterator]().next()).done, true)
  assert.deepEqual(delivery.connected(), [agent], 'it takes over from nobody')
  leave.abort()
  assert.equal((await lines.next()).done, true)

  const { signal } = new AbortController()
  const broken = delivery.stream(agent, () => Promise.reject(new Error('the database is away')), signal)
  await assert.rejects(async () => await broken[Symbol.asyncIterator]().next(), /database is away/)
  assert.deepEqual(delivery.connected(), [])
})
