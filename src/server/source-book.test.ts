import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPool } from '../../bench/ingest/datagrams.ts'
import { LOOPBACK } from '../../test/api.ts'
import { testDatabase } from '../../test/database.ts'
import { createSources } from '../agent/sources.ts'
import { createApp } from '../api/app.ts'
import { mintToken } from '../api/auth.ts'
import { createEventHub, type SentEvent } from '../api/events.ts'
import { type AgentId, DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import type { SourceDetail, SourceRecord, WorkloadRecord } from '../model/records.ts'
import type { SourceHealth } from '../model/source-health.ts'
import type { AgentReport } from '../model/wire.ts'
import { openStore } from '../store/database.ts'
import { createControl } from './control.ts'
import { createSourceBook } from './source-book.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)
const A = 'a' as AgentId

const health = (more: Partial<SourceHealth> = {}): SourceHealth => ({
  name: 'conntrack',
  kind: 'conntrack' as SourceHealth['kind'],
  state: 'live' as SourceHealth['state'],
  why: '',
  flows: 0,
  flowsPerSecond: 0,
  lost: 0,
  lostLately: 0,
  refused: 0,
  refusals: [],
  lagMs: null,
  lastSeen: null,
  exporters: [],
  exportersMore: 0,
  hops: [],
  ...more,
})

const report = (sequence: number, sources: readonly SourceHealth[], boot = 'b1'): AgentReport => ({
  boot,
  sequence,
  at: NOW,
  host: 'h',
  mode: 'observe',
  ticks: [],
  conversations: [],
  evidence: [],
  reflexes: [],
  applied: null,
  counters: {},
  denies: {},
  sources: [...sources],
})

test('the last word on each source, an hour of points, and news only of what changed', () => {
  const book = createSourceBook()
  assert.equal(book.take(A, report(0, [health({ flows: 10 })]), NOW).length, 1)
  assert.equal(book.take(A, report(1, [health({ flows: 30 })]), NOW + 5_000).length, 0)
  assert.equal(book.take(A, report(2, [health({ flows: 30, lost: 4 })]), NOW + 30_000).length, 1)
  const [record] = book.list(NOW + 30_000)
  const detail = book.get(record!.id, NOW + 30_000)!
  assert.deepEqual(
    detail.history.map(({ flows, lost }) => [flows, lost]),
    [
      [20, 0],
      [0, 4],
    ],
  )
  // The agent starts again: its counts begin at 0, and what they say is new.
  book.take(A, report(0, [health({ flows: 5 })], 'b2'), NOW + 35_000)
  assert.equal(book.get(record!.id, NOW)!.history.at(-1)!.flows, 5)
  for (let i = 0; i < 300; i++) book.take(A, report(i + 1, [health()], 'b2'), NOW + 60_000 + i * 30_000)
  assert.equal(book.get(record!.id, NOW)!.history.length, 120)
  assert.equal(book.get('src_none', NOW), null)
})

test('reports that never arrived are counted at the last hop; an agent that is away makes its sources silent', () => {
  const book = createSourceBook()
  book.take(A, report(0, [health()]), NOW)
  book.take(A, report(4, [health()]), NOW)
  const [record] = book.list(NOW)
  assert.deepEqual(
    record!.hops.map(({ hop, in: into, lost }) => [hop, into, lost]),
    [['intake', 5, 3]],
  )
  const [later] = book.list(NOW + 60_000)
  assert.equal(later!.state, 'silent')
  assert.match(later!.why, /agent a has not reported for 60 s/)
})

test('a source that its agent has no more is forgotten; those of an agent that is away are not', () => {
  const book = createSourceBook()
  const names = () => book.list(NOW).map(({ name }) => name)
  book.take(A, report(0, [health(), health({ name: 'eve', state: 'failed' })]), NOW)
  book.take(A, report(0, [health()], 'b2'), NOW + 50_000)
  assert.deepEqual(names(), ['conntrack', 'eve'])
  book.take(A, report(1, [health()], 'b2'), NOW + 61_000)
  assert.deepEqual(names(), ['conntrack'])
  book.take('other' as AgentId, report(0, [health({ name: 'zeek' })]), NOW + 9_000_000)
  assert.deepEqual(names(), ['conntrack', 'zeek'])
})

test('an agent cannot fill the book', () => {
  const book = createSourceBook()
  for (let i = 0; i < 10; i++)
    book.take(
      A,
      report(
        i,
        Array.from({ length: 64 }, (_, n) => health({ name: `s${i}-${n}` })),
      ),
      NOW,
    )
  assert.equal(book.list(NOW).length, 64)
})

test('from a datagram to the list: agent, report, server, API', async () => {
  await using database = await testDatabase()
  const home = mkdtempSync(join(tmpdir(), 'guise-sources-'))
  const store = await openStore({ url: database.url, keysDir: database.keysDir, clock: Date.now })
  const events = createEventHub({ clock: Date.now })
  const log = { warn() {}, error() {} }
  const control = createControl({
    store: () => store,
    events,
    clock: Date.now,
    log,
    tenant: DEFAULT_TENANT,
    home,
    controlPlane: () => [],
  })
  const app = await createApp({
    store: () => store,
    control,
    events,
    console: null,
    clock: Date.now,
    log,
    tenantDefault: DEFAULT_TENANT,
    publicOrigins: [],
    agentDoor: () => null,
    version: '0.0.0',
  })
  const heard: SentEvent[] = []
  events.listen(DEFAULT_TENANT, null, (event) => heard.push(event))
  const port = await freePort()
  const spec = { kind: 'netflow', address: '127.0.0.1', port, exporters: [], networks: ['10.20.0.0/24'] } as const
  const failing = { kind: 'netflow', address: '192.0.2.1', port, exporters: [], networks: ['10.20.0.0/24'] } as const
  const sources = createSources({ specs: [spec, failing], home, told() {}, say() {} })
  const stopping = new AbortController()
  const running = sources.run(stopping.signal)
  try {
    const { text } = await mintToken(store, {
      tenant: DEFAULT_TENANT,
      name: 'v',
      role: 'viewer',
      agent: null,
      kind: 'token',
      expiresAt: null,
      by: 'test',
      now: Date.now(),
    })
    const get = async <T>(url: string): Promise<T> => {
      const answer = await app.inject({ url, headers: { ...LOOPBACK, authorization: `Bearer ${text}` } })
      assert.equal(answer.statusCode, 200, answer.body)
      return answer.json() as T
    }
    await sendFlows(port, () => sources.sense.workloads().length > 100)
    assert.deepEqual(control.sources('other' as TenantId), [])
    const asked = { to: '10.20.0.2', port: 80, protocol: 'tcp' } as const
    const foreign = await control.explainBetween('other' as TenantId, '10.20.0.1', asked)
    assert.equal(!foreign.ok && foreign.code, 'foreign-flow')
    let sequence = 0
    const tell = () => {
      const sensed = sources.sense.close(Date.now() + 10_000)
      return control.agentReport(DEFAULT_TENANT, A, {
        ...report(sequence++, sources.health(Date.now(), { ticks: sensed.ticks.length, dropped: 0 })),
        ...sensed,
        workloads: [...sources.sense.workloads()],
      })
    }
    await tell()
    const { items } = await get<{ items: SourceRecord[] }>('/v1/sources')
    assert.deepEqual(
      items.map(({ name, state }) => [name, state]),
      [
        [`netflow:127.0.0.1:${port}`, 'live'],
        [`netflow:192.0.2.1:${port}`, 'failed'],
      ],
    )
    const [live, failed] = items
    assert.match(failed!.why, /192\.0\.2\.1 is not an address of this machine/)
    assert.deepEqual(
      live!.exporters.map(({ exporter, protocol }) => [exporter, protocol]),
      [['127.0.0.1', 'v5']],
    )
    assert.equal(live!.flows, live!.exporters[0]!.flows)
    assert.deepEqual(
      live!.hops.map(({ hop }) => hop),
      ['socket', 'decode', 'reduce', 'report', 'intake'],
    )
    assert.equal((await get<SourceDetail>(`/sources/${live!.id}`)).history.length, 1)
    const failures = await get<{ items: SourceRecord[] }>('/sources?state=failed&kind=netflow')
    assert.deepEqual(
      failures.items.map(({ id }) => id),
      [failed!.id],
    )
    const first = await get<{ items: SourceRecord[]; next: string }>('/sources?limit=1')
    const second = await get<{ items: SourceRecord[]; next: string | null }>(`/sources?limit=1&cursor=${first.next}`)
    assert.deepEqual([first.items[0]!.id, second.items[0]!.id, second.next], [live!.id, failed!.id, null])
    const doctor = await get<{ checks: { name: string; ok: boolean }[] }>('/doctor')
    assert.deepEqual(
      doctor.checks.filter(({ name }) => name.startsWith('source ')).map(({ ok }) => ok),
      [true, false],
    )
    assert.deepEqual(
      heard.filter(({ type }) => type === 'source').map(({ subject }) => subject),
      [live!.id, failed!.id],
    )
    const workloads = await get<{ items: WorkloadRecord[] }>('/v1/workloads')
    assert.ok(workloads.items.length > 50)
    assert.ok(
      workloads.items.every(({ report: said }) => said.driver === 'recording' && said.key.startsWith('net:10.20.0.')),
    )
    assert.ok(workloads.items.some(({ rate }) => rate.out > 0))
  } finally {
    stopping.abort()
    await running
    await control.stop()
    await app.close()
    await store.close()
    rmSync(home, { recursive: true })
  }
})

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** Sends until `enough` (the listener may not be up yet); between datagrams it has its turn. */
async function sendFlows(port: number, enough: () => boolean): Promise<void> {
  const pool = createPool('v5', 3)
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  try {
    const until = performance.now() + 15_000
    for (let i = 0; !enough(); i = (i + 1) % pool.datagrams.length) {
      if (performance.now() > until) assert.fail('no device was seen')
      pool.renew(i, 0, i * pool.sequenceStep, Date.now())
      socket.send(pool.datagrams[i]!, port, '127.0.0.1')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  } finally {
    socket.close()
  }
}
