import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { conversationRecord, MAIN, OTHER, workloadReport } from '../../test/records.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'

const STEP = 300_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const T0 = 20_000 * DAY
let now = T0
const store = await testStore(() => now)
const reports = await store.workloads.report(MAIN, 'a' as AgentId, ['w1', 'w2', 'w3'].map(workloadReport), T0)
const [w1, w2, w3] = reports.map(({ id }) => id) as [WorkloadId, WorkloadId, WorkloadId]

/** Readings of 5 s that end in (from, to]. */
function readings(workload: WorkloadId, from: number, to: number, bytesOut: number) {
  const at = Array.from({ length: (to - from) / 5_000 }, (_, k) => from + (k + 1) * 5_000)
  return at.map((each) => ({
    ...{ workload, at: each, belief: null, risk: null, spanMs: 5_000 },
    ...{ bytesOut, bytesIn: 2 * bytesOut },
  }))
}

test('readings become bytes per second by step and by the hour; what nobody looked at has no row', async () => {
  await store.workloads.observe(MAIN, [
    ...readings(w1, T0, T0 + 3 * STEP, 500),
    // nothing for two steps, then a step of which too little was looked at
    ...readings(w1, T0 + 5 * STEP, T0 + 5 * STEP + 60_000, 500),
    ...readings(w1, T0 + 6 * STEP, T0 + 6 * STEP + 200_000, 1_000),
    ...readings(w2, T0, T0 + STEP, 250),
  ])
  now = T0 + 7 * STEP
  const one = await store.traffic.sums(MAIN, [w1], STEP, T0, now)
  assert.deepEqual(
    one.rows,
    [0, 1, 2, 6].map((k) => ({ at: T0 + k * STEP, known: 1, out: k === 6 ? 200 : 100, in: k === 6 ? 400 : 200 })),
  )
  assert.deepEqual(one.lives, [{ first: T0, last: T0 + 6 * STEP }])
  const both = await store.traffic.sums(MAIN, [w1, w2], STEP, T0, T0 + 2 * STEP)
  assert.deepEqual(
    both.rows.map(({ known, out }) => [known, out]),
    [
      [2, 150],
      [1, 100],
    ],
  )
  assert.deepEqual((await store.traffic.each(MAIN, [w2], STEP, T0, now)).length, 1)
  assert.deepEqual((await store.traffic.sums(OTHER, [w1], STEP, T0, now)).rows, [])
  now = T0 + HOUR + STEP
  // 1,160 s of 3,600 were looked at: too little to be an hour.
  assert.deepEqual((await store.traffic.sums(MAIN, [w1], HOUR, T0, now)).rows, [])
})

test('what comes late is counted once, and so is what comes again', async () => {
  const at = T0 + 2 * HOUR
  await store.workloads.observe(MAIN, readings(w3, at, at + 250_000, 500))
  now = at + STEP
  const told = async () => (await store.traffic.sums(MAIN, [w3], STEP, at, at + STEP)).rows
  assert.deepEqual(await told(), [{ at, known: 1, out: 100, in: 200 }])
  // The last readings of the step, one of them twice and three times as much.
  await store.workloads.observe(MAIN, readings(w3, at + 245_000, at + STEP, 1_500))
  now = at + 2 * STEP
  const [late] = await told()
  assert.equal(late!.out, (49 * 500 + 11 * 1_500) / 300)
  assert.deepEqual(await told(), [late])
})

test('what a server that was away for long finds is summed, and old steps go', async () => {
  const at = T0 + 10 * DAY
  await store.workloads.observe(MAIN, readings(w2, at, at + HOUR, 700))
  now = at + 2 * HOUR
  let rows: readonly unknown[] = []
  for (let round = 0; round < 3 && rows.length === 0; round++) {
    rows = (await store.traffic.sums(MAIN, [w2], HOUR, at, now)).rows
    now += STEP
  }
  assert.deepEqual(rows, [{ at, known: 1, out: 140, in: 280 }])
  assert.ok((await store.prune(T0 + 16 * DAY)).traffic_steps! > 0)
  assert.deepEqual((await store.traffic.sums(MAIN, [w1], STEP, T0, now)).rows, [])
  assert.equal((await store.traffic.sums(MAIN, [w2], HOUR, at, now)).rows.length, 1)
})

test('services by the hour: named by the sensor, else by their port; an hour counts when it is over', async () => {
  const at = T0 + 11 * DAY
  const talk = (port: number, service: string | null, bytes: number, start: number) => ({
    ...conversationRecord(w1, `10.0.0.${port % 200}`, start + 1_000),
    ...{ start, port, service, bytesOut: bytes, bytesIn: bytes },
  })
  await store.conversations.put(MAIN, [
    talk(443, 'HTTPS', 1_000, at),
    talk(8_443, 'https', 500, at + STEP),
    talk(9_999, null, 50, at),
    talk(53, 'dns', 10, at + HOUR),
    ...Array.from({ length: 30 }, (_, k) => talk(20_000 + k, null, 1, at)),
  ])
  now = at + HOUR + STEP
  assert.deepEqual(await store.traffic.services(MAIN, [w1], at, 3), [])
  now = at + HOUR + 3 * STEP
  assert.deepEqual(await store.traffic.services(MAIN, [w1], at, 2), ['https', '9999 tcp'])
  assert.deepEqual(await store.traffic.service(MAIN, [w1], 'https', at), {
    bytes: [{ at, bytes: 3_000 }],
    until: at + HOUR,
  })
  // 32 services of which 20 have a name: the others are one.
  assert.deepEqual((await store.traffic.service(MAIN, [w1], 'other', at)).bytes, [{ at, bytes: 24 }])
  assert.deepEqual((await store.traffic.service(MAIN, [w1], 'dns', at)).bytes, [])
})
