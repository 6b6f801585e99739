/**
 * Link layers (tcpdump.org/linktypes.html) down to where IP begins: a frame comes in, the offset of its IPv4 or IPv6
 * header goes out, or which of the other things it was. Headers that nest (VLAN tags, MPLS labels) are followed to a
 * bounded depth.
 */
import type { Reader } from '../reader.ts'

export type LinkFound = 'ip' | 'arp' | 'other'

const MAX_HEADERS = 16
const IPV4 = 0x0800
const IPV6 = 0x86dd
const ARP = 0x0806
const PPP_IPV4 = 0x0021
const PPP_IPV6 = 0x0057

type Link = (reader: Reader) => LinkFound

/** By LINKTYPE_ value. Each leaves the reader at the IP header when it answers `ip`. */
const LINKS: Readonly<Record<number, { readonly name: string; readonly read: Link }>> = {
  0: { name: 'NULL', read: loopback },
  1: { name: 'ETHERNET', read: ethernet },
  9: { name: 'PPP', read: ppp },
  10: { name: 'FDDI', read: fddi },
  // DLT_RAW of several systems, LINKTYPE_RAW.
  12: { name: 'RAW', read: rawIp },
  14: { name: 'RAW', read: rawIp },
  50: { name: 'PPP_HDLC', read: pppSerial },
  101: { name: 'RAW', read: rawIp },
  105: { name: 'IEEE802_11', read: wlan },
  108: { name: 'LOOP', read: loopback },
  113: { name: 'LINUX_SLL', read: (reader) => cooked(reader, 14, 16) },
  127: { name: 'IEEE802_11_RADIOTAP', read: radiotap },
  228: { name: 'IPV4', read: rawIp },
  229: { name: 'IPV6', read: rawIp },
  239: { name: 'NFLOG', read: nflog },
  276: { name: 'LINUX_SLL2', read: (reader) => cooked(reader, 0, 20) },
}

export function linkName(linkType: number): string | null {
  return LINKS[linkType]?.name ?? null
}

/** Throws `DecodeError` when the frame ends inside a header. */
export function readLink(linkType: number, reader: Reader): LinkFound {
  return LINKS[linkType]?.read(reader) ?? 'other'
}

export function ethernet(reader: Reader): LinkFound {
  let at = reader.need(14)
  let type = reader.view.getUint16(at + 12)
  if (type === 0x8903) {
    // Cisco FabricPath: 16 bytes in front of the real frame.
    reader.at = at
    reader.skip(16)
    at = reader.need(14)
    type = reader.view.getUint16(at + 12)
  }
  return type >= 1536 ? byEtherType(reader, type) : logicalLink(reader)
}

function byEtherType(reader: Reader, first: number): LinkFound {
  let type = first
  for (let depth = 0; depth < MAX_HEADERS; depth++) {
    switch (type) {
      case IPV4:
      case IPV6:
        return 'ip'
      case ARP:
        return 'arp'
      // 802.1Q, 802.1ad, and the older QinQ value.
      case 0x8100:
      case 0x88a8:
      case 0x9100:
        type = reader.view.getUint16(reader.need(4) + 2)
        if (type < 1536) return logicalLink(reader)
        break
      case 0x8926:
        // Cisco VN-Tag
        type = reader.view.getUint16(reader.need(6) + 4)
        break
      case 0x88e7:
        // Provider backbone bridges (802.1ah): service tag, then a whole frame.
        reader.skip(4)
        return ethernetInside(reader, depth)
      case 0x8847:
      case 0x8848:
        return mpls(reader)
      case 0x8864: {
        reader.skip(6)
        const protocol = reader.u16()
        return protocol === PPP_IPV4 || protocol === PPP_IPV6 ? 'ip' : 'other'
      }
      default:
        return 'other'
    }
  }
  return 'other'
}

