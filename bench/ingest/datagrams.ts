/**
 * Flow datagrams of a made-up site, in the three protocols: 1,024 clients of 10.20.0.0/22 talk with 64 servers
 * of the site and some 2,000 addresses outside, mostly with few of 24 services each, as machines do: 60,000
 * conversations over some 20,000 (client, server, service), few of them very often. Exporters tell each direction by itself, so two records are a conversation,
 * and its halves stand some records apart. `renew` gives a datagram new times, sequence and client ports before it is sent
 * again.
 */
import { seeded } from '../seeded.ts'

export type Protocol = 'v5' | 'v9' | 'ipfix'
export type Pool = {
  readonly datagrams: readonly Buffer[]
  readonly recordsEach: number
  /** Datagram `i` for the `turn`-th time; `sequence` counts as its protocol does. */
  renew(i: number, turn: number, sequence: number, nowMs: number): void
  /** What `sequence` goes up by with each datagram. */
  readonly sequenceStep: number
}

const CLIENTS = 1_024
const POOL = 4_096
const UPTIME_MS = 86_400_000
const HEADER = { v5: 24, v9: 20, ipfix: 16 } as const
/** 30 is the most a v5 datagram holds; 28 of 45 bytes and a template make 1,400 bytes. */
const RECORDS = { v5: 30, v9: 28, ipfix: 28 } as const

type Half = {
  readonly source: number
  readonly target: number
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
  readonly packets: number
  readonly bytes: number
  readonly flags: number
  readonly agoMs: number
  /** Whose port is the ephemeral one. */
  readonly isRequest: boolean
}

/** [element, width] (IANA IPFIX information elements). */
const FIELDS = [
  [8, 4],
  [12, 4],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
  [6, 1],
  [4, 1],
  [10, 2],
  [14, 2],
  [5, 1],
] as const
/** IPFIX tells times by themselves: flowStartMilliseconds, flowEndMilliseconds. */
const IPFIX_FIELDS = FIELDS.map(([element, width]) =>
  element === 22 ? ([152, 8] as const) : element === 21 ? ([153, 8] as const) : ([element, width] as const),
)
const TEMPLATE = 256

export function createPool(protocol: Protocol, seed: number): Pool {
  const halves = shuffled(conversations((POOL * RECORDS[protocol]) / 2, seed), seed)
  const made = Array.from({ length: POOL }, (_, i) => halves.slice(i * RECORDS[protocol], (i + 1) * RECORDS[protocol]))
  const layout = layoutOf(protocol)
  const datagrams = made.map((records) => encode(protocol, layout, records))
  return {
    datagrams,
    recordsEach: RECORDS[protocol],
    sequenceStep: protocol === 'v9' ? 1 : RECORDS[protocol],
    renew(i, turn, sequence, nowMs) {
      const bytes = datagrams[i]!
      writeHeader(protocol, bytes, sequence, nowMs)
      const records = made[i]!
      for (let row = 0; row < records.length; row++) {
        const half = records[row]!
        const at = layout.first + row * layout.recordBytes
        const port = 1_024 + (((half.isRequest ? half.sourcePort : half.targetPort) + turn * 7_919) % 60_000)
        const place = at + (half.isRequest ? layout.sourcePort : layout.targetPort)
        bytes[place] = port >>> 8
        bytes[place + 1] = port & 255
        if (layout.times >= 0) writeTimes(bytes, at + layout.times, nowMs - half.agoMs)
      }
    },
  }
}

type Layout = {
  readonly first: number
  readonly recordBytes: number
  readonly sourcePort: number
  readonly targetPort: number
  /** Where absolute times are, −1 when they are relative to the header's. */
  readonly times: number
}

function layoutOf(protocol: Protocol): Layout {
  if (protocol === 'v5') return { first: HEADER.v5, recordBytes: 48, sourcePort: 32, targetPort: 34, times: -1 }
  const fields = protocol === 'v9' ? FIELDS : IPFIX_FIELDS
  const places = new Map<number, number>()
  let at = 0
  for (const [element, width] of fields) {
    places.set(element, at)
    at += width
  }
  return {
    first: HEADER[protocol] + 8 + fields.length * 4 + 4,
    recordBytes: at,
    sourcePort: places.get(7)!,
    targetPort: places.get(11)!,
    times: places.get(152) ?? -1,
  }
}

function conversations(n: number, seed: number): Half[] {
  const below = seeded(seed)
  const halves: Half[] = []
  const ports = [443, 443, 443, 80, 53, 53, 22, 5432, 6379, 25]
  for (let i = 0; i < n; i++) {
    // Few do most of it, as everywhere: a power law over clients, and over the 24 usual services of each, which have
    // nine of ten conversations.
    const client = skewed(below, CLIENTS)
    const pick = below(10) < 9 ? seeded(client * 24 + skewed(below, 24)) : below
    const server = pick(10) < 6 ? 0x0a140800 + pick(64) : 0xc0000000 + 0x20000 + pick(2_000)
    const port = ports[pick(ports.length)]!
    const proto = port === 53 ? 17 : 6
    const agoMs = below(2_000)
    const ephemeral = below(60_000)
    const flags = proto === 6 ? 0x1b : 0
    const request = {
      source: 0x0a140000 + client,
      target: server,
      sourcePort: ephemeral,
      targetPort: port,
      isRequest: true,
    }
    const reply = {
      source: server,
      target: 0x0a140000 + client,
      sourcePort: port,
      targetPort: ephemeral,
      isRequest: false,
    }
    const packets = 1 + below(40)
    halves.push({ ...request, proto, packets, bytes: packets * (60 + below(200)), flags, agoMs })
    halves.push({ ...reply, proto, packets: packets + 1, bytes: packets * (60 + below(1_300)), flags, agoMs })
  }
  return halves
}

