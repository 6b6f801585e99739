import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { DATA, needData } from '../../../test/need.ts'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES, type FlowBatch, Mark } from '../../model/flow.ts'
import { createServiceNames, createSourceCounters } from '../source.ts'
import { createNetflowDecoder, DATAGRAM_ROWS } from './decoder.ts'
import * as make from './packets.fixture.ts'

const { flow, ip, KEYS, SECONDS, set, template, u16, u32, u64 } = make
const EXPORT_MS = SECONDS * 1_000

function open() {
  const services = createServiceNames()
  const counters = createSourceCounters()
  const decoder = createNetflowDecoder({ services, counters, pairing: null })
  const batch = createFlowBatch(DATAGRAM_ROWS * 2)
  const feed = (bytes: Uint8Array, exporter = '192.0.2.1') => {
    batch.count = 0
    decoder.decode(bytes, 0, bytes.length, exporter, EXPORT_MS, batch)
    return Array.from({ length: batch.count }, (_, row) => rowOf(batch, row, services.nameOf))
  }
  return { decoder, counters, feed }
}

function rowOf(batch: FlowBatch, row: number, nameOf: (code: number) => string | null) {
  return {
    source: `${formatAddress(batch.source, row * 4)} ${batch.sourcePort[row]}`,
    target: `${formatAddress(batch.target, row * 4)} ${batch.targetPort[row]}`,
    proto: batch.proto[row]!,
    out: [batch.bytesOut[row]!, batch.packetsOut[row]!],
    in: [batch.bytesIn[row]!, batch.packetsIn[row]!],
    startMs: batch.start[row]! - EXPORT_MS,
    endMs: batch.end[row]! - EXPORT_MS,
    state: FLOW_STATES[batch.state[row]!]!,
    shaken: (batch.marks[row]! & Mark.handshake) !== 0,
    service: nameOf(batch.service[row]!),
  }
}

test('v5: columns, times from uptimes across its wrap, and sampling scaled up', () => {
  const { decoder, feed } = open()
  const record: make.V5Record = {
    source: '10.0.0.1',
    target: '10.0.0.2',
    ports: [40_000, 22],
    flags: 2,
    packets: 3,
    bytes: 180,
  }
  assert.deepEqual(feed(make.v5([record])), [
    {
      source: '10.0.0.1 40000',
      target: '10.0.0.2 22',
      proto: 6,
      out: [180, 3],
      in: [0, 0],
      startMs: -10_000,
      endMs: -5_000,
      state: 'S0',
      shaken: false,
      service: null,
    },
  ])
  const wrapped = feed(make.v5([{ ...record, firstMs: 0xffff_ff00, lastMs: 10 }], { uptimeMs: 1_010, sequence: 1 }))
  assert.deepEqual([wrapped[0]!.startMs, wrapped[0]!.endMs], [-1_266, -1_000])
  assert.deepEqual(feed(make.v5([record], { sampling: (1 << 14) | 100, sequence: 2 }))[0]!.out, [18_000, 300])
  assert.equal(decoder.figures.scaled, 1)
})

test('v5: ICMP keeps its type and code where Zeek has them', () => {
  const { feed } = open()
  const [row] = feed(make.v5([{ source: '10.0.0.1', target: '10.0.0.2', ports: [0, 0x0800], proto: 1 }]))
  assert.deepEqual([row!.source, row!.target], ['10.0.0.1 8', '10.0.0.2 0'])
})

