/** What the kernel sends us, under fuzz: it is trusted, but the code that reads it runs as root. */
import { encodeAttribute, encodeNested } from '../../src/netlink/message.ts'
import { createCtEntry, readCtEntry } from '../../src/observe/sources/conntrack-message.ts'
import { addSocket, type SocketSum } from '../../src/observe/sources/sock-diag.ts'
import type { FuzzTarget } from './target.ts'

const u8 = (n: number) => Buffer.of(n)
const u16 = (n: number) => Buffer.of(n >>> 8, n & 255)
const u32 = (n: number) => Buffer.concat([u16(n >>> 16), u16(n & 0xffff)])
const u64 = (n: number) => Buffer.concat([u32(0), u32(n)])

/** A TCP connection with counters and timestamps, as `conntrack -E` shows it (linux/netfilter/nfnetlink_conntrack.h). */
function connection(): Buffer {
  const tuple = (kind: number) =>
    encodeNested(
      kind,
      encodeNested(1, encodeAttribute(1, u32(0x0a000001)), encodeAttribute(2, u32(0x0a000002))),
      encodeNested(2, encodeAttribute(1, u8(6)), encodeAttribute(2, u16(40_000)), encodeAttribute(3, u16(443))),
    )
  const counters = (kind: number) => encodeNested(kind, encodeAttribute(1, u64(10)), encodeAttribute(2, u64(5_000)))
  return Buffer.concat([
    Buffer.of(2, 0, 0, 0),
    tuple(1),
    tuple(2),
    encodeAttribute(3, u32(6)),
    encodeNested(4, encodeNested(1, encodeAttribute(1, u8(3)))),
    counters(9),
    counters(10),
    encodeAttribute(12, u32(77)),
    encodeNested(20, encodeAttribute(1, u64(1_000)), encodeAttribute(2, u64(2_000))),
  ])
}

/** One struct inet_diag_msg with INET_DIAG_INFO (linux/inet_diag.h, linux/tcp.h). */
function socket(): Buffer {
  const header = Buffer.alloc(72, 1)
  header[0] = 2
  return Buffer.concat([header, encodeAttribute(2, Buffer.alloc(232, 7))])
}

const manyOf = (head: Buffer, attribute: Buffer, bytes: number) =>
  Buffer.concat([
    head,
    ...Array.from({ length: Math.floor((bytes - head.length) / attribute.length) }, () => attribute),
  ])

export const conntrackMessage: FuzzTarget = {
  name: 'conntrackMessage',
  samples: () => [connection()],
  open() {
    const entry = createCtEntry()
    return (input) => void readCtEntry(Buffer.from(input.buffer, input.byteOffset, input.length), entry)
  },
  growing: { empty: (bytes) => manyOf(Buffer.of(2, 0, 0, 0), encodeAttribute(1, Buffer.alloc(0)), bytes) },
}

export const sockDiagMessage: FuzzTarget = {
  name: 'sockDiagMessage',
  samples: () => [socket()],
  open() {
    const sums = new Map<string, SocketSum>()
    return (input) => addSocket(Buffer.from(input.buffer, input.byteOffset, input.length), sums)
  },
  growing: { empty: (bytes) => manyOf(socket(), encodeAttribute(9, Buffer.alloc(0)), bytes) },
}
