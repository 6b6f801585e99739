import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { WorkloadReport } from '../model/wire.ts'
import type { SensorEvent, Whose } from '../observe/sensors/sensor.ts'
import { createSensors } from './sensors.ts'
import { parseSourceSpec } from './source-spec.ts'
import { createSources } from './sources.ts'

const ID = '998306071edc0123456789abcdef0123456789abcdef0123456789abcdef0123'
const workload = (key: string, driver: WorkloadReport['driver'], name = key): WorkloadReport => ({
  ...{ key, name, driver, kind: 'namespace' as WorkloadReport['kind'] },
  ...{ interface: null, addresses: [], labels: {} },
})
/** Process 7 lives in the namespace of `web`, 8 in one of several. */
const made = (kinds = ['tetragon']) => {
  const sensors = createSensors({
    kinds,
    hostname: 'Mars',
    netnsOf: (pid) => (pid === 7 ? 70 : pid === 8 ? 80 : 0),
    aloneIn: (netns) => (netns === 70 ? 'web' : null),
    monotonicMs: () => 0,
  })
  const workloads = [
    workload('web', 'netns'),
    workload(`container:${ID}`, 'container'),
    workload('vm:1', 'qemu', 'venus'),
    workload('vm:2', 'qemu', 'twin'),
    workload('vm:3', 'qemu', 'twin'),
  ]
  sensors.setInventory({ workloads, namespaces: new Map() })
  return sensors
}
const program = (whose: Partial<Whose>): SensorEvent => ({
  kind: 'program',
  whose: { container: null, pids: [], host: null, ...whose },
})

test('a container by its id, a process of this host by its namespace, a machine by its name; all else is nobody', () => {
  const sensors = made()
  const told = (key: string) => sensors.told.programs!(key)
  for (const whose of [
    { container: ID.slice(0, 12) },
    { container: ID.slice(0, 31), host: 'anywhere' },
    { container: ID },
  ])
    sensors.take(program(whose))
  for (const whose of [{ pids: [7] }, { pids: [999, 7], host: 'mars' }]) sensors.take(program(whose))
  sensors.take(program({ pids: [7], host: 'venus' }))
  assert.deepEqual([told(`container:${ID}`), told('web'), told('vm:1')], [3, 2, 1])
  const nobodys = [
    { container: 'ffffffffffff', pids: [7] },
    { pids: [8] },
    { pids: [999] },
    { pids: [7], host: 'pluto' },
    { pids: [7], host: 'twin' },
  ]
  for (const whose of nobodys) sensors.take(program(whose))
  assert.equal(sensors.counters.nobodys, nobodys.length)
  assert.deepEqual([told('web'), told('vm:2')], [2, 0])
})

test('nobody is asked without end, and who is gone is forgotten', () => {
  const sensors = made()
  for (let n = 0; n < 5_000; n++) sensors.take(program({ pids: [7] }))
  assert.equal(sensors.told.programs!('web'), 2_000)
  assert.equal(sensors.counters.unasked, 3_000)
  sensors.setInventory({ workloads: [], namespaces: new Map() })
  assert.equal(sensors.told.programs!('web'), 0)
  assert.deepEqual(made(['falco']).told, { programs: null, calls: null })
})

test('logs of sensors are followed: programs are counted, alerts are evidence, what is garbage is refused and counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-sensors-'))
  const leaving = new AbortController()
  try {
    const paths = ['tetragon', 'falco'].map((kind) => join(folder, `${kind}.json`))
    for (const path of paths) writeFileSync(path, '')
    const sensors = made(['tetragon', 'falco'])
    const specs = ['tetragon', 'falco'].map((kind, i) => parseSourceSpec(`${kind}=${paths[i]}`))
    const sources = createSources({ specs, home: folder, told: sensors.take, say() {} })
    const running = sources.run(leaving.signal)
    const until = async (holds: () => boolean) => {
      for (const end = performance.now() + 8_000; !holds(); await wait(20)) assert.ok(performance.now() < end)
    }
    const spool = { ticks: 0, dropped: 0 }
    const health = () => sources.health(Date.now(), spool)
    const exec = `{"process_exec":{"process":{"pid":9,"docker":"${ID.slice(0, 31)}"}},"time":"x"}\n`
    const alert = `{"rule":"shell","priority":"Critical","time":"2026-01-01T00:00:00Z","output_fields":{"container.id":"${ID.slice(0, 12)}"}}\n`
    await until(() => {
      appendFileSync(paths[0]!, `${exec}garbage\n`)
      appendFileSync(paths[1]!, alert)
      return sensors.counters.programs > 0 && sensors.counters.alerts > 0
    })
    await until(() => health()[0]!.flows > 0 && health()[0]!.refused > 0)
    const [tetragon, falco] = health()
    assert.deepEqual([tetragon!.kind, falco!.kind, falco!.refused], ['tetragon', 'falco', 0])
    assert.match(tetragon!.refusals[0]!.why, /not a JSON object/)
    const [found] = sensors.alarms(Date.now())
    assert.equal(found!.key, `container:${ID}`)
    assert.match(found!.evidence.why, /^Falco alerted on what its programs do: "shell"/)
    leaving.abort()
    await running
  } finally {
    leaving.abort()
    rmSync(folder, { recursive: true, force: true })
  }
})
