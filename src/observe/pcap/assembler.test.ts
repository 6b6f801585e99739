import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ethernet,
  type Frame,
  icmp,
  ip,
  pcapFile,
  type TcpPart,
  tcp,
  udp,
  udpDatagram,
} from '../../../test/pcap-writer.ts'
import { conversations } from './conversations.fixture.ts'

const ENDS = { from: '10.0.0.1', to: '10.0.0.2' }
const BACK = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: 40_000 }
/** Client's and server's first sequence numbers. */
const C = 1_000
const S = 9_000

type Said = Omit<TcpPart, 'from' | 'to'> & { readonly by: 'client' | 'server'; readonly atMs: number }
const client = (atMs: number, flags: string, seq: number, ack?: number, data?: string): Said =>
  said('client', atMs, flags, seq, ack, data)
const server = (atMs: number, flags: string, seq: number, ack?: number, data?: string): Said =>
  said('server', atMs, flags, seq, ack, data)
function said(by: Said['by'], atMs: number, flags: string, seq: number, ack?: number, data?: string): Said {
  return { by, atMs, flags, seq, ...(ack === undefined ? {} : { ack }), ...(data === undefined ? {} : { data }) }
}
function talk(parts: readonly Said[], wrap: (bytes: Uint8Array) => Uint8Array = ethernet): Uint8Array {
  return pcapFile(
    parts.map(({ by, atMs, ...part }) => ({ atMs, bytes: wrap(tcp({ ...(by === 'client' ? ENDS : BACK), ...part })) })),
  )
}
const HANDSHAKE = [client(0, 'S', C), server(10, 'SA', S, C + 1), client(20, 'A', C + 1, S + 1)]
const frames = (...packets: readonly Uint8Array[]): Uint8Array =>
  pcapFile(packets.map((bytes, i): Frame => ({ atMs: i * 100, bytes: ethernet(bytes) })))

