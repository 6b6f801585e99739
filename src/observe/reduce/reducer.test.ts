import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowRows } from '../../../test/flow-rows.ts'
import type { WorkloadId } from '../../model/ids.ts'
import { type SumName, sumAt, type Window } from '../../model/window.ts'
import { MAX_TICKS } from '../../model/wire.ts'
import { createDirectory, markAntispoofed } from './directory.ts'
import { createEventClock } from './event-clock.ts'
import { createReducer } from './reducer.ts'
import { sketchEstimate } from './sketch.ts'

const A = { key: 'a', id: 'w_a' as WorkloadId, addresses: ['10.0.0.1'] }
const B = { key: 'b', id: 'w_b' as WorkloadId, addresses: ['10.0.0.2', 'fd00::2'] }
const T = 1_700_000_000_000

function setUp(idle: 'every-tick' | 'omit' = 'omit', maxOpen?: number) {
  const directory = createDirectory()
  directory.put(A)
  directory.put(B)
  const reducer = createReducer({
    directory,
    homeNetworks: ['10.0.0.0/8', 'fd00::/8'],
    serviceName: () => null,
    idle,
    ...(maxOpen === undefined ? {} : { maxOpen }),
  })
  return { directory, reducer }
}
const sum = (window: Window | undefined, name: SumName) => window?.sums[sumAt[name]]

test('a flow counts for both ends, each from its own side', () => {
  const { reducer } = setUp()
  reducer.add(flowRows([{ at: T, from: '10.0.0.1', to: '10.0.0.2', port: 5432, out: 300, in: 9_000, lastsMs: 40 }]))
  const { ticks, conversations } = reducer.close(T + 5_000)
  const a = ticks.find((tick) => tick.workload === A.id)
  const b = ticks.find((tick) => tick.workload === B.id)
  assert.deepEqual([sum(a, 'flowsInitiated'), sum(a, 'bytesOutInitiated'), sum(a, 'databaseInitiated')], [1, 300, 1])
  assert.deepEqual([sum(b, 'flowsServed'), sum(b, 'bytesOutServed'), sum(b, 'databaseServed')], [1, 9_000, 1])
  assert.equal(sum(a, 'externalInitiated'), 0)
  assert.deepEqual(a?.peers, [{ peer: '10.0.0.2', flows: 1, bytesOut: 300, bytesIn: 9_000 }])
  assert.equal(Math.round(sketchEstimate(a!.registers, 0)), 1)
  assert.deepEqual(
    conversations.map(({ workload, direction, peer, port, bytesOut }) => ({
      workload,
      direction,
      peer,
      port,
      bytesOut,
    })),
    [
      { workload: A.id, direction: 'initiated', peer: '10.0.0.2', port: 5432, bytesOut: 300 },
      { workload: B.id, direction: 'served', peer: '10.0.0.1', port: 5432, bytesOut: 9_000 },
    ],
  )
})

test('steps of one flow count it once, and their bytes add up', () => {
  const { reducer } = setUp()
  const step = { from: '10.0.0.1', to: '203.0.113.7', port: 443 } as const
  reducer.add(
    flowRows([
      { ...step, at: T, phase: 'opened', out: 0, in: 0, state: 'none' },
      { ...step, at: T, lastsMs: 1_000, phase: 'progress', out: 700, in: 50, state: 'none' },
      { ...step, at: T, lastsMs: 2_000, phase: 'closed', out: 300, in: 0, state: 'SF' },
    ]),
  )
  const [tick] = reducer.close(T + 10_000).ticks
  assert.deepEqual(
    (['flowsInitiated', 'externalBytesOut', 'finished', 'durationMs', 'webInitiated'] as const).map((n) =>
      sum(tick, n),
    ),
    [1, 1_000, 1, 2_000, 1],
  )
})

test('a late row amends the oldest open tick, is counted, and none is lost', () => {
  const { reducer } = setUp()
  const row = { from: '10.0.0.1', to: '203.0.113.7' }
  reducer.add(flowRows([{ ...row, at: T }]))
  const first = reducer.close(T + 30_000).ticks
  reducer.add(
    flowRows([
      { ...row, at: T + 40_000 },
      { ...row, at: T + 1_000 },
    ]),
  )
  const then = reducer.close(T + 60_000).ticks
  const flows = [...first, ...then].reduce((total, tick) => total + sum(tick, 'flowsInitiated')!, 0)
  assert.equal(flows, 3)
  assert.equal(reducer.counters.late, 1)
})

