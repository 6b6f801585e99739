/** Which workloads are forgotten, when, and what is left of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import {
  auditBy,
  conversationRecord,
  decisionRecord,
  MAIN,
  OTHER,
  personaRef,
  planMaker,
  shiftRecord,
  workloadReport,
} from '../../test/records.ts'
import type { AgentId } from '../model/ids.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { WORKLOADS_KEPT_MS, WORKLOADS_OF_ABSENT_KEPT_MS } from './retention.ts'

const store = await testStore()
const { workloads } = store
const [here, away] = ['h_1' as AgentId, 'h_2' as AgentId]
const T0 = 100 * 86_400_000
const LATER = T0 + WORKLOADS_KEPT_MS + 1
const id = (key: string) => workloadId(MAIN, key)

async function reported(key: string, agent = here, more: Partial<WorkloadReport> = {}, tenant = MAIN, now = T0) {
  await workloads.report(tenant, agent, [{ ...workloadReport(key), ...more }], now)
}
const keys = async () => (await workloads.all(MAIN)).map(({ report }) => report.key).sort()
const lines = async () =>
  (await store.ledger.audits(MAIN, { limit: 50, cursor: null, action: 'workload.forgotten' })).items

async function shifted(key: string, until: number | null): Promise<void> {
  const decision = decisionRecord(`d_${key}`)
  const shift = { ...shiftRecord(`s_${key}`, until), workload: id(key) }
  const made = await store.plans.propose(MAIN, planMaker(decision.id), decision, [shift], auditBy('alice'))
  assert.ok(made.ok)
}

test('who was not told of for a week is forgotten, with one line; what a person wished, and what holds, is kept', async () => {
  for (const key of ['gone-1', 'gone-2', 'nul\0name', 'told', 'seen', 'assigned', 'shifted', 'ended', 'contained'])
    await reported(key)
  await reported('released')
  await reported('declares', here, { persona: 'Data base!' })
  await reported('elsewhere', away)
  await reported('gone-1', here, {}, OTHER)
  const kept = ['assigned', 'contained', 'elsewhere', 'seen', 'shifted', 'told']
  await workloads.assign(MAIN, id('assigned'), personaRef('Database'), auditBy('alice'))
  await workloads.assign(MAIN, id('declares'), { ...personaRef('x'), id: 'data-base' as never }, auditBy('agent:h_1'))
  await shifted('shifted', null)
  await shifted('ended', LATER)
  const wear = (key: string, containedUntil: number) => ({ workload: id(key), worn: personaRef('P'), containedUntil })
  await workloads.wear(MAIN, [wear('contained', LATER + 1), wear('released', LATER)], T0)
  const all = await keys()
  assert.deepEqual(await workloads.forgetOver(MAIN, [here], T0 + WORKLOADS_KEPT_MS), [])
  assert.deepEqual([await keys(), (await lines()).length], [all, 0], 'not a moment before')

  await reported('told', here, {}, MAIN, LATER)
  const point = { workload: id('seen'), at: LATER, belief: null, risk: null, bytesOut: 1, bytesIn: 1, spanMs: 1 }
  await workloads.observe(MAIN, [point, { ...point, workload: id('gone-1'), at: T0 }])
  await store.conversations.put(MAIN, [conversationRecord(id('gone-1'), '192.0.2.1', T0)])
  assert.deepEqual(await workloads.forgetOver(MAIN, [], LATER), [], 'nobody was there to tell of them')
  const gone = await workloads.forgetOver(MAIN, [here], LATER)
  assert.deepEqual(
    [...gone].sort(),
    all
      .filter((key) => !kept.includes(key))
      .map(id)
      .sort(),
  )
  assert.deepEqual(await keys(), kept)
  assert.equal((await workloads.all(OTHER)).length, 1)
  const [line, ...more] = await lines()
  assert.deepEqual([line?.actor, line?.object, more.length], ['guise', 'workloads', 0])
  assert.match(line!.summary, /^nobody told of .+, .+ and 1 more for 7 days or more$/)
  assert.deepEqual(await workloads.forgetOver(MAIN, [here], LATER), [])
  assert.equal((await lines()).length, 1)
  // What was is still told.
  assert.equal((await workloads.history(MAIN, id('gone-1'), 0, LATER)).length, 1)
  assert.equal((await store.shifts.of(MAIN, id('ended'))).length, 1)
  assert.equal((await store.ledger.verify(MAIN)).ok, true)
})

test('of an agent that is away they are kept as long as their history', async () => {
  const end = T0 + WORKLOADS_OF_ABSENT_KEPT_MS
  assert.deepEqual(await workloads.forgetOver(MAIN, [], end), [])
  assert.ok((await workloads.forgetOver(MAIN, [], end + 1)).includes(id('elsewhere')))
})

test('who comes back is new', async () => {
  await reported('again')
  await workloads.wear(MAIN, [{ workload: id('again'), worn: personaRef('P'), containedUntil: null }], T0)
  assert.deepEqual(await workloads.forgetOver(MAIN, [here], LATER), [id('again')])
  assert.equal((await lines())[0]!.object, id('again'))
  await reported('again', away, {}, MAIN, LATER + 1)
  const record = (await workloads.get(MAIN, id('again')))!
  assert.deepEqual([record.agent, record.worn, record.version, record.firstSeen], [away, null, 1, LATER + 1])
})
