/** From what the store holds of workloads to `GET /workloads/{id}/forecast`, with a real database and a real thread. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { LOOPBACK } from '../../test/api.ts'
import { testDatabase } from '../../test/database.ts'
import { auditBy, personaRef, workloadReport } from '../../test/records.ts'
import { createApp } from '../api/app.ts'
import { mintToken } from '../api/auth.ts'
import { createEventHub } from '../api/events.ts'
import type { ForecastReport } from '../model/forecast.ts'
import { type AgentId, DEFAULT_TENANT, type WorkloadId } from '../model/ids.ts'
import { openStore } from '../store/database.ts'
import { createControl } from './control.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const STEP = 300_000
let now = 20_000 * DAY + 30_000
const clock = () => now
const database = await testDatabase()
const home = mkdtempSync(join(tmpdir(), 'guise-foretold-'))
const store = await openStore({ url: database.url, keysDir: database.keysDir, clock })
const shared = { store: () => store, events: createEventHub({ clock }), clock, log: { warn() {}, error() {} } }
const control = createControl({ ...shared, tenant: DEFAULT_TENANT, home, controlPlane: () => [] })
const app = await createApp({
  ...{ ...shared, control, console: null, tenantDefault: DEFAULT_TENANT, publicOrigins: [] },
  ...{ agentDoor: () => null, version: '0.0.0' },
})
const who = { tenant: DEFAULT_TENANT, name: 'v', role: 'viewer', agent: null, kind: 'token' } as const
const { text: token } = await mintToken(store, { ...who, expiresAt: null, by: 'test', now })
const sqlClient = new pg.Client({ connectionString: database.url })
await sqlClient.connect()
after(async () => {
  await sqlClient.end()
  await app.close()
  await control.stop()
  await store.close()
  await database[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

async function ask(path: string): Promise<{ status: number; body: ForecastReport & { detail: string; code: string } }> {
  const answer = await app.inject({ url: `/v1/${path}`, headers: { ...LOOPBACK, authorization: `Bearer ${token}` } })
  return { status: answer.statusCode, body: answer.json() }
}

/** Busy by day; a few per cent of it is chance. */
const usual = (at: number, size: number) =>
  size * (1_000 + 600 * Math.sin((2 * Math.PI * at) / DAY) + 40 * Math.sin(at / 7.3e6) + 30 * Math.cos(at / 1.1e6))

/** Steps as they are once readings were summed: two weeks of readings would be 240,000 rows. */
async function lived(workload: WorkloadId, stepMs: number, from: number, to: number, size: number): Promise<void> {
  const at = Array.from({ length: Math.ceil((to - from) / stepMs) }, (_, k) => from + k * stepMs)
  await sqlClient.query(
    `insert into traffic_steps select $1, $2, $3, u.at, $3, u.bytes, u.bytes / 2 from unnest($4::bigint[], $5::float8[]) as u (at, bytes)
     on conflict do nothing`,
    [DEFAULT_TENANT, workload, stepMs, at, at.map((each) => (usual(each, size) * stepMs) / 1_000)],
  )
}

async function known(key: string, persona: string | null): Promise<WorkloadId> {
  const [record] = await store.workloads.report(DEFAULT_TENANT, 'a' as AgentId, [workloadReport(key)], now)
  if (persona !== null) await store.workloads.assign(DEFAULT_TENANT, record!.id, personaRef(persona), auditBy('t'))
  return record!.id
}

test('a workload with a past: what was seen, what is expected with both intervals, and why', async () => {
  const id = await known('old1', 'Worker')
  const end = Math.floor(now / HOUR) * HOUR
  await lived(id, HOUR, end - 30 * DAY, end, 1)
  const { status, body } = await ask(`workloads/${id}/forecast?step=hour&horizon=30`)
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual([body.step, body.unit, body.enough, body.coldStart], ['hour', 'bytes per second', true, 0])
  assert.equal(body.expected.length, 30)
  assert.deepEqual([body.seen.length, body.seen.at(-1)![0], body.expected[0]!.at], [168, end - HOUR, end])
  for (const { at, value, low80, high80, low95, high95 } of body.expected) {
    assert.ok(Math.abs(value - usual(at, 1)) < 120, `${at}: ${value}, not ${usual(at, 1)}`)
    assert.ok(low95 <= low80 && low80 <= value && value <= high80 && high80 <= high95)
  }
  assert.match(body.because[0]!, /^\d+ %: .*; off by [\d.]+ bytes\/s on average in 14 trials$/)
  assert.match(body.coverage.sentence, /no step foretold here has come yet/)
  const half = (await ask(`workloads/${id}/forecast?step=hour&horizon=30&of=bytesIn`)).body
  assert.ok(Math.abs(half.expected[5]!.value - body.expected[5]!.value / 2) < 60)

  // The truth comes: the first half of it as ever, then nobody looks for six hours, then three times as much.
  await lived(id, HOUR, end, end + 12 * HOUR, 1)
  await lived(id, HOUR, end + 18 * HOUR, end + 24 * HOUR, 3)
  now += DAY
  const { coverage, seen, expected } = (await ask(`workloads/${id}/forecast?step=hour&horizon=4`)).body
  assert.equal(coverage.steps, 18)
  assert.ok(coverage.of95! >= 11 / 18 && coverage.of95! <= 13 / 18, JSON.stringify(coverage))
  assert.ok(coverage.mase! > 0.5 && coverage.since === end)
  assert.match(coverage.sentence, /^of 18 steps foretold, 6\d(\.\d)? % fell inside the 95 % interval, /)
  assert.equal(seen.filter(([, value]) => value === null).length, 6)
  assert.equal(expected.length, 4)
  now -= DAY
})

