import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, type FlowBatch } from '../../model/flow.ts'
import { createServiceNames, createSourceCounters } from '../source.ts'
import { createNetflowDecoder, DATAGRAM_ROWS } from './decoder.ts'
import { ip, ipfix, SECONDS, set, template, u8, u16, u32, u64, v5, v9 } from './packets.fixture.ts'
import type { Pairing } from './pairing.ts'
import { createPairing } from './pairing.ts'
import { createSumming } from './summing.ts'

type One = {
  readonly client: number
  readonly server: number
  readonly clientPort: number
  readonly isAnswer: boolean
  readonly proto: number
  readonly flags: number
  readonly bytes: number
  readonly firstMs: number
  readonly lastMs: number
}
const UPTIME_MS = 100_000

/** The record as the exporter sees it: whoever sent it is its source. */
function ends(one: One) {
  const [client, server] = [`10.0.0.${one.client}`, `10.0.1.${one.server}`]
  const ports = [one.clientPort, 443] as const
  return one.isAnswer
    ? { source: server, target: client, ports: [ports[1], ports[0]] as const }
    : { source: client, target: server, ports }
}

const TEMPLATE = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [6, 1],
  [32, 2],
] as const
const V9 = [...TEMPLATE, [1, 4], [2, 4], [22, 4], [21, 4]] as const
const IPFIX = [...TEMPLATE, [1, 8], [2, 8], [152, 8], [153, 8]] as const

const head = (one: One) => {
  const { source, target, ports } = ends(one)
  return [...ip(source), ...ip(target), ...u16(ports[0]), ...u16(ports[1]), ...u8(one.proto), ...u8(one.flags), 0, 0]
}
const epoch = (ms: number) => u64(SECONDS * 1_000 - UPTIME_MS + ms)

const FORMATS: Record<string, (records: readonly One[], sequence: number) => Uint8Array> = {
  v5: (records, sequence) =>
    v5(
      records.map((one) => ({ ...ends(one), ...one, packets: 5 })),
      { sequence, uptimeMs: UPTIME_MS },
    ),
  v9: (records, sequence) =>
    v9(
      [
        set(0, template(300, V9)),
        set(
          300,
          records.flatMap((one) => [
            ...head(one),
            ...u32(one.bytes),
            ...u32(5),
            ...u32(one.firstMs),
            ...u32(one.lastMs),
          ]),
        ),
      ],
      { sequence, uptimeMs: UPTIME_MS },
    ),
  ipfix: (records, sequence) =>
    ipfix(
      [
        set(2, template(300, IPFIX)),
        set(
          300,
          records.flatMap((one) => [
            ...head(one),
            ...u64(one.bytes),
            ...u64(5),
            ...epoch(one.firstMs),
            ...epoch(one.lastMs),
          ]),
        ),
      ],
      { sequence },
    ),
}

/** `summing` without the short way. */
function rowByRow(summing: ReturnType<typeof createSumming>): Pairing {
  return {
    figures: summing.figures,
    waiting: 0,
    take: (...args) => summing.take(...args),
    release: (...args) => summing.release(...args),
  }
}

/** Without the client's port: a row that was added up has that of any of its records. */
const NUMBERS = ['start', 'end', 'targetPort', 'proto', 'bytesOut', 'bytesIn', 'packetsOut', 'packetsIn'] as const
const CODES = ['phase', 'state', 'marks', 'flows', 'service'] as const

function said(batch: FlowBatch): string[] {
  return Array.from({ length: batch.count }, (_, row) =>
    [
      formatAddress(batch.source, row * 4),
      formatAddress(batch.target, row * 4),
      ...[...NUMBERS, ...CODES].map((column) => batch[column][row]),
    ].join(' '),
  ).sort()
}

function decoded(datagrams: readonly Uint8Array[], way: 'short' | 'by row') {
  const summing = createSumming(createPairing(1_024), 1_024)
  const counters = createSourceCounters()
  const decoder = createNetflowDecoder({
    services: createServiceNames(),
    counters,
    pairing: way === 'short' ? summing : rowByRow(summing),
  })
  const batch = createFlowBatch(2 * DATAGRAM_ROWS)
  const arrivedMs = SECONDS * 1_000
  for (const bytes of datagrams) decoder.decode(bytes, 0, bytes.length, 'x', arrivedMs, batch)
  assert.ok(decoder.release(Number.POSITIVE_INFINITY, batch))
  return {
    rows: said(batch),
    flows: decoder.figures.flows,
    ahead: decoder.figures.ahead,
    refused: counters.refused,
    summed: summing.summed,
  }
}

test('records that were never rows add up to the same as rows', () => {
  const record: fc.Arbitrary<One> = fc.record({
    client: fc.integer({ min: 1, max: 3 }),
    server: fc.integer({ min: 1, max: 2 }),
    clientPort: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1_024, max: 65_535 }) },
      { weight: 1, arbitrary: fc.nat(442) },
    ),
    isAnswer: fc.boolean(),
    proto: fc.constantFrom(6, 6, 6, 17, 1),
    flags: fc.constantFrom(0x1b, 0x1b, 0x02, 0x10, 0),
    bytes: fc.nat(100_000),
    firstMs: fc.integer({ min: 1, max: 95_000 }),
    lastMs: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 90_000, max: 99_999 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 8_000_000) },
    ),
  })
  for (const [format, make] of Object.entries(FORMATS)) {
    let summed = 0
    fc.assert(
      fc.property(
        fc.array(fc.array(record, { minLength: 20, maxLength: 30 }), { minLength: 6, maxLength: 12 }),
        (all) => {
          const datagrams = all.map((records, i) => make(records, i))
          const short = decoded(datagrams, 'short')
          summed += short.summed
          assert.deepEqual(short, decoded(datagrams, 'by row'))
        },
      ),
      { numRuns: 40, endOnFailure: true },
    )
    assert.ok(summed > 1_000, `${format}: ${summed} were added up`)
  }
})