test('a clock that was set back stops neither readings nor conversations until the time comes again that it showed', () => {
  for (const idle of ['omit', 'every-tick'] as const) {
    const { reducer } = setUp(idle)
    const row = { from: '10.0.0.1', to: '203.0.113.7' }
    reducer.add(flowRows([{ ...row, at: T }]))
    reducer.close(T + 5_000)
    const before = T - 3_600_000
    // Between the step and the tick's end nobody knows of it yet: these count in a reading of the time before.
    reducer.add(flowRows([{ ...row, at: before + 1_000 }]))
    const step = reducer.close(before + 5_000)
    assert.equal(
      step.ticks.reduce((total, tick) => total + sum(tick, 'flowsInitiated')!, 0),
      1,
    )
    for (let i = 1; i < 4; i++) {
      const at = before + i * 5_000
      reducer.add(
        flowRows([
          { ...row, at },
          { ...row, at: at + 700 },
        ]),
      )
      const { ticks, conversations } = reducer.close(at + 5_000)
      const mine = ticks.filter(({ workload }) => workload === A.id)
      assert.deepEqual(
        mine.map((tick) => [tick.start, sum(tick, 'flowsInitiated')]),
        [[at, 2]],
      )
      assert.equal(
        mine[0]!.histograms.subarray((mine[0]!.histograms.length / 4) * 3).reduce((all, n) => all + n, 0) > 0,
        true,
      )
      if (i === 1)
        assert.equal(
          conversations.some(({ start }) => start <= at),
          true,
        )
    }
  }
})

test('a host that slept for an hour tells of the end of that silence, no more than one report holds', () => {
  for (const [workloads, each] of [
    [2, 720],
    [100, 50],
    [6_000, 1],
  ] as const) {
    const { directory, reducer } = setUp('every-tick')
    for (let i = 2; i < workloads; i++)
      directory.put({ key: `k${i}`, id: `w_k${i}` as WorkloadId, addresses: [`10.1.${i >> 8}.${i & 255}`] })
    reducer.close(T)
    const { ticks } = reducer.close(T + 7_200_000)
    assert.equal(ticks.length, workloads * each)
    assert.ok(ticks.length <= MAX_TICKS)
    assert.equal(Math.max(...ticks.map(({ start }) => start)), T + 7_200_000 - 5_000)
  }
})

test('open readings are bounded: beyond, rows amend what is open', () => {
  const { reducer } = setUp('omit', 2)
  const row = { from: '10.0.0.1', to: '203.0.113.7' }
  reducer.add(flowRows([0, 10, 20, 30, 40].map((s) => ({ ...row, at: T + s * 1_000 }))))
  const { ticks } = reducer.close(T + 60_000)
  assert.equal(ticks.length, 2)
  assert.equal(reducer.counters.crowded, 3)
  assert.equal(
    ticks.reduce((total, tick) => total + sum(tick, 'flowsInitiated')!, 0),
    5,
  )
})

test('silence is a reading when asked for', () => {
  const { reducer } = setUp('every-tick')
  reducer.close(T)
  const { ticks } = reducer.close(T + 10_000)
  assert.equal(ticks.length, 4)
  assert.ok(ticks.every((tick) => sum(tick, 'ticks') === 1 && sum(tick, 'activeTicks') === 0))
})

test('multicast that nobody answers is no failure', () => {
  const { reducer } = setUp()
  reducer.add(
    flowRows([
      { at: T, from: '10.0.0.1', to: '224.0.0.251', port: 5353, proto: 'udp', state: 'S0' },
      { at: T, from: '10.0.0.1', to: '10.0.0.9', port: 80, state: 'S0' },
    ]),
  )
  assert.equal(sum(reducer.close(T + 5_000).ticks[0], 'failedInitiated'), 1)
})

