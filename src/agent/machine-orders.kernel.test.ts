/** Orders about machines, through the real agent: what is done, what its host refuses, and that each is acted on once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { machineOnRange } from '../../bench/kill/machine-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { needQemu, needRoot } from '../../test/need.ts'
import { allowing } from '../../test/whole-persona.ts'
import { machineKey } from '../enforce/drivers/places.ts'
import { readLog } from '../enforce/drivers/qemu/machine-log.ts'
import { findRunning } from '../enforce/drivers/qemu/running.ts'
import type { MachineAct, MachineOrder } from '../model/machine-order.ts'

const skip = needRoot() || needQemu()
const ordered = machineOnRange(
  'mo',
  skip,
  { name: 'till', memoryMb: 128, face: 'gvorder' },
  { machines: 2, memoryMb: 300, cpus: 2 },
)
const { on } = ordered
const till = () => ordered.machine.uuid
before(async () => {
  if (skip !== false) return
  // Hooks of a whole file begin together.
  await until(
    'the machine is there',
    60_000,
    () => (ordered.machine as typeof ordered.machine | undefined) !== undefined,
  )
  floor('')
})

/** Only root may write it; the agent reads it again by itself. */
function floor(more: string): void {
  const limits = 'limits: { machines: 2, machineMemoryMb: 300, machineCpus: 2 }'
  writeFileSync(join(on.range.home, 'floor.yaml'), `version: 1\n${limits}\n${more}`, { mode: 0o600 })
}

function order(act: MachineAct, machine = 'till', more: Partial<MachineOrder> = {}): MachineOrder {
  const id = `m_${randomBytes(16).toString('hex')}`
  return { id, machine, act, by: 'session:ana', until: Date.now() + 60_000, ...more }
}
const toldOf = (id: string) =>
  on.server.reports
    .flatMap(({ orders = [] }) => orders)
    .filter((one) => one.id === id)
    .map(({ outcome, why }) => `${outcome} ${why}`.trim())

/** What it came to, once it is over. */
async function answered(given: MachineOrder): Promise<string> {
  on.server.send({ type: 'machine', order: given })
  await until(`an answer to ${given.act.do}`, 45_000, () => toldOf(given.id).some((one) => !one.startsWith('begun')))
  return toldOf(given.id).at(-1)!
}

test('started, resized, stopped; told as begun and done; sent twice it is acted on once', { skip }, async () => {
  const start = order({ do: 'start' })
  assert.equal(await answered(start), 'done it runs (tcg)')
  assert.equal(toldOf(start.id)[0], 'begun')
  assert.ok(findRunning(till()))
  await until('it is told as running', 20_000, () =>
    on.server.reports.some(({ machines: told }) => told?.some(({ uuid, power }) => uuid === till() && power === 'on')),
  )
  assert.equal(await answered(order({ do: 'stop', how: 'cut' })), 'done it was cut')
  assert.equal(await answered(start), 'done it runs (tcg)', 'as before')
  assert.equal(findRunning(till()), null)
  assert.equal(await answered(order({ do: 'resize', memoryMb: 96 })), 'done memory next-start, processors same')
  assert.deepEqual(
    readLog(on.range.home).map(({ by, act, outcome }) => `${by} ${act} ${outcome}`),
    ['start', 'stop', 'resize'].map((act) => `session:ana ${act} done`),
  )
})

test('a copy and its end, within the quota of the host', { skip }, async () => {
  const clone = (copy: string) => order({ do: 'clone', copy, link: `gv${copy}`, gateways: ['10.78.9.1/24'] })
  assert.match(await answered(clone('one')), /^done one is its copy \(/)
  assert.match(await answered(clone('two')), /^refused two is over the quota: that would be machine 3 of 2; /)
  assert.match(await answered(order({ do: 'resize', cpus: 2 })), /that would be 3 processors of 2/)
  assert.equal(await answered(order({ do: 'destroy' }, 'one')), 'done it is gone, and all that was of it')
  assert.match(await answered(order({ do: 'destroy' }, 'one')), /^refused there is no machine one on this host/)
})

test('late, unsigned where signatures are asked for, against a persona: refused', { skip }, async () => {
  assert.equal(
    await answered(order({ do: 'start' }, 'till', { until: Date.now() - 60_000 })),
    'refused it came too late to be begun',
  )
  const state = on.range.state(on.next(), 0)
  const worn = {
    ...{ workload: 'till', key: machineKey(till()), persona: { id: 'p', name: 'Shut', version: 1 } },
    ...{ egress: allowing(), ingress: allowing(), containment: null, machine: { power: 'off' as const } },
  }
  await on.apply({ ...state, workloads: [...state.workloads, worn] }, 'confirm', 'confirmed')
  assert.match(await answered(order({ do: 'start' })), /^refused its persona Shut says whether it runs/)
  floor(`approvals: { keys: { ana: "ed25519:${'A'.repeat(43)}" } }\n`)
  await until('the floor is read', 20_000, async () =>
    /asks for signatures/.test(await answered(order({ do: 'destroy' }))),
  )
  assert.equal(ordered.machines.all().length, 1)
})

test('what is no order is none: names with more than letters, fields of nobody', { skip }, async () => {
  const before = on.server.reports.length
  const bad = [
    { ...order({ do: 'start' }), machine: 'till;reboot' },
    { ...order({ do: 'start' }), machine: '-uuid' },
    { ...order({ do: 'start' }), shell: 'id' },
    order({ do: 'clone', copy: 'x,y', link: 'a b' }),
  ]
  for (const one of bad) on.server.send({ type: 'machine', order: one as MachineOrder })
  await until('all are refused', 20_000, () => {
    const refused = on.server.reports.slice(before).flatMap(({ refusals = [] }) => refusals)
    return refused.reduce((sum, { of, times }) => sum + (of === 'message' ? times : 0), 0) === bad.length
  })
  assert.equal(readLog(on.range.home).filter(({ machine }) => machine.includes(';')).length, 0)
})
