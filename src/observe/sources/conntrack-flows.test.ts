import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES, Phase } from '../../model/flow.ts'
import { encodeAttribute, encodeMessage, encodeNested, messages } from '../../netlink/message.ts'
import { createConntrackFlows } from './conntrack-flows.ts'
import { type CtEntry, createCtEntry, readCtEntry } from './conntrack-message.ts'

const be = (bytes: number, value: number) => {
  const out = Buffer.alloc(bytes)
  if (bytes === 8) out.writeBigUInt64BE(BigInt(value))
  else out.writeUIntBE(value, 0, bytes)
  return out
}
const counters = (type: number, packets: number, bytes: number) =>
  encodeNested(type, encodeAttribute(1, be(8, packets)), encodeAttribute(2, be(8, bytes)))

/** A message as the kernel sends it. */
function message(over: { id?: number; status?: number; tcp?: number; out?: number; in?: number } = {}): Buffer {
  return encodeMessage(
    256,
    0,
    1,
    Buffer.from([2, 0, 0, 0]),
    encodeNested(
      1,
      encodeNested(1, encodeAttribute(1, Buffer.from([10, 0, 0, 1])), encodeAttribute(2, Buffer.from([10, 0, 0, 2]))),
      encodeNested(
        2,
        encodeAttribute(1, Buffer.from([6])),
        encodeAttribute(2, be(2, 40_000)),
        encodeAttribute(3, be(2, 443)),
      ),
    ),
    encodeAttribute(3, be(4, over.status ?? 0)),
    encodeNested(4, encodeNested(1, encodeAttribute(1, Buffer.from([over.tcp ?? 1])))),
    counters(9, 3, over.out ?? 0),
    counters(10, 2, over.in ?? 0),
    encodeAttribute(12, be(4, over.id ?? 7)),
    encodeNested(20, encodeAttribute(1, be(8, 1_700_000_000_000_000_000))),
  )
}
function entryOf(bytes: Buffer): CtEntry {
  const entry = createCtEntry()
  assert.ok(readCtEntry(messages(bytes)[0]!.payload, entry))
  return entry
}
const T = 1_700_000_000_010

test('reads tuple, counters, state and time', () => {
  const entry = entryOf(message({ status: 6, tcp: 3, out: 500, in: 9_000 }))
  assert.equal(formatAddress(entry.source), '10.0.0.1')
  assert.equal(formatAddress(entry.target), '10.0.0.2')
  assert.deepEqual(
    [entry.id, entry.proto, entry.sourcePort, entry.targetPort, entry.bytesOut, entry.bytesIn, entry.startMs],
    [7, 6, 40_000, 443, 500, 9_000, 1_700_000_000_000],
  )
})

test('no cut and no garbage stops it, and nothing is read beyond its attribute', () => {
  const whole = message({ status: 6 })
  const entry = createCtEntry()
  for (let cut = 16; cut <= whole.length; cut++) readCtEntry(whole.subarray(16, cut), entry)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(whole.length - 1), fc.nat(255), (bytes, at, value) => {
      readCtEntry(Buffer.from(bytes), entry)
      const mutated = Buffer.from(whole)
      mutated[at] = value
      for (const one of messages(mutated)) readCtEntry(one.payload, entry)
    }),
  )
})

function tracker() {
  const flows = createConntrackFlows()
  const batch = createFlowBatch(64)
  const told = () => {
    const rows = Array.from({ length: batch.count }, (_, row) => ({
      phase: Object.keys(Phase)[batch.phase[row]!],
      state: FLOW_STATES[batch.state[row]!],
      out: batch.bytesOut[row],
      in: batch.bytesIn[row],
      marks: batch.marks[row],
    }))
    batch.count = 0
    return rows
  }
  return { flows, batch, told }
}

test('deltas add up to the totals, and the outcome is told once', () => {
  const { flows, batch, told } = tracker()
  flows.opened(entryOf(message()), T, batch)
  flows.dumped(entryOf(message({ status: 6, tcp: 3, out: 500, in: 9_000 })), T + 5_000, batch)
  flows.dumped(entryOf(message({ status: 6, tcp: 3, out: 500, in: 9_000 })), T + 10_000, batch)
  flows.closed(entryOf(message({ status: 6, tcp: 7, out: 700, in: 9_100 })), T + 11_000, batch)
  assert.deepEqual(told(), [
    { phase: 'opened', state: 'none', out: 0, in: 0, marks: 0 },
    { phase: 'progress', state: 'none', out: 500, in: 9_000, marks: 1 },
    { phase: 'closed', state: 'SF', out: 200, in: 100, marks: 1 },
  ])
  assert.equal(flows.size, 0)
})

