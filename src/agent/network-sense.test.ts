import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { flowRows } from '../../test/flow-rows.ts'
import { AgentReport } from '../model/wire.ts'
import { createServiceNames } from '../observe/source.ts'
import { createNetworkSense } from './network-sense.ts'
import { createSourceMeter, judgeSource } from './source-meter.ts'

const T = Date.UTC(2026, 0, 5, 12, 0, 0)
const sense = (more: { readonly maxDevices?: number } = {}) =>
  createNetworkSense({ networks: ['10.20.0.0/16'], services: createServiceNames(), ...more })

test('devices of the declared networks become workloads that are only observed, others do not', () => {
  const one = sense()
  one.take(
    flowRows([
      { at: T, from: '10.20.0.1', to: '192.0.2.1', port: 443, proto: 'tcp' },
      { at: T, from: '10.20.0.2', to: '10.20.0.1', port: 22, proto: 'tcp' },
      { at: T, from: '192.0.2.2', to: '10.21.0.1', port: 22, proto: 'tcp' },
    ]),
  )
  assert.equal(one.takeNews(), true)
  assert.equal(one.takeNews(), false)
  const devices = one.workloads()
  assert.deepEqual(devices.map(({ key }) => key).sort(), ['net:10.20.0.1', 'net:10.20.0.2'])
  assert.ok(
    devices.every(({ driver, kind, interface: face }) => driver === 'recording' && kind === 'device' && face === null),
  )
  const { ticks, conversations } = one.close(T + 10_000)
  assert.deepEqual(ticks.map(({ key }) => key).sort(), ['net:10.20.0.1', 'net:10.20.0.2'])
  assert.equal(conversations.length, 3)
})

test('whatever an exporter says of one flow, the server takes what is told of it', () => {
  const isTaken = Compile(Type.Pick(AgentReport, ['ticks', 'conversations', 'evidence']))
  const one = sense()
  // 8 bytes of octets, from one packet of 2³².
  const most = 2 ** 64 * 2 ** 32
  one.take(flowRows([{ at: T, from: '10.20.0.1', to: '10.20.0.2', port: 443, out: most, in: most }]))
  const { ticks, conversations, evidence } = one.close(T + 10_000)
  assert.equal(ticks.length, 2)
  assert.deepEqual([...isTaken.Errors({ ticks, conversations, evidence })], [])
})

test('what we are on ourselves is not told of twice', () => {
  const one = sense()
  const batch = () => flowRows([{ at: T, from: '10.20.0.1', to: '10.20.0.2', port: 22, proto: 'tcp' }])
  one.take(batch())
  assert.equal(one.workloads().length, 2)
  one.setOwn(['10.20.0.1/24'])
  one.take(batch())
  assert.deepEqual(
    one.workloads().map(({ key }) => key),
    ['net:10.20.0.2'],
  )
  assert.ok(one.close(T + 10_000).ticks.every(({ key }) => key === 'net:10.20.0.2'))
})

test('so many devices and no more: the rest is counted; one that was silent for a day makes room', () => {
  const one = sense({ maxDevices: 2 })
  const rows = (at: number, from: readonly number[]) =>
    flowRows(from.map((n) => ({ at, from: `10.20.0.${n}`, to: '192.0.2.1', port: 443, proto: 'tcp' })))
  one.take(rows(T, [1, 2, 3]))
  assert.equal(one.workloads().length, 2)
  assert.equal(one.lost, 1)
  one.close(T + 10_000)
  one.close(T + 25 * 3_600_000)
  one.take(rows(T + 25 * 3_600_000, [3]))
  assert.deepEqual(
    one.workloads().map(({ key }) => key),
    ['net:10.20.0.3'],
  )
})

test('a device goes like the others when its first reading was lost, and when it was seen while the clock was ahead', () => {
  const batch = (at: number) => flowRows([{ at, from: '10.20.0.1', to: '192.0.2.1', port: 443, proto: 'tcp' }])
  const lost = sense()
  lost.take(batch(T))
  lost.setIndicators({
    type: 'indicators',
    hash: 'a'.repeat(64),
    entries: [],
    neverBlock: [],
    homeNetworks: ['10.20.0.0/16'],
  })
  const ahead = sense()
  ahead.take(batch(T + 365 * 86_400_000))
  ahead.close(T + 365 * 86_400_000 + 10_000)
  for (const one of [lost, ahead]) {
    one.close(T + 10_000)
    assert.equal(one.workloads().length, 1)
    one.close(T + 25 * 3_600_000)
    assert.deepEqual(one.workloads(), [])
  }
})

test('how fast, what was lost lately, and what that means', () => {
  const meter = createSourceMeter(T)
  for (let i = 1; i <= 24; i++) meter.sample(T + i * 5_000, i * 50, i <= 2 ? 7 : 9)
  assert.equal(Math.round(meter.flowsPerSecond), 10)
  assert.equal(meter.lostLately, 0)
  assert.equal(meter.lastSeen, T + 120_000)
  const figures = { failed: null, lostLately: 0, lagMs: 0, lastSeen: T, quiet: 'nothing came' }
  assert.deepEqual(judgeSource(T + 1_000, T, figures), { state: 'live', why: '' })
  assert.deepEqual(judgeSource(T + 61_000, T, figures), { state: 'silent', why: 'nothing came' })
  assert.equal(judgeSource(T, T, { ...figures, lostLately: 3 }).state, 'behind')
  assert.equal(judgeSource(T, T, { ...figures, lagMs: 12_000 }).why, '12 s behind what is sent')
  assert.deepEqual(judgeSource(T, T, { ...figures, failed: 'gone', lostLately: 3 }), { state: 'failed', why: 'gone' })
})