test('IPFIX: every way to tell a time gives the same time', () => {
  const ntp = (ms: number) => [
    ...u32(Math.floor(ms / 1_000) + 2_208_988_800),
    ...u32(((ms % 1_000) * 4_294_967_296) / 1_000),
  ]
  const start = EXPORT_MS - 4_000
  const end = EXPORT_MS - 1_000
  const ways: [string, make.Spec[], number[]][] = [
    [
      'seconds',
      [
        [150, 4],
        [151, 4],
      ],
      [...u32(start / 1_000), ...u32(end / 1_000)],
    ],
    [
      'milliseconds',
      [
        [152, 8],
        [153, 8],
      ],
      [...u64(start), ...u64(end)],
    ],
    [
      'microseconds',
      [
        [154, 8],
        [155, 8],
      ],
      [...ntp(start), ...ntp(end)],
    ],
    [
      'nanoseconds',
      [
        [156, 8],
        [157, 8],
      ],
      [...ntp(start), ...ntp(end)],
    ],
    [
      'before the export',
      [
        [158, 4],
        [159, 4],
      ],
      [...u32(4_000_000), ...u32(1_000_000)],
    ],
    [
      'end and duration in ms',
      [
        [153, 8],
        [161, 4],
      ],
      [...u64(end), ...u32(3_000)],
    ],
    [
      'start and duration in µs',
      [
        [152, 8],
        [162, 4],
      ],
      [...u64(start), ...u32(3_000_000)],
    ],
    [
      'uptimes and when it started',
      [
        [160, 8],
        [22, 4],
        [21, 4],
      ],
      [...u64(start - 500), ...u32(500), ...u32(3_500)],
    ],
  ]
  for (const [what, specs, body] of ways) {
    const { feed, decoder } = open()
    if (what.startsWith('uptimes')) {
      feed(
        make.ipfix([
          set(3, make.optionsIpfix(300, [[149, 4]], [[160, 8]])),
          set(300, [...u32(1), ...u64(start - 500)]),
        ]),
      )
      assert.equal(decoder.figures.others, 1)
    }
    const sets = [
      set(2, template(256, [...KEYS, ...specs])),
      set(256, [...flow('10.0.0.1', '10.0.0.2', [1, 2]), ...body]),
    ]
    const [row] = feed(make.ipfix(sets))
    assert.ok(row !== undefined, what)
    assert.ok(
      Math.abs(row.startMs + 4_000) < 0.01 && Math.abs(row.endMs + 1_000) < 0.01,
      `${what}: ${row.startMs} ${row.endMs}`,
    )
  }
})

test('reduced sizes, variable lengths, vendor elements and both address families in one record', () => {
  const { feed } = open()
  const fields: make.Spec[] = [
    [27, 16],
    [28, 16],
    [7, 2],
    [11, 2],
    [4, 1],
    [1, 3],
    [2, 1],
    [96, 0xffff],
    [82, 0xffff],
    [1, 2, 99_999],
  ]
  const long = make.name('x'.repeat(300), 300)
  const v6 = (last: number) => [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), last]
  const record = [
    ...v6(1),
    ...v6(2),
    ...u16(5),
    ...u16(443),
    6,
    1,
    0,
    0,
    9,
    4,
    ...make.name('HTTP', 4),
    255,
    ...u16(300),
    ...long,
    7,
    7,
  ]
  const rows = feed(make.ipfix([set(2, template(256, fields)), set(256, [...record, ...record])]))
  assert.equal(rows.length, 2)
  assert.deepEqual(
    [rows[1]!.source, rows[1]!.target, rows[1]!.out, rows[1]!.service],
    ['2001:db8::1 5', '2001:db8::2 443', [65_536, 9], 'http'],
  )
})

test('biflows (RFC 5103): bytes of both directions, and an outcome', () => {
  const { feed } = open()
  const fields: make.Spec[] = [...KEYS, [6, 1], [1, 4, 29_305], [2, 4, 29_305], [6, 1, 29_305]]
  const record = [...flow('10.0.0.1', '10.0.0.2', [40_000, 80]), 0x1b, ...u32(5_000), ...u32(7), 0x1b]
  const [row] = feed(make.ipfix([set(2, template(256, fields)), set(256, record)]))
  assert.deepEqual([row!.in, row!.state, row!.shaken], [[5_000, 7], 'SF', true])
})

test('data before its template waits for it; padding and trailing zeros are no records', () => {
  const { decoder, feed } = open()
  assert.deepEqual(feed(make.v9([set(256, [...flow('10.0.0.1', '10.0.0.2', [1, 2]), 0, 0, 0])])), [])
  assert.equal(decoder.figures.held, 1)
  const rows = feed(make.v9([set(0, template(256, KEYS)), [0, 0, 0, 0, 0, 0, 0, 0]], { sequence: 1 }))
  assert.equal(rows.length, 1)
  assert.equal(rows[0]!.endMs, 0)
})

