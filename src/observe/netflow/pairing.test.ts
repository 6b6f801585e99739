import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES, Mark, Phase } from '../../model/flow.ts'
import { createServiceNames, createSourceCounters } from '../source.ts'
import { createNetflowDecoder, DATAGRAM_ROWS } from './decoder.ts'
import { SECONDS, type V5Record, v5 } from './packets.fixture.ts'
import { createPairing } from './pairing.ts'

const NOW_MS = SECONDS * 1_000
const CLIENT = '10.0.0.1'
const SERVER = '10.0.0.2'
const SYN = 2
const TALK = 0x1b
const REFUSED = 0x14

function open(capacity = 64) {
  const pairing = createPairing(capacity)
  const decoder = createNetflowDecoder({ services: createServiceNames(), counters: createSourceCounters(), pairing })
  const batch = createFlowBatch(DATAGRAM_ROWS * 2)
  let sequence = 0
  const take = (run: () => void) => {
    batch.count = 0
    run()
    return Array.from({ length: batch.count }, (_, row) => ({
      ends: `${formatAddress(batch.source, row * 4)}:${batch.sourcePort[row]} ${formatAddress(batch.target, row * 4)}:${batch.targetPort[row]}`,
      bytes: [batch.bytesOut[row]!, batch.bytesIn[row]!],
      packets: [batch.packetsOut[row]!, batch.packetsIn[row]!],
      phase: batch.phase[row]!,
      state: FLOW_STATES[batch.state[row]!]!,
      shaken: (batch.marks[row]! & Mark.handshake) !== 0,
    }))
  }
  const feed = (records: readonly V5Record[], arrivedMs = NOW_MS) =>
    take(() => {
      const bytes = v5(records, { sequence })
      sequence += records.length
      decoder.decode(bytes, 0, bytes.length, 'router', arrivedMs, batch)
    })
  return { pairing, feed, release: (untilMs: number) => take(() => void decoder.release(untilMs, batch)) }
}

const asked: V5Record = { source: CLIENT, target: SERVER, ports: [40_000, 443], flags: TALK, bytes: 500, packets: 5 }
const answered: V5Record = {
  source: SERVER,
  target: CLIENT,
  ports: [443, 40_000],
  flags: TALK,
  bytes: 9_000,
  packets: 8,
}
const WHOLE = {
  ends: `${CLIENT}:40000 ${SERVER}:443`,
  bytes: [500, 9_000],
  packets: [5, 8],
  phase: Phase.whole,
  state: 'SF',
  shaken: true,
}

test('both halves become one conversation, whichever comes first, in one datagram or in two', () => {
  const earlier = { ...asked, firstMs: 90_000 }
  const later = { ...answered, firstMs: 90_001 }
  assert.deepEqual(open().feed([earlier, later]), [WHOLE])
  assert.deepEqual(open().feed([later, earlier]), [WHOLE])
  assert.deepEqual(open().feed([answered, asked]), [WHOLE], 'on a tie the higher port calls')
  const two = open()
  assert.deepEqual(two.feed([answered]), [])
  assert.deepEqual(two.feed([asked]), [WHOLE])
  assert.deepEqual([two.pairing.waiting, two.pairing.figures.paired], [0, 1])
})

test('who began first calls, even from a low port', () => {
  const [row] = open().feed([
    { ...answered, ports: [20, 50_000], firstMs: 90_000 },
    { ...asked, ports: [50_000, 20], firstMs: 90_005 },
  ])
  assert.equal(row!.ends, `${SERVER}:20 ${CLIENT}:50000`)
})

test('outcomes as Zeek names them, from the flags of both sides', () => {
  const outcome = (out: number, back: number) => {
    const [row] = open().feed([
      { ...asked, flags: out },
      { ...answered, flags: back },
    ])
    return row!.state
  }
  assert.deepEqual(
    [outcome(SYN, REFUSED), outcome(0x12, 0x12), outcome(0x1b, 0x1f), outcome(0x1f, 0x13), outcome(0x13, 0x12)],
    ['REJ', 'S1', 'RSTR', 'RSTO', 'S2'],
  )
})

test('a half alone goes out when it has waited long enough; the answer of a service is turned round', () => {
  const { feed, release, pairing } = open()
  feed(
    [
      { ...asked, flags: SYN },
      { ...answered, ports: [53, 5_353], proto: 17, flags: 0 },
    ],
    NOW_MS,
  )
  assert.deepEqual(release(NOW_MS), [])
  const rows = release(NOW_MS + 1)
  assert.deepEqual(rows.map(({ ends, bytes, state }) => [ends, bytes, state]).sort(), [
    [`${CLIENT}:40000 ${SERVER}:443`, [500, 0], 'S0'],
    [`${CLIENT}:5353 ${SERVER}:53`, [0, 9_000], 'none'],
  ])
  assert.deepEqual([pairing.waiting, pairing.figures.alone], [0, 2])
})

