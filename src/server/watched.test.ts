/** From an agent's ticks to `GET /workloads/{id}/drift`, and to the risk of being believed, with a real database. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LOOPBACK } from '../../test/api.ts'
import { testDatabase } from '../../test/database.ts'
import { auditBy, personaManifest } from '../../test/records.ts'
import { createApp } from '../api/app.ts'
import { mintToken } from '../api/auth.ts'
import { createEventHub } from '../api/events.ts'
import { contextOf, withoutForgeable } from '../decide/context.ts'
import type { Drift, DriftAnswer } from '../model/drift.ts'
import type { WorkloadFeatures } from '../model/feature-standing.ts'
import { type AgentId, DEFAULT_TENANT, type TenantId, type WorkloadId } from '../model/ids.ts'
import type { SourceHealth } from '../model/source-health.ts'
import type { Store } from '../model/store.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS } from '../model/window.ts'
import type { AgentReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { encodeWindow } from '../observe/reduce/encode.ts'
import { openStore } from '../store/database.ts'
import { createControl } from './control.ts'

const KEY = 'netns/web1'
const AGENT = 'a' as AgentId
const START = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 173 * WINDOW_MS

const CONNTRACK: SourceHealth = {
  name: 'conntrack',
  kind: 'conntrack',
  state: 'live',
  why: '',
  ...{ flows: 1, flowsPerSecond: 1, lost: 0, lostLately: 0, refused: 0, refusals: [], lagMs: 0, lastSeen: START },
  ...{ exporters: [], exportersMore: 0, hops: [] },
}

/** One tick in each of these windows. */
function reportOf(
  sequence: number,
  from: number,
  windows: number,
  bytesOut: number,
  sources: AgentReport['sources'] = [CONNTRACK],
): AgentReport {
  const ticks = Array.from({ length: windows }, (_, k) => {
    const tick = createWindow(KEY as WorkloadId, START + (from + k) * WINDOW_MS, TICK_MS)
    tick.sums[sumAt.ticks] = 1
    tick.sums[sumAt.flowsServed] = 10 + (k % 3)
    tick.sums[sumAt.bytesOutServed] = bytesOut
    return encodeWindow(tick, KEY)
  })
  return {
    boot: 'b1',
    sequence,
    at: Date.now(),
    host: 'h',
    mode: 'observe',
    workloads: [
      {
        key: KEY,
        name: 'web1',
        kind: 'namespace',
        driver: 'netns',
        interface: 'veth0',
        addresses: ['10.9.0.2/24'],
        labels: {},
      },
    ],
    ticks,
    conversations: [],
    evidence: [],
    reflexes: [],
    applied: null,
    counters: {},
    denies: {},
    sources,
  }
}