test('silence is told at the first dump a second later, not again at the end', () => {
  const { flows, batch, told } = tracker()
  flows.opened(entryOf(message()), T, batch)
  flows.dumped(entryOf(message({ out: 60 })), T + 5_000, batch)
  flows.closed({ ...entryOf(message({ out: 180 })), packetsIn: 0 }, T + 120_000, batch)
  assert.deepEqual(
    told().map(({ phase, state, out }) => [phase, state, out]),
    [
      ['opened', 'none', 0],
      ['progress', 'S0', 60],
      ['closed', 'none', 120],
    ],
  )
})

test('a refused SYN: the kernel drops the entry at once, with one packet back and no reply mark', () => {
  const { flows, batch, told } = tracker()
  flows.opened(entryOf(message()), T, batch)
  flows.closed({ ...entryOf(message({ tcp: 8, out: 60, in: 40 })), packetsIn: 1 }, T + 1, batch)
  assert.equal(told()[1]!.state, 'REJ')
})

test('lost events are put right: NEW by the dump or the DESTROY, DESTROY by two dumps without the entry', () => {
  const { flows, batch, told } = tracker()
  flows.dumped(entryOf(message({ id: 1, status: 6, tcp: 3, out: 10 })), T, batch)
  flows.closed(entryOf(message({ id: 2, status: 6, tcp: 7, out: 20 })), T, batch)
  assert.deepEqual(
    told().map(({ phase, out }) => [phase, out]),
    [
      ['opened', 10],
      ['opened', 20],
      ['closed', 0],
    ],
  )
  assert.equal(flows.reconciled, 2)
  for (let i = 0; i < 3; i++) flows.dumpEnded(T + i * 5_000, () => batch)
  assert.deepEqual(
    told().map(({ phase, state, out }) => [phase, state, out]),
    [['closed', 'none', 0]],
  )
  assert.equal(flows.size, 0)
})

test('a dump under way when a flow ended does not bring it back; a NEW after the dump is not told twice', () => {
  const { flows, batch, told } = tracker()
  flows.opened(entryOf(message({ id: 1 })), T, batch)
  flows.closed(entryOf(message({ id: 1, status: 6, tcp: 7 })), T + 10, batch)
  flows.dumped(entryOf(message({ id: 1, status: 6, tcp: 3 })), T + 11, batch)
  flows.dumped(entryOf(message({ id: 2 })), T + 12, batch)
  flows.opened(entryOf(message({ id: 2 })), T + 13, batch)
  assert.deepEqual(
    told().map(({ phase }) => phase),
    ['opened', 'closed', 'opened'],
  )
})

test('the number of flows followed is bounded, and what is over is counted', () => {
  const flows = createConntrackFlows(2)
  const batch = createFlowBatch(64)
  for (let id = 1; id <= 5; id++) flows.opened(entryOf(message({ id })), T, batch)
  assert.equal(flows.size, 2)
  assert.equal(flows.refused, 3)
  assert.equal(batch.count, 2)
})

test('while the wall clock by which the kernel stamps was set, ours says when flows begin and end', () => {
  for (const setBy of [-3_600_000, 3_600_000]) {
    const { flows, batch } = tracker()
    const now = T - setBy
    flows.opened(entryOf(message({ id: 1 })), now, batch)
    flows.closed({ ...entryOf(message({ id: 1, status: 6, tcp: 7, out: 9 })), stopMs: T + 700 }, now + 700, batch)
    assert.deepEqual([...batch.start.subarray(0, 2)], [now, now])
    assert.deepEqual([...batch.end.subarray(0, 2)], [now, now + 700])
  }
  const { flows, batch } = tracker()
  flows.opened(entryOf(message({ id: 1 })), T, batch)
  flows.closed({ ...entryOf(message({ id: 1, status: 6, tcp: 7 })), stopMs: T + 3 }, T + 700, batch)
  // There before us: how long is the kernel's word, unless it began in the future.
  flows.dumped(entryOf(message({ id: 2, out: 1 })), T + 86_400_000, batch)
  flows.dumped(entryOf(message({ id: 3, out: 1 })), T - 86_400_000, batch)
  assert.deepEqual([...batch.start.subarray(0, 4)], [T - 10, T - 10, T - 10, T - 86_400_000])
  assert.deepEqual([...batch.end.subarray(0, 2)], [T, T + 3])
})