test('an answer that comes too late is a step of the conversation that was told, not one the server began', () => {
  const { feed, release, pairing } = open()
  feed([{ ...asked, flags: TALK }])
  release(Number.POSITIVE_INFINITY)
  const [late] = feed([answered])
  assert.deepEqual(late, { ...WHOLE, bytes: [0, 9_000], packets: [0, 8], phase: Phase.progress })
  assert.equal(pairing.figures.continued, 1)
})

test('pieces of a long conversation are steps of one; the same ports later are another', () => {
  const { feed } = open()
  const udp = { proto: 17, flags: 0, ports: [40_000, 4_500] as const }
  feed([
    { ...asked, ...udp },
    { ...answered, ...udp, ports: [4_500, 40_000] },
  ])
  const [piece] = feed([{ ...asked, ...udp, firstMs: 96_000, lastMs: 97_000 }])
  assert.deepEqual([piece!.phase, piece!.bytes], [Phase.progress, [500, 0]])
  assert.deepEqual(feed([{ ...asked, ...udp, firstMs: 97_000 + 60_001, lastMs: 160_000 }]), [], 'a new half waits')
  const again = open()
  again.feed([asked, answered])
  assert.deepEqual(again.feed([{ ...asked, firstMs: 95_001, lastMs: 95_500 }]), [], 'a new SYN is a new conversation')
})

test('an echo request and its reply are one conversation of the one who asked', () => {
  const icmp = { proto: 1, flags: 0 }
  const [row] = open().feed([
    { ...answered, ...icmp, ports: [0, 0x0000] },
    { ...asked, ...icmp, ports: [0, 0x0800] },
  ])
  assert.deepEqual([row!.ends, row!.bytes, row!.shaken], [`${CLIENT}:8 ${SERVER}:0`, [500, 9_000], true])
})

test('a full table gives up what it can best do without, and loses nothing', () => {
  const { feed, release, pairing } = open(4)
  const rows = []
  for (let port = 1; port <= 20; port++) rows.push(...feed([{ ...asked, ports: [port + 50_000, 443] }], NOW_MS + port))
  assert.equal(pairing.waiting, 4)
  assert.equal(pairing.figures.crowded, 16)
  rows.push(...release(Number.POSITIVE_INFINITY))
  assert.equal(new Set(rows.map((row) => row.ends)).size, 20)
})

test('a capacity that is no power of two is refused', () => {
  assert.throws(() => createPairing(100), /no power of two: 100/)
})

test('whatever comes in whatever order, no byte and no packet is lost or counted twice', () => {
  const half = fc.record({
    client: fc.constantFrom('10.0.0.1', '10.0.0.3'),
    port: fc.constantFrom(40_000, 443, 53),
    proto: fc.constantFrom(1, 6, 17),
    isBack: fc.boolean(),
    flags: fc.constantFrom(0, 2, 0x12, 0x1b, 0x14),
    bytes: fc.nat(5_000),
    packets: fc.integer({ min: 1, max: 50 }),
    firstMs: fc.integer({ min: 1_000, max: 99_000 }),
    arrivedMs: fc.nat(10_000),
  })
  fc.assert(
    fc.property(fc.array(half, { maxLength: 40 }), (halves) => {
      const { feed, release } = open(8)
      const rows = halves.flatMap(({ client, port, proto, isBack, flags, bytes, packets, firstMs, arrivedMs }) => {
        const ends = { source: client, target: SERVER, ports: [port, 443] as const }
        const turned = { source: SERVER, target: client, ports: [443, port] as const }
        const record = { ...(isBack ? turned : ends), proto, flags, bytes, packets, firstMs, lastMs: firstMs + 500 }
        return [...feed([record], NOW_MS + arrivedMs), ...release(NOW_MS + arrivedMs - 3_000)]
      })
      rows.push(...release(Number.POSITIVE_INFINITY))
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
      assert.equal(sum(rows.flatMap((row) => row.bytes)), sum(halves.map((h) => h.bytes)))
      assert.equal(sum(rows.flatMap((row) => row.packets)), sum(halves.map((h) => h.packets)))
    }),
  )
})