test('what waits for its template is bounded, and what is too much is counted', () => {
  const { decoder, feed } = open()
  const body = new Array<number>(1_000).fill(1)
  for (let i = 0; i < 100; i++) feed(make.ipfix([set(256 + i, body)]))
  assert.equal(decoder.figures.held + decoder.figures.unheld, 100)
  assert.equal(decoder.figures.held, 32)
})

test('templates belong to one exporter and one domain, and a new one replaces the old', () => {
  const { feed } = open()
  const record = flow('10.0.0.1', '10.0.0.2', [1, 2])
  feed(make.ipfix([set(2, template(256, KEYS))], { domain: 7 }), 'a')
  assert.equal(feed(make.ipfix([set(256, record)], { domain: 7 }), 'a').length, 1)
  assert.equal(feed(make.ipfix([set(256, record)], { domain: 8 }), 'a').length, 0)
  assert.equal(feed(make.ipfix([set(256, record)], { domain: 7 }), 'b').length, 0)
  const swapped: make.Spec[] = [[12, 4], [8, 4], ...KEYS.slice(2)]
  const [row] = feed(make.ipfix([set(2, template(256, swapped)), set(256, record)], { domain: 7, sequence: 1 }), 'a')
  assert.equal(row!.source, '10.0.0.2 1')
})

test('withdrawal of one template and of all (RFC 7011 §8.1)', () => {
  const { decoder, feed } = open()
  feed(
    make.ipfix([
      set(
        2,
        [256, 257, 258].flatMap((id) => template(id, KEYS)),
      ),
    ]),
  )
  feed(make.ipfix([set(2, [...u16(257), ...u16(0)])]))
  const [domain] = [...decoder.exporters.values()]
  assert.deepEqual([...domain!.templates.keys()], [256, 258])
  feed(make.ipfix([set(2, [...u16(2), ...u16(0)])]))
  assert.equal(domain!.templates.size, 0)
})

test('absurd templates and sets are refused with a reason, and cost nothing that stands beside them', () => {
  const good = [set(2, template(300, KEYS)), set(300, flow('10.0.0.1', '10.0.0.2', [1, 2]))]
  const bad: [RegExp, number[][]][] = [
    [
      /records of no bytes/,
      [
        set(
          2,
          template(256, [
            [8, 0],
            [12, 0],
          ]),
        ),
      ],
    ],
    [/numbered 200, below 256/, [set(2, template(200, KEYS))]],
    [/template of 65535 fields/, [set(2, [...u16(256), ...u16(0xffff)])]],
    [
      /more than a datagram holds/,
      [
        set(
          2,
          template(256, [
            [8, 60_000],
            [12, 60_000],
          ]),
        ),
      ],
    ],
    [/cut short/, [set(2, [...u16(256), ...u16(9), ...u16(8), ...u16(4)])]],
    [/0 scopes in 1 fields/, [set(3, [...u16(256), ...u16(1), ...u16(0), ...u16(8), ...u16(4)])]],
    [/a set numbered 77/, [set(77, [1, 2, 3, 4])]],
    [
      /goes beyond its set/,
      [set(2, template(256, [...KEYS, [82, 0xffff]])), set(256, [...flow('1.1.1.1', '2.2.2.2', [1, 2]), 200])],
    ],
  ]
  for (const [why, sets] of bad) {
    const { counters, feed } = open()
    const isLast = why.source.includes('beyond')
    const rows = feed(make.ipfix(isLast ? [...good, ...sets] : [...sets, ...good]))
    assert.equal(rows.length, 1, why.source)
    assert.equal(counters.refused, 1, why.source)
    assert.match(counters.refusals[0]!.why, why)
  }
  const { counters, feed } = open()
  feed(Uint8Array.from([...u16(10), ...u16(16), ...u32(0), ...u32(0), ...u32(0)]))
  assert.equal(counters.refused, 0)
  feed(Uint8Array.of(0, 7, 1, 2))
  assert.match(counters.refusals[0]!.why, /version 7/)
})

