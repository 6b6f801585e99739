/** The gate on a real record: what is stored of a workload and of a persona, and the verdict people read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, knowWorkload, reportOf } from '../../test/api.ts'
import { auditBy, MAIN } from '../../test/records.ts'
import type { GateReport } from '../model/gate.ts'
import { type PersonaId, slug, type WorkloadId } from '../model/ids.ts'
import type { ConversationRecord } from '../model/records.ts'
import { CONVERSATION_MS } from '../model/window.ts'
import { gateReport } from './learnt-gate.ts'

let f: Fixture
before(async () => {
  f = await apiFixture()
})
after(() => f[Symbol.asyncDispose]())

const STEPS = 288

/** `used` says what rules there were in each step, counted back from now. */
async function talk(
  workload: WorkloadId,
  steps: number,
  used: (step: number) => readonly Partial<ConversationRecord>[],
) {
  const end = Math.floor(f.clock.now / CONVERSATION_MS) * CONVERSATION_MS
  const rows = Array.from({ length: steps }, (_, step) => {
    const start = end - (steps - 1 - step) * CONVERSATION_MS
    return used(step).map((more) => ({
      ...{
        workload,
        peer: '198.51.100.7',
        port: 443,
        proto: 6,
        direction: 'initiated' as const,
        start,
        last: start + 1,
      },
      ...{ flows: 1, failed: 0, bytesOut: 1, bytesIn: 1, service: null },
      ...more,
    }))
  })
  await f.store.conversations.put(MAIN, rows.flat())
}

const gateOf = async (path: string) => (await f.as('viewer', `/v1/${path}/gate`)).json() as GateReport

test('a day of habits is ready, three minutes are not, a scan never is', async () => {
  const steady = await knowWorkload(f, reportOf('steady'))
  await talk(steady, STEPS - 1, (step) => [{}, { port: 5432, peer: `10.9.${step % 3}.1` }])
  const ready = await gateOf(`workloads/${steady}`)
  assert.equal(ready.verdict, 'ready', ready.why)
  assert.match(ready.sentence, /^≈ 0 % of traffic not seen yet \(0–[\d.]+ %\)$/)
  assert.deepEqual([ready.unseen.traffic, ready.unseen.rules], [2 * (STEPS - 1), 4])

  const young = await knowWorkload(f, reportOf('young'))
  await talk(young, 1, () => Array.from({ length: 40 }, (_, i) => ({ port: 1_000 + i })))
  const early = await gateOf(`workloads/${young}`)
  assert.equal(early.verdict, 'wait')
  assert.match(early.why, /says nothing of the next 24 h$/)

  const scanner = await knowWorkload(f, reportOf('scanner'))
  await talk(scanner, STEPS - 1, (step) => [{ port: 1 + step }])
  assert.equal((await gateOf(`workloads/${scanner}`)).unseen.share, 1)
  assert.equal((await gateOf(`workloads/${await knowWorkload(f, reportOf('silent'))}`)).why, 'nothing was seen yet')
})

test('peers of ours count by persona, so that one more of them is nothing new; a persona is all who are known by it', async () => {
  const peers = ['10.8.0.1', '10.8.1.1']
  const known = async (name: string, address: string, persona: string) => {
    const id = await knowWorkload(f, reportOf(name, { addresses: [address] }))
    const ref = { id: slug(persona) as PersonaId, name: persona, version: 1 }
    await f.store.workloads.assign(MAIN, id, ref, auditBy('ann'))
    return id
  }
  for (const [i, address] of peers.entries()) await known(`db${i}`, address, 'Database')
  const client = await known('client', '10.7.0.1', 'API Server')
  await talk(client, 20, (step) => [{ peer: peers[step % 2]!, port: 5432 }])
  assert.equal((await gateOf(`workloads/${client}`)).unseen.rules, 1)

  const all = await gateOf('personas/database')
  assert.deepEqual(
    [all.of, all.workloads.map(({ name }) => name)],
    [{ kind: 'Persona', name: 'Database' }, ['db0', 'db1']],
  )
  assert.equal((await f.as('viewer', '/v1/personas/no-such/gate')).statusCode, 404)
  assert.equal((await f.as('viewer', '/v1/workloads/w_none/gate')).statusCode, 404)
  assert.equal((await f.as('viewer', `/v1/workloads/${client}/gate?bar=0`)).statusCode, 400)
})

test('an hour counts by the steps it went on for, at most twelve of one rule however many peers are behind it', async () => {
  const id = await knowWorkload(f, reportOf('server', { addresses: ['10.6.0.1'] }))
  const member = (await f.store.workloads.get(MAIN, id))!
  const hour = Math.floor(f.clock.now / 3_600_000 - 30) * 3_600_000
  const row = { workload: id, port: 443, proto: 6, direction: 'served' as const, flows: 9, failed: 0, start: hour }
  const report = gateReport({
    ...{ of: { kind: 'Workload', name: 'server' }, members: [member], all: [member], outside: 'networks' },
    steps: ['198.51.100.1', '198.51.100.2', '203.0.113.9'].map((peer) => ({
      ...row,
      peer,
      spanMs: 3_600_000,
      steps: 5,
    })),
    ...{ since: hour, now: f.clock.now, bar: 0.05 },
  })
  assert.deepEqual([report.unseen.traffic, report.unseen.rules], [12, 1])
})
