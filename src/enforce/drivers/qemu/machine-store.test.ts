/** Definitions as files: whoever watches their folder is told when one is whole. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Machine } from './machine.ts'
import { machinesFolder, openMachineStore } from './machine-store.ts'

test('the folder of all machines changes after the definition is in place, of a new one and of one that was there', () => {
  const home = mkdtempSync(join(tmpdir(), 'guise-machine-store-'))
  try {
    const store = openMachineStore(home)
    const uuid = '11111111-2222-4333-8444-555555555555'
    const machine: Machine = {
      uuid,
      name: 'one',
      mac: '52:54:00:00:00:01',
      clonedFrom: null,
      boot: { from: 'disk' },
      memoryMb: 128,
      cpus: 1,
      face: 'gone',
      gateways: [],
      addresses: [],
      accelerator: 'tcg',
    }
    const folder = machinesFolder(home)
    for (const memoryMb of [128, 256]) {
      utimesSync(folder, 0, 0)
      store.write({ ...machine, memoryMb })
      const [changed, placed] = [folder, join(folder, uuid, 'machine.json')].map((path) =>
        statSync(path, { bigint: true }),
      )
      assert.ok(changed!.mtimeNs > 0n && changed!.ctimeNs >= placed!.ctimeNs, `with ${memoryMb} MB`)
      assert.equal(store.find(uuid)?.memoryMb, memoryMb)
    }
  } finally {
    rmSync(home, { recursive: true })
  }
})