test('sampling told by options: v9 samplers, IPFIX selectors, and what the record itself says', () => {
  const v9 = open()
  v9.feed(
    make.v9([
      set(
        1,
        make.optionsV9(
          257,
          [[1, 4]],
          [
            [48, 1],
            [49, 1],
            [50, 4],
          ],
        ),
      ),
      set(257, [...u32(0), 5, 2, ...u32(64)]),
    ]),
  )
  const withSampler = make.v9(
    [set(0, template(256, [...KEYS, [48, 1]])), set(256, [...flow('10.0.0.1', '10.0.0.2', [1, 2], 10), 5])],
    { sequence: 1 },
  )
  assert.deepEqual(v9.feed(withSampler)[0]!.out, [640, 640])

  const selected = open()
  selected.feed(
    make.ipfix([
      set(
        3,
        make.optionsIpfix(
          257,
          [[302, 4]],
          [
            [305, 4],
            [306, 4],
          ],
        ),
      ),
      set(257, [...u32(3), ...u32(1), ...u32(9)]),
    ]),
  )
  const withSelector = [
    set(2, template(256, [...KEYS, [302, 4]])),
    set(256, [...flow('10.0.0.1', '10.0.0.2', [1, 2], 7), ...u32(3)]),
  ]
  assert.deepEqual(selected.feed(make.ipfix(withSelector))[0]!.out, [70, 100])

  const own = open()
  const inline = [
    set(2, template(256, [...KEYS, [34, 4]])),
    set(256, [...flow('10.0.0.1', '10.0.0.2', [1, 2], 7), ...u32(1_000)]),
  ]
  assert.deepEqual(own.feed(make.ipfix(inline))[0]!.out, [7_000, 10_000])
  assert.equal(own.decoder.figures.scaled, 1)
})

test('names of applications come with options (RFC 6759)', () => {
  const { feed } = open()
  feed(
    make.v9([
      set(
        1,
        make.optionsV9(
          257,
          [[1, 4]],
          [
            [95, 4],
            [96, 8],
          ],
        ),
      ),
      set(257, [...u32(0), ...u32(0x0300_0035), ...make.name('DNS', 8)]),
    ]),
  )
  const record = [...flow('10.0.0.1', '10.0.0.2', [1, 53]), ...u32(0x0300_0035)]
  assert.equal(
    feed(make.v9([set(0, template(256, [...KEYS, [95, 4]])), set(256, record)], { sequence: 1 }))[0]!.service,
    'dns',
  )
})

test('gaps in the sequence are lost flows, late datagrams are not, and a restart is no gap', () => {
  const { counters, decoder, feed } = open()
  const record: make.V5Record = { source: '10.0.0.1', target: '10.0.0.2', ports: [1, 2] }
  feed(make.v5([record, record], { sequence: 10 }))
  feed(make.v5([record], { sequence: 12 }))
  assert.equal(counters.lost, 0)
  feed(make.v5([record], { sequence: 20 }))
  assert.equal(counters.lost, 7)
  feed(make.v5([record], { sequence: 15 }))
  assert.deepEqual([counters.lost, decoder.figures.late], [6, 1])
  feed(make.v5([record], { sequence: 3_000_000_000 }))
  assert.deepEqual([counters.lost, decoder.figures.restarts], [6, 1])
})

test('an exporter whose uptime goes back has restarted: its templates are gone with it', () => {
  const { decoder, feed } = open()
  const record = set(256, flow('10.0.0.1', '10.0.0.2', [1, 2]))
  feed(make.v9([set(0, template(256, KEYS))], { uptimeMs: 9_000_000 }))
  assert.equal(feed(make.v9([record], { uptimeMs: 9_001_000, sequence: 1 })).length, 1)
  assert.equal(feed(make.v9([record], { uptimeMs: 5_000, sequence: 0 })).length, 0)
  assert.equal(decoder.figures.restarts, 1)
})

test('a firewall that announces a connection is not counted twice, and what it denies has failed', () => {
  const { feed, decoder } = open()
  const fields: make.Spec[] = [...KEYS, [233, 1]]
  const empty = [...ip('10.0.0.1'), ...ip('10.0.0.2'), ...u16(1), ...u16(2), 6, ...u32(0), ...u32(0)]
  const rows = feed(
    make.ipfix([
      set(2, template(256, fields)),
      set(256, [...empty, 1, ...flow('10.0.0.1', '10.0.0.2', [1, 2]), 2, ...empty, 3]),
    ]),
  )
  assert.deepEqual(
    rows.map((row) => [row.out[0], row.state]),
    [
      [1_000, 'none'],
      [0, 'REJ'],
    ],
  )
  assert.equal(decoder.figures.others, 1)
})