test('an address that moves takes its traffic with it; a removed workload has none', () => {
  const { directory } = setUp()
  const batch = flowRows([{ at: T, from: '10.0.0.2', to: 'fd00::2' }])
  directory.assign(batch)
  assert.equal(batch.sourceWorkload[0], directory.numberOf('b'))
  directory.put({ ...A, addresses: ['10.0.0.1', '10.0.0.2'] })
  directory.assign(batch)
  assert.equal(batch.sourceWorkload[0], directory.numberOf('a'))
  assert.equal(batch.targetWorkload[0], directory.numberOf('b'))
  directory.put({ ...B, addresses: ['10.0.0.3'] })
  directory.remove('a')
  directory.assign(batch)
  assert.deepEqual([batch.sourceWorkload[0], batch.targetWorkload[0]], [-1, -1])
})

test('workloads that come and go leave nothing behind, and what is told of each is its own', () => {
  const { directory, reducer } = setUp('every-tick')
  const told = new Map<string, number>()
  const counted = new Map<string, number>()
  for (let i = 0; i < 600; i++) {
    const at = T + i * 5_000
    const address = `10.0.${1 + (i % 2)}.1`
    const one = { key: `run${i}`, id: `w_run${i}` as WorkloadId, addresses: [address] }
    directory.put(one)
    // What it did is told late: it is gone by then, and its number may not be another's.
    reducer.add(flowRows([{ at: at + 4_000, from: address, to: '203.0.113.7', out: i }]))
    directory.remove(one.key)
    const { ticks, conversations } = reducer.close(at + 5_000)
    const [mine] = ticks.filter(({ workload }) => workload === one.id)
    counted.set(one.key, sum(mine, 'bytesOutInitiated')!)
    const gaps = mine!.histograms.subarray((mine!.histograms.length / 4) * 3)
    assert.equal(Math.max(...gaps), 0, 'a first flow has no gap to one of somebody else')
    for (const { workload, bytesOut } of conversations) told.set(workload, bytesOut)
  }
  for (let i = 0; i < 600; i++)
    assert.deepEqual([counted.get(`run${i}`), told.get(`w_run${i}`)], [i, i], 'each is told once, with its own bytes')
  assert.ok(directory.size < 150, `${directory.size} numbers for two that are there`)
  assert.equal(directory.numberOf('run0'), -1)
  assert.deepEqual([directory.numberOf('a'), directory.numberOf('b')], [0, 1])
})

test('a workload that comes back before it was swept is the same, and is there', () => {
  const { directory } = setUp()
  directory.remove('a')
  directory.put(A)
  assert.deepEqual(
    directory.sweep(() => false),
    [],
  )
  directory.remove('a')
  assert.deepEqual(
    directory.sweep(() => true),
    [],
    'still named',
  )
  assert.deepEqual(
    directory.sweep(() => false),
    [0],
  )
  assert.equal(directory.put({ ...A, key: 'c' }), 0)
})

test('only our own sources are vouched for', () => {
  const { directory } = setUp()
  const batch = flowRows([
    { at: T, from: '10.0.0.1', to: '203.0.113.7', marks: 1 },
    { at: T, from: '203.0.113.7', to: '10.0.0.1', marks: 0 },
  ])
  directory.assign(batch)
  markAntispoofed(batch)
  assert.deepEqual([...batch.marks], [3, 0])
})

test('one row from the far future does not move the clock, eight do', () => {
  const clock = createEventClock()
  const future = T + 100 * 86_400_000
  const row = { from: '10.0.0.1', to: '10.0.0.2' }
  clock.walk(
    flowRows([
      { ...row, at: T },
      { ...row, at: future },
      { ...row, at: T + 1_000 },
    ]),
    5_000,
    () => {},
  )
  assert.equal(clock.now, T + 1_000)
  clock.walk(flowRows(Array.from({ length: 8 }, (_, i) => ({ ...row, at: future + i }))), 5_000, () => {})
  assert.equal(clock.now, future)
})

test('a walk gives every row once', () => {
  const clock = createEventClock()
  const rows = Array.from({ length: 500 }, (_, i) => ({ at: T + i * 700, from: '10.0.0.1', to: '10.0.0.2' }))
  let seen = 0
  clock.walk(flowRows(rows), 30_000, (part) => {
    seen += part.count
  })
  assert.equal(seen, 500)
})