test('a workload is watched from its reports on: usual, then strange with its cause, for its own tenant only', async () => {
  await using database = await testDatabase()
  const home = mkdtempSync(join(tmpdir(), 'guise-watched-'))
  const store = await openStore({ url: database.url, keysDir: database.keysDir, clock: Date.now })
  const events = createEventHub({ clock: Date.now })
  const shared = { store: () => store, events, clock: Date.now, log: { warn() {}, error() {} } }
  const control = createControl({ ...shared, tenant: DEFAULT_TENANT, home, controlPlane: () => [] })
  const app = await createApp({
    ...shared,
    control,
    console: null,
    tenantDefault: DEFAULT_TENANT,
    publicOrigins: [],
    agentDoor: () => null,
    version: '0.0.0',
  })
  const id = workloadId(DEFAULT_TENANT, KEY)
  try {
    const who = { tenant: DEFAULT_TENANT, name: 'v', role: 'viewer', agent: null, kind: 'token' } as const
    const { text } = await mintToken(store, { ...who, expiresAt: null, by: 'test', now: Date.now() })
    const askAll = async (): Promise<DriftAnswer> => {
      const url = `/v1/workloads/${encodeURIComponent(id)}/drift`
      const answer = await app.inject({ url, headers: { ...LOOPBACK, authorization: `Bearer ${text}` } })
      assert.equal(answer.statusCode, 200, answer.body)
      return answer.json<DriftAnswer>()
    }
    const ask = async (): Promise<Drift | null> => (await askAll()).drift
    const evidenceOf = async (from: Store) => (await from.evidence.of(DEFAULT_TENANT, id, 0)).length
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(1, 0, 1, 50_000))
    assert.equal(await ask(), null)
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(2, 1, 160, 50_000))
    const usual = (await ask())!
    assert.equal(usual.windows, 160)
    assert.ok(usual.score < 0.1 && usual.since === null, JSON.stringify(usual))
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(3, 161, 3, 90_000_000))
    const strange = (await ask())!
    assert.ok(strange.score > 0.9, JSON.stringify(strange))
    assert.equal(strange.since, START + 162 * WINDOW_MS)
    assert.equal(strange.cause!.metric, 'bytes out')
    assert.equal(strange.cause!.side, 'above')
    // A report that comes again adds nothing.
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(3, 161, 3, 90_000_000))
    assert.deepEqual(await ask(), strange)
    const record = async () => (await store.workloads.get(DEFAULT_TENANT, id))!
    assert.equal(await evidenceOf(store), 0)
    assert.ok((await record()).risk!.value < 0.1)
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(4, 164, 5, 90_000_000))
    const drifting = await record()
    const [term] = drifting.risk!.terms
    assert.equal(term!.evidence.kind, 'drift')
    assert.match(term!.evidence.why, /^bytes out 540\.0 MB per 30 s, usually below \d+\.\d kB; since \d\d:\d\d UTC$/)
    assert.ok(drifting.risk!.value > 0.1 && drifting.risk!.value < 0.3)
    // A person may rank by it; what acts by itself does not see it.
    const context = contextOf(drifting, 'Standard User', Date.now())
    assert.deepEqual(context.evidence, ['drift'])
    const sure = withoutForgeable(context, drifting.risk)
    assert.ok(sure.risk < 0.1 && sure.evidence.length === 0)
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(5, 169, 2, 90_000_000))
    assert.equal(await evidenceOf(store), 1, 'one departure is one row of the record')
    const { series } = await askAll()
    assert.deepEqual([series!.at.length, series!.everyMs, series!.warmUp], [120, WINDOW_MS, 30])
    const [out] = series!.metrics
    assert.equal(out!.name, 'bytes out')
    assert.ok(out!.value[119]! > 538e6 && out!.value[119]! < 542e6 && out!.high[110]! < 1e6, JSON.stringify(out))
    const url = `/v1/workloads/${encodeURIComponent(id)}/features`
    const answer = await app.inject({ url, headers: { ...LOOPBACK, authorization: `Bearer ${text}` } })
    const { persona, basis, at, features } = answer.json<WorkloadFeatures>()
    const { belief } = await record()
    assert.deepEqual(
      [persona, basis !== null, at],
      [belief!.believed ?? belief!.personas[0]!.persona, true, belief!.at],
    )
    assert.equal(features.find(({ name }) => name === 'initiatedShare')!.value, 0)
    assert.equal(features.find(({ name }) => name === 'gapMean')!.value, null)
    // Seen by another source as well: what was usual is not known any more.
    const more = { ...CONNTRACK, name: 'netflow:0.0.0.0:2055', kind: 'netflow' } as const
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(6, 171, 2, 180_000_000, [CONNTRACK, more]))
    const anew = (await ask())!
    assert.deepEqual([anew.windows, anew.since, anew.lasted], [2, null, 0])
    assert.ok((await record()).risk!.value < 0.1)
    assert.deepEqual(control.drift('other' as TenantId, id), { drift: null, series: null })
  } finally {
    await app.close()
    await control.stop()
    await store.close()
    rmSync(home, { recursive: true, force: true })
  }
})

test('a persona that a person calls alarming raises the risk of whoever is believed to be it', async () => {
  await using database = await testDatabase()
  const home = mkdtempSync(join(tmpdir(), 'guise-watched-'))
  const store = await openStore({ url: database.url, keysDir: database.keysDir, clock: Date.now })
  const shared = { store: () => store, events: createEventHub({ clock: Date.now }), clock: Date.now }
  const log = { warn() {}, error() {} }
  const control = createControl({ ...shared, log, tenant: DEFAULT_TENANT, home, controlPlane: () => [] })
  try {
    let sequence = 0
    /** One window more, of now: what is said of it has not faded. */
    const seen = async () => {
      await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(++sequence, 143 + sequence, 1, 0))
      return (await store.workloads.get(DEFAULT_TENANT, workloadId(DEFAULT_TENANT, KEY)))!
    }
    for (const _ of [1, 2]) await seen()
    const who = { tenant: DEFAULT_TENANT, workload: workloadId(DEFAULT_TENANT, KEY), by: 'test' }
    const taught = await control.teach({ ...who, persona: 'Camera' })
    assert.ok(taught.ok)
    let record = await seen()
    while (record.belief?.believed !== 'Camera' && sequence < 20) record = await seen()
    assert.equal(record.belief?.believed, 'Camera')
    assert.equal(record.risk!.terms.length, 0)
    const manifest = { ...personaManifest('Camera'), spec: { alarming: true } }
    await store.manifests.apply(DEFAULT_TENANT, [{ manifest, ifVersion: 0 }], auditBy('test'))
    control.manifestsChanged(DEFAULT_TENANT)
    while (record.risk!.terms.length === 0 && sequence < 30) record = await seen()
    assert.deepEqual(
      record.risk!.terms.map(({ evidence }) => evidence.kind),
      ['belief'],
    )
    assert.match(record.risk!.terms[0]!.evidence.why, /^behaves like Camera \(p [01]\.\d\d\)$/)
  } finally {
    await control.stop()
    await store.close()
    rmSync(home, { recursive: true, force: true })
  }
})
