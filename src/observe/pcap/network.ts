/**
 * IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers: the packet's network offset comes in, addresses,
 * protocol and where the transport layer lies go out, or why there is none.
 */

import { isHeaderSound } from './checksum.ts'
import type { FragmentStore } from './fragments.ts'
import type { Packet } from './packet.ts'

/** `refused` values are counted by their reason. */
export type NetworkFound = 'transport' | 'fragment' | 'esp' | 'bad checksum' | 'longer than the frame' | 'no transport'

export type Checksums = 'verified' | 'ignored'

const MAX_EXTENSIONS = 16
const V6_FRAGMENT = 44

/** Throws `DecodeError` when the packet ends inside a header or a length contradicts another. */
export function readNetwork(packet: Packet, fragments: FragmentStore, checksums: Checksums): NetworkFound {
  const { reader } = packet
  const at = reader.at
  packet.networkAt = at
  const version = reader.view.getUint8(reader.need(1)) >> 4
  reader.at = at
  if (version === 4) return readV4(packet, fragments, checksums)
  if (version === 6) return readV6(packet, fragments)
  return reader.fail(`IP version ${version}`)
}

function readV4(packet: Packet, fragments: FragmentStore, checksums: Checksums): NetworkFound {
  const { reader } = packet
  const { view } = reader
  const at = reader.need(20)
  const headerBytes = (view.getUint8(at) & 15) * 4
  if (headerBytes < 20) reader.fail(`an IPv4 header of ${headerBytes} bytes`)
  reader.skip(headerBytes - 20)
  let total = view.getUint16(at + 2)
  if (total === 0) {
    // Segmentation offload: the capture was taken before the network card wrote the length (and the checksums).
    if (checksums === 'verified') return 'bad checksum'
    total = packet.capturedTo + packet.cutBytes - at
  }
  if (total < headerBytes) reader.fail(`an IPv4 datagram of ${total} bytes`)
  if (total > packet.capturedTo + packet.cutBytes - at) return 'longer than the frame'
  if (checksums === 'verified' && !isHeaderSound(view, at, headerBytes)) return 'bad checksum'
  packet.version = 4
  packet.proto = view.getUint8(at + 9)
  setV4(packet.source, view.getUint32(at + 12))
  setV4(packet.target, view.getUint32(at + 16))
  setTransport(packet, at + headerBytes, total, total - headerBytes)
  const flags = view.getUint16(at + 6)
  if ((flags & 0x3fff) === 0) return 'transport'
  const offset = (flags & 0x1fff) * 8
  if (packet.transportCaptured < packet.transportBytes) return offset === 0 ? 'transport' : 'fragment'
  return fragments.take(packet, {
    id: view.getUint16(at + 4),
    offset,
    isLast: (flags & 0x2000) === 0,
    headerBytes,
    proto: packet.proto,
  })
}

function setV4(words: Uint32Array, address: number): void {
  words[0] = 0
  words[1] = 0
  words[2] = 0xffff
  words[3] = address
}

function setTransport(packet: Packet, transportAt: number, datagram: number, bytes: number): void {
  packet.transportAt = transportAt
  packet.datagramBytes = datagram
  packet.transportBytes = bytes
  packet.transportCaptured = packet.capturedTo - transportAt
}

function readV6(packet: Packet, fragments: FragmentStore): NetworkFound {
  const { reader } = packet
  const { view } = reader
  const at = reader.need(40)
  const total = view.getUint16(at + 4) + 40
  if (total > packet.capturedTo + packet.cutBytes - at) return 'longer than the frame'
  packet.version = 6
  for (let i = 0; i < 4; i++) {
    packet.source[i] = view.getUint32(at + 8 + i * 4)
    packet.target[i] = view.getUint32(at + 24 + i * 4)
  }
  let next = view.getUint8(at + 6)
  for (let depth = 0; depth < MAX_EXTENSIONS; depth++) {
    switch (next) {
      case 0:
      case 43:
      case 60: {
        const extension = reader.need(8)
        next = view.getUint8(extension)
        reader.skip(view.getUint8(extension + 1) * 8)
        continue
      }
      case 51: {
        const extension = reader.need(8)
        next = view.getUint8(extension)
        reader.skip(view.getUint8(extension + 1) * 4)
        continue
      }
      case V6_FRAGMENT: {
        const extension = reader.need(8)
        const flags = view.getUint16(extension + 2)
        const headerBytes = reader.at - at
        if (headerBytes > total) reader.fail('IPv6 headers longer than their datagram')
        packet.proto = view.getUint8(extension)
        setTransport(packet, reader.at, total, total - headerBytes)
        if (packet.transportCaptured < packet.transportBytes) return (flags & 0xfff8) === 0 ? 'transport' : 'fragment'
        return fragments.take(packet, {
          id: view.getUint32(extension + 4),
          offset: flags & 0xfff8,
          isLast: (flags & 1) === 0,
          headerBytes: headerBytes - 8,
          proto: packet.proto,
        })
      }
      case 50:
        return 'esp'
      case 59:
        return 'no transport'
      default:
        packet.proto = next
        if (reader.at - at > total) reader.fail('IPv6 headers longer than their datagram')
        setTransport(packet, reader.at, total, total - (reader.at - at))
        return 'transport'
    }
  }
  return reader.fail(`more than ${MAX_EXTENSIONS} IPv6 extension headers`)
}
