/** From an agent's ticks to `GET /workloads/{id}/drift`, with a real database. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LOOPBACK } from '../../test/api.ts'
import { testDatabase } from '../../test/database.ts'
import { createApp } from '../api/app.ts'
import { mintToken } from '../api/auth.ts'
import { createEventHub } from '../api/events.ts'
import type { Drift } from '../model/drift.ts'
import { type AgentId, DEFAULT_TENANT, type TenantId, type WorkloadId } from '../model/ids.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS } from '../model/window.ts'
import type { AgentReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { encodeWindow } from '../observe/reduce/encode.ts'
import { openStore } from '../store/database.ts'
import { createControl } from './control.ts'

const KEY = 'netns/web1'
const AGENT = 'a' as AgentId
const START = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 100 * WINDOW_MS

/** One tick in each of these windows. */
function reportOf(sequence: number, from: number, windows: number, bytesOut: number): AgentReport {
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
    sources: [],
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
    const ask = async (): Promise<Drift | null> => {
      const url = `/v1/workloads/${encodeURIComponent(id)}/drift`
      const answer = await app.inject({ url, headers: { ...LOOPBACK, authorization: `Bearer ${text}` } })
      assert.equal(answer.statusCode, 200, answer.body)
      return answer.json<{ drift: Drift | null }>().drift
    }
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(1, 0, 1, 50_000))
    assert.equal(await ask(), null)
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(2, 1, 60, 50_000))
    const usual = (await ask())!
    assert.equal(usual.windows, 60)
    assert.ok(usual.score < 0.1 && usual.since === null, JSON.stringify(usual))
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(3, 61, 3, 90_000_000))
    const strange = (await ask())!
    assert.ok(strange.score > 0.9, JSON.stringify(strange))
    assert.equal(strange.since, START + 62 * WINDOW_MS)
    assert.equal(strange.cause!.metric, 'bytes out')
    assert.equal(strange.cause!.side, 'above')
    // A report that comes again adds nothing.
    await control.agentReport(DEFAULT_TENANT, AGENT, reportOf(3, 61, 3, 90_000_000))
    assert.deepEqual(await ask(), strange)
    assert.equal(control.drift('other' as TenantId, id), null)
  } finally {
    await app.close()
    await control.stop()
    await store.close()
    rmSync(home, { recursive: true, force: true })
  }
})