test('a record from the future does not drag the clock along', () => {
  const { feed, decoder } = open()
  const fields: make.Spec[] = [...KEYS, [152, 8], [153, 8]]
  const day = 86_400_000
  const record = [...flow('10.0.0.1', '10.0.0.2', [1, 2]), ...u64(EXPORT_MS + day), ...u64(EXPORT_MS + day + 500)]
  const [row] = feed(make.ipfix([set(2, template(256, fields)), set(256, record)]))
  assert.deepEqual([row!.startMs, row!.endMs, decoder.figures.ahead], [-500, 0, 1])
})

test('a batch without room is a broken promise', () => {
  const { decoder } = open()
  assert.throws(() => decoder.decode(new Uint8Array(20), 0, 20, 'a', 0, createFlowBatch(10)), /room for 10 rows/)
})

test('exporters and templates beyond the bounds are refused and counted', () => {
  const { decoder, feed } = open()
  for (let i = 0; i < 1_030; i++) feed(make.ipfix([set(2, template(256, KEYS))]), `exporter ${i}`)
  assert.deepEqual([decoder.exporters.size, decoder.figures.tooManyExporters], [1_024, 6])
  const many = open()
  for (let i = 0; i < 1_030; i++) many.feed(make.ipfix([set(2, template(256 + i, KEYS))]))
  assert.equal(many.decoder.figures.tooManyTemplates, 6)
})

test('whatever the bytes, nothing is thrown, and rows stay within what a datagram can hold', () => {
  const head = fc.constantFrom([0, 5, 0, 3], [0, 9, 0, 1], [0, 10, 0, 40])
  const { decoder, feed } = open()
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 400 }), (start, rest) => {
      const rows = feed(Uint8Array.from([...start, ...rest]))
      return rows.length <= DATAGRAM_ROWS && decoder.figures.datagrams > 0
    }),
    { numRuns: 2_000 },
  )
})

test('a datagram cut anywhere gives the records before the cut, or fewer', () => {
  const records = Array.from({ length: 10 }, (_, i) => flow('10.0.0.1', '10.0.0.2', [i, 2], 100 + i))
  const whole = make.v9([set(0, template(256, KEYS)), set(256, records.flat())])
  const all = open().feed(whole)
  assert.equal(all.length, 10)
  for (let length = 0; length < whole.length; length++) {
    const rows = open().feed(whole.slice(0, length))
    assert.deepEqual(rows, all.slice(0, rows.length), `cut at ${length}`)
  }
})

const SAMPLES = 'formats/netflow-ipfix'
test('datagrams of real exporters', { skip: needData(SAMPLES) }, () => {
  const wanted: [string[], number, string][] = [
    [['netflow5_test_juniper_mx80.dat'], 29, '66.249.92.75 37387 192.168.0.1 80 104000'],
    [
      ['netflow9_test_cisco_asr9k_tpl260.dat', 'netflow9_test_cisco_asr9k_data260.dat'],
      21,
      '10.0.29.46 443 10.0.15.38 52364 112',
    ],
    [['netflow9_test_iptnetflow_reduced_size_encoding_tpldata260.dat'], 12, '2.17.140.47 443 10.233.150.21 38164 187'],
    [['ipfix_test_netscaler_tpl.dat', 'ipfix_test_netscaler_data.dat'], 3, '192.168.0.1 51053 10.0.0.1 443 1541'],
    [
      ['ipfix_test_yaf_tpls_option_tpl.dat', 'ipfix_test_yaf_data45873.dat'],
      1,
      '172.16.32.100 63499 172.16.32.215 9997 172',
    ],
  ]
  for (const [files, count, last] of wanted) {
    const { counters, feed } = open()
    const rows = files.flatMap((file) => feed(new Uint8Array(readFileSync(`${DATA}/${SAMPLES}/${file}`))))
    assert.equal(rows.length, count, files[0])
    const row = rows.at(-1)!
    assert.equal(`${row.source} ${row.target} ${row.out[0]}`, last)
    assert.equal(counters.refused, 0)
  }
})
