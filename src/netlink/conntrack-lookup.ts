/**
 * What conntrack of this namespace calls a flow (linux/netfilter/nfnetlink_conntrack.h): the five values of any packet of it
 * come in, those of its first packet go out, before any translation.
 */
import { attributes, encodeAttribute, encodeMessage, encodeNested, Flag, MessageType } from './message.ts'
import type { NetlinkSocket } from './socket.ts'

const CT_GET = (1 << 8) | 1
const CT_NEW = 1 << 8
const TUPLE_ORIG = 1
const [AF_INET, AF_INET6] = [2, 10]
const QUIET_READS = 3

/** IPv4 as IPv4-mapped IPv6. */
export type Tuple = {
  readonly source: Uint32Array
  readonly target: Uint32Array
  readonly proto: number
  readonly sourcePort: number
  readonly targetPort: number
}

/** null = it tracks no such flow. `socket` is one of family `netfilter`. */
export function originalTuple(socket: NetlinkSocket, tuple: Tuple): Tuple | null {
  const isV4 = tuple.source[0] === 0 && tuple.source[1] === 0 && tuple.source[2] === 0xffff
  const sequence = socket.nextSequence()
  // nfgenmsg: family, version 0, resource 0.
  const header = Buffer.from([isV4 ? AF_INET : AF_INET6, 0, 0, 0])
  socket.send(encodeMessage(CT_GET, Flag.request | Flag.ack, sequence, header, encodeTuple(tuple, isV4)))
  let found: Tuple | null = null
  for (let quiet = 0; quiet < QUIET_READS; ) {
    const messages = socket.receiveNow()
    if (messages.length === 0) quiet++
    for (const { type, sequence: of, payload } of messages) {
      if (of !== sequence) continue
      if (type === MessageType.error) return found
      if (type === CT_NEW) found = readOriginal(payload)
    }
  }
  return found
}

function encodeTuple({ source, target, proto, sourcePort, targetPort }: Tuple, isV4: boolean): Buffer {
  const address = (words: Uint32Array) => {
    const bytes = Buffer.alloc(16)
    words.forEach((word, i) => void bytes.writeUInt32BE(word, i * 4))
    return isV4 ? bytes.subarray(12) : bytes
  }
  const port = (n: number) => Buffer.from([n >> 8, n & 0xff])
  const [from, to] = isV4 ? [1, 2] : [3, 4]
  return encodeNested(
    TUPLE_ORIG,
    encodeNested(1, encodeAttribute(from, address(source)), encodeAttribute(to, address(target))),
    encodeNested(
      2,
      encodeAttribute(1, Buffer.from([proto])),
      encodeAttribute(2, port(sourcePort)),
      encodeAttribute(3, port(targetPort)),
    ),
  )
}

/** null when there is no whole original tuple in it. */
export function readOriginal(payload: Buffer): Tuple | null {
  const ends = new Map<'source' | 'target', Uint32Array>()
  const ports = new Map<number, number>()
  attributes(payload, 4, (type, tuple) => {
    if (type !== TUPLE_ORIG) return
    attributes(tuple, 0, (part, value) => {
      attributes(value, 0, (which, bytes) => {
        if (part === 1) readAddress(which, bytes, ends)
        else if (part === 2 && which === 1 && bytes.length >= 1) ports.set(1, bytes[0]!)
        else if (part === 2 && bytes.length >= 2) ports.set(which, bytes.readUInt16BE(0))
      })
    })
  })
  const [source, target] = [ends.get('source'), ends.get('target')]
  if (source === undefined || target === undefined) return null
  return { source, target, proto: ports.get(1) ?? 0, sourcePort: ports.get(2) ?? 0, targetPort: ports.get(3) ?? 0 }
}

function readAddress(which: number, bytes: Buffer, ends: Map<'source' | 'target', Uint32Array>): void {
  const end = which === 1 || which === 3 ? 'source' : which === 2 || which === 4 ? 'target' : null
  if (end === null || bytes.length < (which <= 2 ? 4 : 16)) return
  const words = which <= 2 ? [0, 0, 0xffff, bytes.readUInt32BE(0)] : [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at))
  ends.set(end, Uint32Array.from(words))
}
