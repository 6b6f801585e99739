/**
 * What kind of thing a frame is, in one word without addresses or names: `arp request`, `dhcp`, `tcp 443`. An Ethernet frame
 * comes in, its kind and where its payload lies go out; what cannot be read further has the kind of what could be.
 */
import type { FragmentStore } from '../pcap/fragments.ts'
import { ethernet } from '../pcap/link.ts'
import { readNetwork } from '../pcap/network.ts'
import type { Packet } from '../pcap/packet.ts'
import { DecodeError } from '../reader.ts'

export type FrameKind = {
  readonly kind: string
  /** Whose answer it is, or who asks, by the port that serves. */
  readonly role: 'asks' | 'answers' | 'neither'
  /** Bytes of the IP datagram, or of the frame. */
  readonly bytes: number
  /** Payload of UDP or TCP, in the packet's bytes; null when there is none. */
  readonly payload: { readonly from: number; readonly to: number } | null
  /** Of a TCP segment without payload: its flags. */
  readonly flags: number | null
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['udp 53', 'dns'],
  ['tcp 53', 'dns'],
  ['udp 67', 'dhcp'],
  ['udp 123', 'ntp'],
  ['udp 1900', 'ssdp'],
  ['udp 5353', 'mdns'],
  ['udp 5355', 'llmnr'],
  ['udp 137', 'netbios'],
])
/** Ports from here on are a client's own choice (RFC 6335 §6, and what Linux takes). */
const FIRST_EPHEMERAL = 32_768
const FIRST_UNPRIVILEGED = 1_024

/** Pieces of datagrams are told by their kind alone. */
const NO_FRAGMENTS: FragmentStore = { take: () => 'fragment', dropped: 0 }

/** `packet.reader` stands on an Ethernet frame of `frameBytes`. */
export function readFrameKind(packet: Packet, frameBytes: number): FrameKind {
  const { reader } = packet
  const frameAt = reader.at
  try {
    const link = ethernet(reader)
    if (link === 'arp') return plain(`arp ${arpKind(packet)}`, frameBytes)
    if (link === 'other') return plain(otherKind(packet, frameAt), frameBytes)
    const found = readNetwork(packet, NO_FRAGMENTS, 'ignored')
    if (found !== 'transport') return plain(found === 'fragment' ? 'fragment' : 'ip', frameBytes)
    return transportKind(packet)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return plain('cut short', frameBytes)
  }
}

const plain = (kind: string, bytes: number): FrameKind => ({
  kind,
  role: 'neither',
  bytes,
  payload: null,
  flags: null,
})

/** RFC 826; a probe asks from 0.0.0.0, an announcement asks for itself (RFC 5227). */
function arpKind({ reader }: Packet): string {
  const at = reader.need(28)
  const { view } = reader
  if (view.getUint16(at + 6) === 2) return 'reply'
  const [sender, target] = [view.getUint32(at + 14), view.getUint32(at + 24)]
  return sender === 0 ? 'probe' : sender === target ? 'announcement' : 'request'
}

function otherKind({ reader }: Packet, frameAt: number): string {
  if (reader.end - frameAt < 14) return 'cut short'
  const type = reader.view.getUint16(frameAt + 12)
  if (type === 0x888e) return 'eapol'
  return type < 1_536 ? 'llc' : `ether ${type.toString(16)}`
}

function transportKind(packet: Packet): FrameKind {
  const { reader, proto, transportAt, datagramBytes } = packet
  const end = Math.min(packet.capturedTo, transportAt + packet.transportBytes)
  const here = { role: 'neither', bytes: datagramBytes, payload: null, flags: null } as const
  const at = transportAt
  if (proto === 2) return { kind: 'igmp', ...here }
  if (proto === 1 || proto === 58) {
    const type = end > at ? reader.view.getUint8(at) : 255
    return { kind: `${proto === 1 ? 'icmp' : 'icmp6'} ${type}`, ...here }
  }
  if (proto !== 6 && proto !== 17) return { kind: `ip ${proto}`, ...here }
  if (end - at < (proto === 6 ? 20 : 8)) return { kind: 'cut short', ...here }
  const [source, target] = [reader.view.getUint16(at), reader.view.getUint16(at + 2)]
  const word = proto === 6 ? 'tcp' : 'udp'
  const role = roleOf(word, source, target)
  const port = role === 'answers' ? source : target
  const isNamed = role === 'neither' ? 'high' : String(port)
  const from = proto === 17 ? at + 8 : at + (reader.view.getUint8(at + 12) >> 4) * 4
  return {
    kind: NAMED.get(`${word} ${port}`) ?? (port === 68 && proto === 17 ? 'dhcp' : `${word} ${isNamed}`),
    role,
    bytes: datagramBytes,
    payload: from < end ? { from, to: end } : null,
    flags: proto === 6 ? reader.view.getUint8(at + 13) & 0x3f : null,
  }
}

/** By the ports alone, so that a capture may begin in the middle: a known service first, then the lower port. */
function roleOf(word: string, source: number, target: number): FrameKind['role'] {
  if (NAMED.has(`${word} ${target}`)) return 'asks'
  if (NAMED.has(`${word} ${source}`)) return 'answers'
  if (target < FIRST_UNPRIVILEGED && target <= source) return 'asks'
  if (source < FIRST_UNPRIVILEGED) return 'answers'
  if (source >= FIRST_EPHEMERAL && target >= FIRST_EPHEMERAL) return 'neither'
  return target < source ? 'asks' : 'answers'
}
