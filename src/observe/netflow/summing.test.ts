import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../model/address.ts'
import { createFlowBatch, type FlowBatch, Mark, Phase, stateCode } from '../../model/flow.ts'
import { createPairing } from './pairing.ts'
import { createBeside } from './records.ts'
import { createSumming } from './summing.ts'

const T = 1_767_000_000_000
const SYN = 2
const USUAL = 0x1b

type Record = {
  readonly from: string
  readonly to: string
  readonly ports: readonly [number, number]
  readonly at: number
  readonly proto?: number
  readonly flags?: number
  readonly bytes?: number
}

/** Datagrams of some records each, as they come; what goes out, and what is told at the end. */
function run(records: readonly Record[], capacity = 1_024): { rows: FlowBatch; summed: number; busy: number } {
  const summing = createSumming(createPairing(1_024), capacity)
  const out = createFlowBatch(100_000)
  const from = createFlowBatch(30)
  const beside = createBeside(30)
  for (let first = 0; first < records.length; first += 30) {
    const some = records.slice(first, first + 30)
    from.count = some.length
    some.forEach((record, row) => {
      from.source.set(parseAddress(record.from)!, row * 4)
      from.target.set(parseAddress(record.to)!, row * 4)
      from.sourcePort[row] = record.ports[0]
      from.targetPort[row] = record.ports[1]
      from.proto[row] = record.proto ?? 6
      from.start[row] = record.at - 100
      from.end[row] = record.at
      from.bytesOut[row] = record.bytes ?? 500
      from.bytesIn[row] = 0
      from.packetsOut[row] = 5
      from.packetsIn[row] = 0
      from.state[row] = stateCode.none
      from.phase[row] = Phase.whole
      beside.flags[row] = record.flags ?? USUAL
      beside.direction[row] = 0
    })
    summing.take(from, beside, some.at(-1)!.at, out)
    summing.release(some.at(-1)!.at - 5_000, out)
  }
  assert.ok(summing.release(Number.POSITIVE_INFINITY, out))
  return { rows: out, summed: summing.summed, busy: summing.busy }
}

/** `n` conversations of two records each, `everyMs` apart. */
const talks = (n: number, everyMs: number, more: Partial<Record> = {}, client = '10.0.0.1'): Record[] =>
  Array.from({ length: n }, (_, i) => {
    const port = 20_000 + ((i * 7) % 40_000)
    const at = T + i * everyMs
    return [
      { from: client, to: '10.0.0.9', ports: [port, 443], at, ...more },
      { from: '10.0.0.9', to: client, ports: [443, port], at: at + 1, ...more, bytes: 2_000 },
    ] as Record[]
  }).flat()

function totals(rows: FlowBatch) {
  const sum = { flows: 0, out: 0, into: 0, packets: 0 }
  for (let row = 0; row < rows.count; row++) {
    if (rows.phase[row]! <= Phase.opened) sum.flows += rows.flows[row]!
    sum.out += rows.bytesOut[row]!
    sum.into += rows.bytesIn[row]!
    sum.packets += rows.packetsOut[row]! + rows.packetsIn[row]!
  }
  return sum
}

test('a quiet channel passes as it came', () => {
  const { rows, summed } = run(talks(50, 3_000))
  assert.equal(summed, 0)
  assert.equal(rows.count, 50)
  assert.deepEqual(totals(rows), { flows: 50, out: 25_000, into: 100_000, packets: 500 })
})

test('a busy channel is a row a tick, and nothing of it is lost', () => {
  const { rows, summed, busy } = run(talks(2_000, 10))
  assert.equal(busy, 1)
  assert.ok(summed > 3_900, `${summed} of 4000`)
  assert.ok(rows.count < 30, `${rows.count} rows`)
  assert.deepEqual(totals(rows), { flows: 2_000, out: 1e6, into: 4e6, packets: 20_000 })
  const last = rows.count - 1
  assert.equal(rows.targetPort[last], 443)
  assert.equal(rows.end[last]! - rows.start[last]!, 100)
  assert.equal(rows.marks[last], Mark.handshake)
  assert.equal(rows.state[last], stateCode.SF)
})