/** Below `bound`; half of all draws fall into its first eighth. */
export const skewed = (below: (bound: number) => number, bound: number) => Math.floor(bound * (below(1e6) / 1e6) ** 3)

/** Within a window, as exporters' caches mix them; the request stays first mostly. */
function shuffled(halves: Half[], seed: number): Half[] {
  const below = seeded(seed + 1)
  const keyed = halves.map((half, i) => ({ half, at: i + below(64) }))
  return keyed.sort((a, b) => a.at - b.at).map(({ half }) => half)
}

function encode(protocol: Protocol, layout: Layout, records: readonly Half[]): Buffer {
  const bytes = Buffer.alloc(layout.first + records.length * layout.recordBytes)
  if (protocol === 'v5') {
    bytes.writeUInt16BE(5, 0)
    bytes.writeUInt16BE(records.length, 2)
    records.forEach((half, row) => {
      writeV5(bytes, layout.first + row * layout.recordBytes, half)
    })
    return bytes
  }
  const isV9 = protocol === 'v9'
  const fields = isV9 ? FIELDS : IPFIX_FIELDS
  bytes.writeUInt16BE(isV9 ? 9 : 10, 0)
  bytes.writeUInt16BE(isV9 ? records.length + 1 : bytes.length, 2)
  let at: number = HEADER[protocol]
  for (const value of [isV9 ? 0 : 2, 8 + fields.length * 4, TEMPLATE, fields.length, ...fields.flat()]) {
    bytes.writeUInt16BE(value, at)
    at += 2
  }
  bytes.writeUInt16BE(TEMPLATE, at)
  bytes.writeUInt16BE(4 + records.length * layout.recordBytes, at + 2)
  records.forEach((half, row) => {
    let place = layout.first + row * layout.recordBytes
    for (const [element, width] of fields) {
      writeField(bytes, place, width, element, half)
      place += width
    }
  })
  return bytes
}

function writeField(bytes: Buffer, at: number, width: number, element: number, half: Half): void {
  const values: Record<number, number> = {
    8: half.source,
    12: half.target,
    2: half.packets,
    1: half.bytes,
    22: UPTIME_MS - half.agoMs - 400,
    21: UPTIME_MS - half.agoMs,
    7: half.sourcePort,
    11: half.targetPort,
    6: half.flags,
    4: half.proto,
    10: 1,
    14: 2,
  }
  if (width <= 4) bytes.writeUIntBE(values[element] ?? 0, at, width)
}

/** Cisco's NetFlow v5 record. */
function writeV5(bytes: Buffer, at: number, half: Half): void {
  bytes.writeUInt32BE(half.source, at)
  bytes.writeUInt32BE(half.target, at + 4)
  bytes.writeUInt16BE(1, at + 12)
  bytes.writeUInt16BE(2, at + 14)
  bytes.writeUInt32BE(half.packets, at + 16)
  bytes.writeUInt32BE(half.bytes, at + 20)
  bytes.writeUInt32BE(UPTIME_MS - half.agoMs - 400, at + 24)
  bytes.writeUInt32BE(UPTIME_MS - half.agoMs, at + 28)
  bytes.writeUInt16BE(half.sourcePort, at + 32)
  bytes.writeUInt16BE(half.targetPort, at + 34)
  bytes[at + 37] = half.flags
  bytes[at + 38] = half.proto
}

function writeHeader(protocol: Protocol, bytes: Buffer, sequence: number, nowMs: number): void {
  const seconds = Math.floor(nowMs / 1_000)
  const number = sequence >>> 0
  if (protocol === 'ipfix') {
    bytes.writeUInt32BE(seconds, 4)
    bytes.writeUInt32BE(number, 8)
    return
  }
  bytes.writeUInt32BE(UPTIME_MS, 4)
  bytes.writeUInt32BE(seconds, 8)
  if (protocol === 'v9') bytes.writeUInt32BE(number, 12)
  else {
    bytes.writeUInt32BE((nowMs % 1_000) * 1_000_000, 12)
    bytes.writeUInt32BE(number, 16)
  }
}

function writeTimes(bytes: Buffer, at: number, endMs: number): void {
  for (const [place, ms] of [
    [at, endMs - 400],
    [at + 8, endMs],
  ] as const) {
    bytes.writeUInt32BE(Math.floor(ms / 4_294_967_296), place)
    bytes.writeUInt32BE(ms % 4_294_967_296, place + 4)
  }
}