test('a young workload leans on the others of its persona; of nobody too little is told, and how much is lacking', async () => {
  const end = Math.floor(now / STEP) * STEP
  const others = await Promise.all(['m1', 'm2', 'm3'].map((key) => known(key, 'Nightly')))
  for (const [k, other] of others.entries()) await lived(other, STEP, end - 3 * DAY, end, 1 + k / 10)
  const young = await known('young', 'Nightly')
  await lived(young, STEP, end - 6 * STEP, end, 2)
  const { body } = await ask(`workloads/${young}/forecast`)
  assert.deepEqual([body.enough, body.step, body.expected.length], [true, '5min', 144])
  assert.ok(body.coldStart > 0.95, String(body.coldStart))
  assert.match(body.because[0]!, /% from the usual season of its persona, scaled to it/)
  const later = body.expected.at(-1)!
  assert.ok(Math.abs(later.value / usual(later.at, 2) - 1) < 0.4, `${later.value}, not ${usual(later.at, 2)}`)
  assert.ok(later.low95 < usual(later.at, 2) && usual(later.at, 2) < later.high95)

  const short = await known('short', null)
  await lived(short, STEP, end - 15 * STEP, end, 1)
  const told = (await ask(`workloads/${short}/forecast?horizon=100`)).body
  assert.deepEqual([told.enough, told.coldStart, told.expected.length], [true, 0, 30])
  assert.ok(told.because.includes('its season of 288 steps has not come round once yet'), told.because.join())

  const alone = await known('alone', null)
  await lived(alone, STEP, end - 7 * STEP, end, 2)
  const { enough, expected, because } = (await ask(`workloads/${alone}/forecast`)).body
  assert.deepEqual([expected, because], [[], []])
  assert.ok(enough !== true && enough.seen === 7 && enough.wanted === 12)
  assert.match(enough.why, /^not enough seen yet: 7 of 12 steps of 5 minutes, and nobody of its persona/)
})

test('a persona is the sum of its members; the server answers others while models are tried', async () => {
  const end = Math.floor(now / STEP) * STEP
  const both = await Promise.all(['s1', 's2'].map((key) => known(key, 'Pair')))
  for (const one of both) await lived(one, STEP, end - 14 * DAY, end, 1)
  let longest = 0
  let last = performance.now()
  const heart = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  const started = performance.now()
  const { body } = await ask('personas/pair/forecast')
  const took = performance.now() - started
  clearInterval(heart)
  console.error(`persona of two, two weeks: ${took.toFixed(0)} ms, the loop was held ${longest.toFixed(0)} ms at most`)
  assert.deepEqual([body.of, body.members, body.enough], [{ kind: 'Persona', name: 'Pair' }, 2, true])
  const { at, value } = body.expected[10]!
  assert.ok(Math.abs(value - usual(at, 2)) < 250, `${value}, not ${usual(at, 2)}`)
  const again = performance.now()
  assert.equal((await ask('personas/pair/forecast?horizon=1')).body.expected.length, 1)
  assert.ok(performance.now() - again < took, 'what was made for this step is made once')
})

test('what cannot be asked is refused with its cure', async () => {
  const id = await known('asked', null)
  for (const [query, code] of [
    ['step=hour&horizon=49', 'bad-horizon'],
    ['of=service:dns', 'bad-step'],
    ['of=packets', 'validation'],
    ['step=day', 'validation'],
    ['horizon=0', 'validation'],
  ]) {
    const { status, body } = await ask(`workloads/${id}/forecast?${query}`)
    assert.deepEqual([status, body.code], [400, code], query)
  }
  assert.equal((await ask('workloads/w_none/forecast')).status, 404)
  assert.equal((await ask('personas/no-such/forecast')).status, 404)
})
