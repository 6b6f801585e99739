/** The Internet checksum (RFC 1071) over a part of a packet, with the pseudo-header of RFC 9293 §3.1 or RFC 8200 §8.1. */
import type { Packet } from './packet.ts'

export function sumWords(view: DataView, from: number, to: number, start: number): number {
  let sum = start
  let at = from
  for (; at + 1 < to; at += 2) sum += view.getUint16(at)
  if (at < to) sum += view.getUint8(at) << 8
  return sum
}

export function folded(sum: number): number {
  let value = sum
  while (value > 0xffff) value = Math.floor(value / 65_536) + (value & 0xffff)
  return value
}

/** True when the header of an IPv4 datagram sums up to all ones. */
export function isHeaderSound(view: DataView, at: number, bytes: number): boolean {
  return folded(sumWords(view, at, at + bytes, 0)) === 0xffff
}

/** True when `transportBytes` of the packet sum up to all ones with their pseudo-header (`proto` as it is on the wire). */
export function isTransportSound(packet: Packet, hasPseudoHeader: 'pseudo-header' | 'alone'): boolean {
  const { view } = packet.reader
  const from = packet.transportAt
  const length = packet.transportBytes
  let sum = 0
  if (hasPseudoHeader === 'pseudo-header') {
    sum += packet.proto + length
    const first = packet.version === 4 ? 3 : 0
    for (let i = first; i < 4; i++) {
      const a = packet.source[i]!
      const b = packet.target[i]!
      sum += (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff)
    }
  }
  return folded(sumWords(view, from, from + length, sum)) === 0xffff
}
