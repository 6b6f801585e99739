import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../bench/kill/range.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { foundDevices, watchDevices } from './devices.ts'
import { devicesSource } from './source-health.ts'

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
  const otherwise = [named('gateway', 'lan0', ['10.0.0.6/24', 'FD00:0::0:5/64'])]
  assert.deepEqual(keys(otherwise), [[`device:${mac(1)}`, '10.0.0.5']], 'with a prefix, in another spelling')
})

test('on a full disk devices are followed all the same; that is said once, and they are written down when there is room', async () => {
  const now = 8 * 86_400_000
  keep([{ face: 'lo', mac: mac(1), seen: { '10.0.0.5': 0, 'fd00::5': now } }])
  const inTheWay = join(home, 'devices.json.new')
  mkdirSync(inTheWay)
  const lines: string[] = []
  const found: unknown[] = []
  const lan = { faces: ['lo'], leases: null }
  const changed = () => void found.push(foundDevices(home, lan, [])[0]?.addresses)
  const watch = watchDevices(home, lan, { changed, say: (line) => lines.push(line), clock: () => now })
  const { measure } = devicesSource(watch, lan.faces)
  try {
    await until('the change is told', 5_000, () => found.length > 0)
    assert.deepEqual(found, [['fd00::5']])
    for (let again = 0; again < 3; again++) foundDevices(home, lan, [])
    assert.equal(lines.length, 1, 'said once')
    assert.match(lines[0]!, /devices\.json cannot be written, .*: EISDIR/)
    assert.match(measure().failed ?? '', /EISDIR/)
    rmSync(inTheWay, { recursive: true })
    foundDevices(home, lan, [])
    assert.match(readFileSync(join(home, 'devices.json'), 'utf8'), /fd00::5/)
    assert.equal(measure().failed, null)
    assert.deepEqual(foundDevices(home, lan, [])[0]?.addresses, ['fd00::5'])
  } finally {
    rmSync(inTheWay, { recursive: true, force: true })
    watch.close()
  }
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
