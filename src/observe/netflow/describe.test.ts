import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError } from '../reader.ts'
import { createDescription, type DescribedRecord } from './describe.ts'
import { elementOf } from './element-names.ts'
import { ip, ipfix, name, optionsV9, set, template, u16, u32, u64, v5, v9 } from './packets.fixture.ts'
import { SCOPE } from './template.ts'

function describe(...packets: readonly Uint8Array[]): Record<string, unknown>[] {
  const description = createDescription()
  const records: DescribedRecord[] = []
  for (const packet of packets) description.describe(packet, records)
  return records.map((record) => Object.fromEntries(record.fields.map((field) => [field.name, field.value])))
}

test('the same element has the name of its protocol', () => {
  const field = (element: number, enterprise = 0) => ({ enterprise, element, length: 4 })
  assert.equal(elementOf(field(1), 9)?.name, 'in_bytes')
  assert.equal(elementOf(field(1), 10)?.name, 'octetDeltaCount')
  assert.equal(elementOf(field(1, 29_305), 10)?.name, 'reverseOctetDeltaCount')
  assert.equal(elementOf(field(1, SCOPE), 9)?.name, 'scope_system')
  assert.equal(elementOf(field(351), 9)?.name, 'layer2SegmentId')
  assert.equal(elementOf(field(330, 5_951), 10)?.name, 'netscalerUnknown330')
  assert.equal(elementOf(field(1, 99_999), 10), null)
  assert.equal(elementOf(field(97), 10), null)
})

test('values of every kind', () => {
  const fields = [
    [56, 6],
    [89, 1],
    [95, 4],
    [27, 16],
    [83, 8],
    [201, 4],
    [33_000, 12],
    [1, 8],
    [43, 2],
    [311, 8],
  ] as const
  const double = new Uint8Array(8)
  new DataView(double.buffer).setFloat64(0, 0.25)
  const record = [
    ...[0, 0x50, 0x56, 0xc0, 0, 1],
    0x42,
    ...[3, 0, 0, 53],
    ...[...new Array<number>(10).fill(0), 255, 255, ...ip('10.0.0.1')],
    ...name('eth0', 8),
    ...[0x12, 0x34, 0x5f, 64],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    ...u64(2 ** 53 + 2),
    ...u16(9),
    ...double,
  ]
  const [values] = describe(v9([set(0, template(256, fields)), set(256, record)]))
  assert.deepEqual(values, {
    in_src_mac: '00:50:56:c0:00:01',
    forwarding_status: { status: 1, reason: 2 },
    application_id: '3..53',
    ipv6_src_addr: '::ffff:10.0.0.1',
    if_desc: 'eth0',
    mpls_label_stack_octets: { label: 0x12345, experimental: 7, bottom_of_stack: 1, ttl: 64 },
    ingress_acl_id: '01020304-05060708-090a0b0c',
    in_bytes: 2n ** 53n + 2n,
    samplingProbability: 0.25,
  })
})

test('v5, options of v9, and variable fields of IPFIX', () => {
  const [five] = describe(v5([{ source: '10.0.0.1', target: '10.0.0.2', ports: [1, 2], flags: 16 }]))
  assert.deepEqual([five!.ipv4_src_addr, five!.l4_dst_port, five!.tcp_flags], ['10.0.0.1', 2, 16])
  const options = set(
    1,
    optionsV9(
      257,
      [
        [1, 4],
        [2, 0],
      ],
      [[34, 4]],
    ),
  )
  assert.deepEqual(describe(v9([options, set(257, [...u32(7), ...u32(100)])])), [
    { scope_system: 7, sampling_interval: 100 },
  ])
  const variable = set(
    2,
    template(256, [
      [82, 0xffff],
      [210, 2],
      [192, 0xffff, 5_951],
    ]),
  )
  assert.deepEqual(describe(ipfix([variable, set(256, [2, 104, 105, 0, 0, 2, 0xab, 0xcd])])), [
    { interfaceName: 'hi', netscalerConnectionChainID: 'abcd' },
  ])
})

test('whatever the bytes, only a DecodeError is thrown', () => {
  const head = fc.constantFrom([0, 5, 0, 3], [0, 9, 0, 1], [0, 10, 0, 40])
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
      try {
        describe(Uint8Array.from([...start, ...rest]))
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
})
