/** Whole IP packets as bytes, with right checksums (conntrack calls a packet with a wrong one invalid). */
import { parseAddress, type Words } from '../../src/model/address.ts'

export type Crafted = { readonly to: string; readonly bytes: Buffer; readonly receipt: string }

const PROTOCOL = { tcp: 6, udp: 17, icmp: 1 } as const

/**
 * `port` is the destination's, or the ICMP type. `receipt` is how the far side names it: both addresses, the protocol
 * and the first two 16-bit words of the transport header, which `id` makes unique.
 */
export function craft(
  from: string,
  to: string,
  protocol: keyof typeof PROTOCOL,
  port: number,
  id: number,
  tcpFlags = 0x02,
): Crafted {
  const v6 = to.includes(':')
  const number = v6 && protocol === 'icmp' ? 58 : PROTOCOL[protocol]
  const body = transport(protocol, port, id, tcpFlags)
  const [source, target] = [octets(from, v6), octets(to, v6)]
  const at = { tcp: 16, udp: 6, icmp: 2 }[protocol]
  const pseudo =
    number === 1 ? Buffer.alloc(0) : Buffer.concat([source, target, Buffer.from([0, number, 0, body.length])])
  body.writeUInt16BE(checksum(Buffer.concat([pseudo, body])), at)
  const names = [from, to, number, body.readUInt16BE(0), body.readUInt16BE(2)]
  return { to, bytes: header(v6, number, source, target, body), receipt: names.join(' ') }
}

/** ICMP destination unreachable, fragmentation needed (RFC 792, RFC 1191), about a packet that `about` once sent. */
export function craftTooBig(from: string, to: string, about: Buffer): Crafted {
  const body = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, 0x05, 0x14]), about.subarray(0, 28)])
  body.writeUInt16BE(checksum(body), 2)
  const bytes = header(false, 1, octets(from, false), octets(to, false), body)
  return { to, bytes, receipt: [from, to, 1, body.readUInt16BE(0), body.readUInt16BE(2)].join(' ') }
}

function transport(protocol: keyof typeof PROTOCOL, port: number, id: number, tcpFlags: number): Buffer {
  if (protocol === 'icmp') {
    const body = Buffer.alloc(16)
    body.writeUInt8(port, 0)
    body.writeUInt16BE(id, 4)
    return body
  }
  const body = Buffer.alloc(protocol === 'tcp' ? 20 : 12)
  body.writeUInt16BE(id, 0)
  body.writeUInt16BE(port, 2)
  if (protocol === 'udp') body.writeUInt16BE(body.length, 4)
  else {
    body.writeUInt32BE(id * 1000, 4)
    body.writeUInt8(0x50, 12)
    body.writeUInt8(tcpFlags, 13)
    body.writeUInt16BE(1024, 14)
  }
  return body
}

/** `mark` tells one packet from every other: the identification of IPv4, the flow label of IPv6. Routers leave both alone. */
export function header(v6: boolean, protocol: number, source: Buffer, target: Buffer, body: Buffer, mark = 0): Buffer {
  if (v6) {
    const head = Buffer.alloc(8)
    head.writeUInt32BE((0x60000000 | mark) >>> 0, 0)
    head.writeUInt16BE(body.length, 4)
    head.writeUInt8(protocol, 6)
    head.writeUInt8(64, 7)
    return Buffer.concat([head, source, target, body])
  }
  const head = Buffer.alloc(12)
  head.writeUInt8(0x45, 0)
  head.writeUInt16BE(20 + body.length, 2)
  head.writeUInt16BE(mark, 4)
  head.writeUInt16BE(0x4000, 6)
  head.writeUInt8(64, 8)
  head.writeUInt8(protocol, 9)
  const whole = Buffer.concat([head, source, target])
  whole.writeUInt16BE(checksum(whole), 10)
  return Buffer.concat([whole, body])
}

/** RFC 1071. */
export function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export function octets(address: string, v6: boolean): Buffer {
  const words: Words | null = parseAddress(address)
  if (words === null) throw new Error(`not an address: ${address}`)
  const bytes = Buffer.alloc(16)
  words.forEach((word, i) => {
    bytes.writeUInt32BE(word, i * 4)
  })
  return v6 ? bytes : bytes.subarray(12)
}