test('attempts that find nobody stand in a row of their own', () => {
  const some = talks(600, 10).flatMap((one, i) =>
    i % 4 === 2 ? [one, { ...one, ports: [one.ports[0] + 1, one.ports[1]] as const, flags: SYN, bytes: 60 }] : [one],
  )
  const { rows } = run(some)
  let failed = 0
  for (let row = 0; row < rows.count; row++) if (rows.state[row] === stateCode.S0) failed += rows.flows[row]!
  assert.equal(failed, 300)
  assert.equal(totals(rows).flows, 900)
})

test('a piece of a long conversation is not another one', () => {
  const ACK = 16
  const pieces = Array.from(
    { length: 300 },
    (_, i): Record => ({
      from: '10.0.0.1',
      to: '10.0.0.9',
      ports: [30_000, 443],
      at: T + 4_000 + i,
      flags: ACK,
    }),
  )
  const { rows } = run([...talks(400, 10), ...pieces])
  assert.equal(totals(rows).flows, 400)
  assert.equal(totals(rows).out, 400 * 500 + 300 * 500)
})

test('a service above the ports of its clients is called from there, too; who opens a connection is no server', () => {
  const calls = Array.from({ length: 600 }, (_, i): Record[] => {
    const port = i < 100 ? 20_000 + i : 2_000 + i
    const at = T + i * 10
    return [
      { from: '10.0.0.1', to: '10.0.0.9', ports: [port, 5_432], at },
      { from: '10.0.0.9', to: '10.0.0.1', ports: [5_432, port], at: at + 1, bytes: 2_000 },
    ]
  })
  const scan = Array.from(
    { length: 300 },
    (_, i): Record => ({
      from: '10.0.0.9',
      to: '10.0.0.1',
      ports: [5_432, 9_000 + i],
      at: T + i,
      flags: SYN,
      bytes: 60,
    }),
  )
  const { rows, busy } = run([...calls.flat(), ...scan])
  assert.equal(busy, 1)
  assert.equal(totals(rows).flows, 900)
  const looked = new Set<number>()
  let called = 0
  for (let row = 0; row < rows.count; row++)
    if (rows.source[row * 4 + 3] === 0x0a000009) looked.add(rows.targetPort[row]!)
    else if (rows.targetPort[row] === 5_432) called += rows.flows[row]!
  assert.equal(looked.size, 300)
  assert.equal(called, 600)
})

test('a scanner of many ports or addresses is never summed', () => {
  const scan = Array.from(
    { length: 2_000 },
    (_, i): Record => ({
      from: '10.0.0.1',
      to: i % 2 === 0 ? '10.0.0.9' : `10.0.${1 + (i >> 8)}.${i & 255}`,
      ports: [40_000 + (i % 20_000), i % 2 === 0 ? i + 1 : 445],
      at: T + i,
      flags: SYN,
    }),
  )
  const { rows, summed } = run(scan)
  assert.equal(summed, 0)
  assert.equal(totals(rows).flows, 2_000)
})

test('channels are told apart, over IPv6 too, and more than there is room for pass as they came', () => {
  const many = Array.from({ length: 40 }, (_, i) => talks(300, 10, {}, i % 2 === 0 ? `fd00::1:${i}` : `10.1.0.${i}`))
  const mixed = many[0]!.flatMap((_, i) => many.map((one) => one[i]!)).sort((a, b) => a.at - b.at)
  for (const capacity of [1_024, 8]) {
    const { rows } = run(mixed, capacity)
    assert.deepEqual(totals(rows), { flows: 12_000, out: 6e6, into: 24e6, packets: 120_000 })
    const clients = new Set<string>()
    for (let row = 0; row < rows.count; row++) clients.add(rows.source.slice(row * 4, row * 4 + 4).join())
    assert.equal(clients.size, 40)
  }
})