function ethernetInside(reader: Reader, depth: number): LinkFound {
  if (depth > 1) return 'other'
  const type = reader.view.getUint16(reader.need(14) + 12)
  return type >= 1536 && type !== 0x88e7 ? byEtherType(reader, type) : logicalLink(reader)
}

function mpls(reader: Reader): LinkFound {
  for (let depth = 0; depth < MAX_HEADERS; depth++) {
    const isBottom = (reader.u32() & 0x100) !== 0
    if (isBottom) return rawIp(reader)
  }
  return 'other'
}

/** IEEE 802.3 with LLC; only SNAP carries IP. */
function logicalLink(reader: Reader): LinkFound {
  if (reader.left < 8) return 'other'
  const at = reader.at
  const { view } = reader
  if (view.getUint16(at) !== 0xaaaa || view.getUint32(at + 2) >>> 8 !== 0x030000) return 'other'
  reader.skip(8)
  const type = view.getUint16(at + 6)
  return type === IPV4 || type === IPV6 ? 'ip' : type === ARP ? 'arp' : 'other'
}

function rawIp(reader: Reader): LinkFound {
  const version = reader.view.getUint8(reader.need(1)) >> 4
  reader.at--
  return version === 4 || version === 6 ? 'ip' : 'other'
}

/** BSD loopback: an address family in the order of the machine that captured; what follows says more surely what it is. */
function loopback(reader: Reader): LinkFound {
  reader.skip(4)
  return rawIp(reader)
}

function cooked(reader: Reader, protocolAt: number, length: number): LinkFound {
  const at = reader.need(length)
  return byEtherType(reader, reader.view.getUint16(at + protocolAt))
}

function fddi(reader: Reader): LinkFound {
  reader.skip(13)
  return logicalLink(reader)
}

function ppp(reader: Reader): LinkFound {
  // RFC 1662: address and control may be there or not.
  if (reader.left >= 2 && reader.view.getUint16(reader.at) === 0xff03) reader.skip(2)
  const protocol = reader.u16()
  return protocol === PPP_IPV4 || protocol === PPP_IPV6 ? 'ip' : 'other'
}

function pppSerial(reader: Reader): LinkFound {
  const protocol = reader.view.getUint16(reader.need(4) + 2)
  return protocol === PPP_IPV4 || protocol === PPP_IPV6 || protocol === IPV4 || protocol === IPV6 ? 'ip' : 'other'
}

function radiotap(reader: Reader): LinkFound {
  const at = reader.need(4)
  const length = reader.view.getUint16(at + 2, true)
  if (length < 4) reader.fail('a radiotap header shorter than its length field')
  reader.skip(length - 4)
  return wlan(reader)
}

/** IEEE 802.11 data frames; whatever is encrypted, without data, or an aggregate of frames is `other`. */
function wlan(reader: Reader): LinkFound {
  const at = reader.need(24)
  const control = reader.view.getUint8(at)
  const flags = reader.view.getUint8(at + 1)
  const isData = (control & 0x0c) === 0x08
  if (!isData || (control & 0x40) !== 0 || (flags & 0x40) !== 0) return 'other'
  if ((flags & 3) === 3) reader.skip(6)
  if ((control & 0x80) !== 0) {
    const quality = reader.view.getUint8(reader.need(2))
    if ((quality & 0x80) !== 0) return 'other'
  }
  return logicalLink(reader)
}

/** LINKTYPE_NFLOG: family, version, resource id, then TLVs in host order; type 9 is the packet. */
function nflog(reader: Reader): LinkFound {
  reader.skip(4)
  for (let i = 0; i < 64; i++) {
    const at = reader.need(4)
    const length = reader.view.getUint16(at, true)
    if (length < 4) reader.fail('an NFLOG attribute shorter than its header')
    if (reader.view.getUint16(at + 2, true) === 9) return rawIp(reader)
    reader.skip(((length + 3) & ~3) - 4)
  }
  return 'other'
}
