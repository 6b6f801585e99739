/** Feeds are read again by a clock and by every write: the lists in force are those of the newest manifests. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createEventHub } from '../api/events.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'
import type { Kind } from '../model/manifest.ts'
import type { Store } from '../model/store.ts'
import { DEFAULT_SETTINGS } from '../store/settings.ts'
import { createControl } from './control.ts'

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !holds(); i++) await wait(2)
  assert.ok(holds(), String(holds))
}

test('one who reads the feeds slowly does not bring older lists back', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'guise-feeds-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, 'feeds'))
  writeFileSync(join(home, 'feeds/old.txt'), '203.0.113.1\n')
  writeFileSync(join(home, 'feeds/new.txt'), '203.0.113.2\n')
  let path = 'old.txt'
  let looks = 0
  const slow = Promise.withResolvers<void>()
  const all = async (_: unknown, kind: Kind) => {
    if (kind !== 'Feed') return []
    const manifest = { apiVersion: 'guise/v1', kind, metadata: { name: 'Bad' }, spec: { path, use: 'blocklist' } }
    if (looks++ === 0) await slow.promise
    return [{ manifest }]
  }
  // The reconciler, which is woken as well, finds no workloads to decide about and gives up.
  const store = { manifests: { all }, settings: { get: async () => DEFAULT_SETTINGS } } as unknown as Store
  const shared = { clock: Date.now, log: { warn() {}, error() {} }, tenant: DEFAULT_TENANT, home }
  const events = createEventHub(shared)
  const control = createControl({ ...shared, store: () => store, events, controlPlane: () => [] })
  const inForce = () => control.ratings(DEFAULT_TENANT).map(({ cidr }) => cidr)

  control.manifestsChanged(DEFAULT_TENANT)
  await until(() => looks === 1)
  path = 'new.txt'
  for (let write = 0; write < 3; write++) control.manifestsChanged(DEFAULT_TENANT)
  assert.equal(looks, 1, 'nobody looks while another does')
  slow.resolve()
  await until(() => inForce()[0] === '203.0.113.2/32')
  assert.equal(looks, 2, 'those who waited are served by one look')
  await control.stop()
})