const CASES: readonly { readonly name: string; readonly file: Uint8Array; readonly lines: readonly string[] }[] = [
  {
    name: 'a whole connection ends with the second FIN, not with the last acknowledgement',
    file: talk([
      ...HANDSHAKE,
      client(30, 'PA', C + 1, S + 1, 'hello'),
      server(40, 'A', S + 1, C + 6),
      server(50, 'PA', S + 1, C + 6, 'good morning'),
      client(60, 'A', C + 6, S + 13),
      client(70, 'FA', C + 6, S + 13),
      server(80, 'FA', S + 13, C + 7),
      client(990, 'A', C + 7, S + 14),
    ]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 SF 0.08s 5/12 B 6/4 p -'],
  },
  {
    name: 'a SYN nobody answers',
    file: talk([client(0, 'S', C)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 S0 0s 0/0 B 1/0 p -'],
  },
  {
    name: 'a SYN that is refused',
    file: talk([client(0, 'S', C), server(5, 'RA', 0, C + 1)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 REJ 0.005s 0/0 B 1/1 p -'],
  },
  {
    name: 'a half-open scan: SYN, SYN-ACK, RST of the one who asked',
    file: talk([client(0, 'S', C), server(5, 'SA', S, C + 1), client(6, 'R', C + 1)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 RSTO 0.006s 0/0 B 2/1 p -'],
  },
  {
    name: 'the server resets an open connection',
    file: talk([...HANDSHAKE, client(30, 'PA', C + 1, S + 1, 'x'), server(40, 'RA', S + 1, C + 2)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 RSTR 0.04s 1/0 B 3/2 p -'],
  },
  {
    name: 'SYN, then RST by the same side: nobody else was seen',
    file: talk([client(0, 'S', C), client(7, 'R', C + 1)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 RSTOS0 0.007s 0/0 B 2/0 p -'],
  },
  {
    name: 'SYN-ACK then RST, the SYN was never seen: the port of a server says who began',
    file: talk([server(0, 'SA', S, C + 1), server(7, 'R', S + 1)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 RSTRH 0.007s 0/0 B 0/2 p -'],
  },
  {
    name: 'SYN then FIN, half of the conversation was not captured',
    file: talk([client(0, 'S', C), client(7, 'FA', C + 1, S + 1)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 SH 0.007s 0/0 B 2/0 p -'],
  },
  {
    name: 'what is sent again is not counted again',
    file: talk([...HANDSHAKE, client(30, 'PA', C + 1, S + 1, 'hello'), client(230, 'PA', C + 1, S + 1, 'hello')]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 S1 0.23s 5/0 B 4/1 p -'],
  },
  {
    name: 'what the capture lost counts by its sequence numbers',
    file: talk([...HANDSHAKE, client(30, 'PA', C + 1_001, S + 1, 'late'), server(40, 'A', S + 1, C + 1_005)]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 S1 0.04s 1004/0 B 3/2 p -'],
  },
  {
    name: 'sequence numbers wrap at 2³²',
    file: talk([
      client(0, 'S', 0xfffffffe),
      server(10, 'SA', S, 0xffffffff),
      client(20, 'PA', 0xffffffff, S + 1, 'a'.repeat(10)),
      client(30, 'PA', 9, S + 1, 'b'.repeat(10)),
      server(40, 'A', S + 1, 19),
      client(50, 'FA', 19, S + 1),
      server(60, 'FA', S + 1, 20),
    ]),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 SF 0.06s 20/0 B 4/3 p -'],
  },
  {
    name: 'the same ends again after a minute are another connection',
    file: talk([
      client(0, 'S', C),
      server(5, 'RA', 0, C + 1),
      client(60_000, 'S', C + 50),
      server(60_005, 'RA', 0, C + 51),
    ]),
    lines: [
      '10.0.0.1:40000 > 10.0.0.2:80 REJ 0.005s 0/0 B 1/1 p -',
      '10.0.0.1:40000 > 10.0.0.2:80 REJ 0.005s 0/0 B 1/1 p -',
    ],
  },
  {
    name: 'VLAN tags, one or two, change nothing',
    file: talk([client(0, 'S', C), server(5, 'RA', 0, C + 1)], (bytes) => ethernet(bytes, [7, 8])),
    lines: ['10.0.0.1:40000 > 10.0.0.2:80 REJ 0.005s 0/0 B 1/1 p -'],
  },
  {
    name: 'a question and its answer over UDP, seen from the answer',
    file: frames(
      udp({ ...BACK, fromPort: 53, toPort: 5_000 }, 'answer'),
      udp({ ...ENDS, fromPort: 5_000, toPort: 53 }, 'ask'),
    ),
    lines: ['10.0.0.1:5000 > 10.0.0.2:53 SF 0.1s 3/6 B 1/1 p -'],
  },
  {
    name: 'echo and its reply are one conversation, unreachable is one-way',
    file: frames(icmp(ENDS, 8, 0, 'ping'), icmp(BACK, 0, 0, 'ping'), icmp(BACK, 3, 1, 'no host')),
    lines: ['10.0.0.1:8 > 10.0.0.2:0 OTH 0.1s 4/4 B 1/1 p -', '10.0.0.2:3 > 10.0.0.1:1 OTH 0s 7/0 B 1/0 p -'],
  },
  {
    name: 'IPv6, and what ICMPv6 says of neighbours',
    file: frames(
      udp({ from: 'fd00::1', to: 'fd00::2', fromPort: 7_000, toPort: 7_001 }, 'six'),
      icmp({ from: 'fe80::1', to: 'ff02::1:ff00:2' }, 135, 0, 'x'.repeat(16)),
    ),
    lines: [
      'fd00::1:7000 > fd00::2:7001 S0 0s 3/0 B 1/0 p -',
      'fe80::1:135 > ff02::1:ff00:2:136 OTH 0s 16/0 B 1/0 p -',
    ],
  },
]

for (const { name, file, lines } of CASES) {
  test(name, () => {
    const read = conversations(file)
    assert.deepEqual([...read.lines], lines)
    assert.deepEqual(read.refused, [])
    // However the bytes arrive.
    assert.deepEqual(conversations(file, { chunkBytes: 7 }).lines, read.lines)
  })
}

for (const family of ['IPv4', 'IPv6'] as const) {
  const ends = family === 'IPv4' ? { from: '10.0.0.1', to: '10.0.0.2' } : { from: 'fd00::1', to: 'fd00::2' }
  const whole = udpDatagram({ ...ends, fromPort: 1, toPort: 2 }, 'z'.repeat(2_992))
  const part = (from: number, to: number) =>
    ip(ends, 17, whole.slice(from, to), { id: 77, offset: from, more: to < whole.length ? 'more' : 'last' })
  test(`fragments of ${family} become one datagram, in any order`, () => {
    const read = conversations(frames(part(2_000, 3_000), part(0, 1_000), part(1_000, 2_000)))
    assert.deepEqual(read.lines, [`${ends.from}:1 > ${ends.to}:2 S0 0s 2992/0 B 1/0 p -`])
    assert.equal(read.counts.fragments, 2)
  })
  test(`of a datagram of ${family} that stays incomplete nothing is told`, () => {
    assert.deepEqual(conversations(frames(part(0, 1_000), part(2_000, 3_000))).lines, [])
  })
}

test('a packet with a wrong checksum is not believed, unless checksums are ignored', () => {
  const bytes = udp({ ...ENDS, fromPort: 1, toPort: 2 }, 'hello')
  bytes[30]! ^= 1
  assert.match(conversations(frames(bytes)).lines[0]!, /OTH 0s 0\/0 B 0\/0 p/)
  assert.match(conversations(frames(bytes), { checksums: 'ignored' }).lines[0]!, /S0 0s 5\/0 B 1\/0 p/)
})

test('a clock that goes backwards ends nothing and breaks nothing', () => {
  const at = [50_000, 20_000, 49_999, 0]
  const file = pcapFile(at.map((atMs) => ({ atMs, bytes: ethernet(udp({ ...ENDS, fromPort: 1, toPort: 2 }, 'x')) })))
  assert.equal(conversations(file).lines.length, 1)
})

test('a SYN scan of a whole net fills the table once, and the oldest leave it', () => {
  const many = Array.from({ length: 300 }, (_, i) =>
    tcp({ from: '10.0.0.9', to: `10.1.${i >> 8}.${i & 255}`, flags: 'S', seq: i, toPort: 22 }),
  )
  const file = pcapFile(many.map((bytes, i) => ({ atMs: i, bytes: ethernet(bytes) })))
  const read = conversations(file, { maxConns: 64 })
  assert.equal(read.lines.length, 300)
  assert.ok(read.lines.every((line) => line.includes(' S0 ')))
})

test('packets cut by the snapshot length count with the size they had', () => {
  const bytes = ethernet(udp({ ...ENDS, fromPort: 1, toPort: 2 }, 'x'.repeat(500)))
  const file = pcapFile([{ atMs: 0, bytes: bytes.slice(0, 60), wireBytes: bytes.length }])
  assert.deepEqual(conversations(file).lines, ['10.0.0.1:1 > 10.0.0.2:2 S0 0s 500/0 B 1/0 p -'])
})
