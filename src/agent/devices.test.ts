import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { WorkloadReport } from '../model/wire.ts'
import { foundDevices } from './devices.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-devices-'))
after(() => rmSync(home, { recursive: true, force: true }))
const mac = (i: number) => `02:00:00:00:00:0${i}`
const keep = (value: unknown) => writeFileSync(join(home, 'devices.json'), JSON.stringify(value))
const LAN = { faces: ['lan0'], leases: null }
const named = (driver: WorkloadReport['driver'], face: string, addresses: string[], key = 'named'): WorkloadReport => ({
  key,
  name: key,
  kind: 'device' as WorkloadReport['kind'],
  driver,
  interface: face,
  addresses,
  labels: {},
})

test('what was found before is there at the next start, on the interfaces that are named now', () => {
  keep([
    { face: 'lan0', mac: mac(2), seen: { '10.0.0.6': 5 } },
    { face: 'lan0', mac: mac(1), seen: { 'fd00::5': 5, '10.0.0.5': 5 } },
    { face: 'lan9', mac: mac(3), seen: { '10.9.0.5': 5 } },
  ])
  const found = foundDevices(home, LAN, [])
  assert.deepEqual(
    found.map(({ key, driver, interface: face, addresses }) => [key, driver, face, addresses]),
    [
      [`device:${mac(1)}`, 'gateway', 'lan0', ['10.0.0.5', 'fd00::5']],
      [`device:${mac(2)}`, 'gateway', 'lan0', ['10.0.0.6']],
    ],
  )
})

test('what the inventory names is not told twice, and a link of somebody is shared with nobody', () => {
  keep([
    { face: 'lan0', mac: mac(1), seen: { '10.0.0.5': 5, 'fd00::5': 5 } },
    { face: 'lan0', mac: mac(2), seen: { '10.0.0.6': 5 } },
  ])
  const keys = (all: WorkloadReport[]) => foundDevices(home, LAN, all).map(({ key, addresses }) => [key, ...addresses])
  assert.deepEqual(keys([named('gateway', 'lan0', ['10.0.0.6', '10.0.0.5'])]), [[`device:${mac(1)}`, 'fd00::5']])
  assert.deepEqual(keys([named('gateway', 'lan0', [], `device:${mac(1)}`)]), [[`device:${mac(2)}`, '10.0.0.6']])
  assert.deepEqual(keys([named('netns', 'lan0', ['10.0.0.9'])]), [])
})

test('a file that is none of ours says nothing', () => {
  for (const value of [
    {},
    [{ face: 'lan0; x', mac: mac(1), seen: {} }],
    [{ face: 'lan0', mac: 'x', seen: {} }],
    'text',
  ]) {
    keep(value)
    assert.deepEqual(foundDevices(home, LAN, []), [])
  }
})
