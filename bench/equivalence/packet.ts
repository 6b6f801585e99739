/** One crafted packet of a flow: any of its stages, in either direction, or an error about it. Each has a mark of its own. */
import { checksum, header, octets } from '../dispatch/packets.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp' | 'icmp'
/** The flow as its opener sees it. `port` is the destination's, or the ICMP type of the query; `id` the source port, or the ICMP id. */
export type Thread = {
  readonly from: string
  readonly to: string
  readonly protocol: Protocol
  readonly port: number
  readonly id: number
}
export type Stage = 'open' | 'answer' | 'more' | 'reply'

const FLAGS = { open: 0x02, answer: 0x12, more: 0x10, reply: 0x10 } as const
/** ICMP and ICMPv6 (RFC 792, RFC 4443, RFC 4620): query → answer. */
const ANSWERS: Readonly<Record<number, number>> = { 8: 0, 13: 14, 128: 129, 139: 140 }
const NUMBERS = { tcp: 6, udp: 17, sctp: 132, icmp: 1 } as const

export function craftStage(thread: Thread, stage: Stage, mark: number): Buffer {
  const back = stage === 'answer' || stage === 'reply'
  const v6 = thread.to.includes(':')
  const [source, target] = (back ? [thread.to, thread.from] : [thread.from, thread.to]).map((one) => octets(one, v6))
  const number = v6 && thread.protocol === 'icmp' ? 58 : NUMBERS[thread.protocol]
  const body = bodies[thread.protocol](thread, stage, back)
  sum(thread.protocol, body, number, source!, target!)
  return header(v6, number, source!, target!, body, mark)
}

/** Packet too big (RFC 1191 §4, RFC 4443 §3.2) about `packet`, from where that went to. */
export function craftError(packet: Buffer, mark: number): Buffer {
  const v6 = packet[0]! >> 4 === 6
  const about = packet.subarray(0, v6 ? 60 : 28)
  const head = Buffer.from(v6 ? [2, 0, 0, 0, 0, 0, 0x05, 0x14] : [3, 4, 0, 0, 0, 0, 0x05, 0x14])
  const body = Buffer.concat([head, about])
  const ends = v6
    ? [packet.subarray(24, 40), packet.subarray(8, 24)]
    : [packet.subarray(16, 20), packet.subarray(12, 16)]
  sum('icmp', body, v6 ? 58 : 1, ends[0]!, ends[1]!)
  return header(v6, v6 ? 58 : 1, ends[0]!, ends[1]!, body, mark)
}

const bodies: Record<Protocol, (thread: Thread, stage: Stage, back: boolean) => Buffer> = {
  tcp({ id, port }, stage, back) {
    const body = ports(20, id, port, back)
    const [ours, theirs] = [id * 1_000, id * 1_000 + 500]
    body.writeUInt32BE(stage === 'open' ? ours : back ? theirs + (stage === 'reply' ? 1 : 0) : ours + 1, 4)
    body.writeUInt32BE(stage === 'open' ? 0 : back ? ours + 1 : theirs + 1, 8)
    body.writeUInt8(0x50, 12)
    body.writeUInt8(FLAGS[stage], 13)
    body.writeUInt16BE(1_024, 14)
    return body
  },
  udp({ id, port }, _, back) {
    const body = ports(12, id, port, back)
    body.writeUInt16BE(body.length, 4)
    return body
  },
  // An INIT chunk, which opens an association (RFC 9260 §3.3.2).
  sctp({ id, port }, _, back) {
    const body = ports(32, id, port, back)
    body.writeUInt8(1, 12)
    body.writeUInt16BE(20, 14)
    body.writeUInt32BE(id, 16)
    body.writeUInt32BE(65_536, 20)
    body.writeUInt16BE(1, 24)
    body.writeUInt16BE(1, 26)
    return body
  },
  icmp({ id, port }, _, back) {
    const body = Buffer.alloc(24)
    body.writeUInt8(back ? ANSWERS[port]! : port, 0)
    body.writeUInt16BE(id, 4)
    return body
  },
}

function ports(length: number, id: number, port: number, back: boolean): Buffer {
  const body = Buffer.alloc(length)
  body.writeUInt16BE(back ? port : id, 0)
  body.writeUInt16BE(back ? id : port, 2)
  return body
}

function sum(protocol: Protocol, body: Buffer, number: number, source: Buffer, target: Buffer): void {
  if (protocol === 'sctp') {
    body.writeUInt32LE(crc32c(body), 8)
    return
  }
  const pseudo =
    number === 1 ? Buffer.alloc(0) : Buffer.concat([source, target, Buffer.from([0, number, 0, body.length])])
  body.writeUInt16BE(checksum(Buffer.concat([pseudo, body])), { tcp: 16, udp: 6, icmp: 2 }[protocol])
}

/** RFC 9260, appendix A. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
