/**
 * One capture through the layers: bytes of a capture file come in as chunks, conversations go out of the assembler. This
 * is where one packet's troubles end: what is cut short or contradicts itself is counted and the next packet is read.
 */
import { DecodeError, type Reader } from '../reader.ts'
import { type Assembler, createAssembler } from './assembler.ts'
import { type Capture, createCapture } from './capture.ts'
import type { SinkMaker } from './conn.ts'
import { createFragmentStore } from './fragments.ts'
import { linkName, readLink } from './link.ts'
import { type Checksums, readNetwork } from './network.ts'
import { createPacket } from './packet.ts'
import { SERVER_PORTS, type ServerPorts } from './server-ports.ts'

/** A time beyond the year 2200 is a broken record, and would drag the clock along. */
const LATEST_MS = 7_258_118_400_000

export type PacketCounts = {
  packets: number
  /** Cut short, or contradicting themselves. */
  malformed: number
  arp: number
  /** Neither IP nor ARP. */
  otherLink: number
  badChecksums: number
  /** Fragments kept until their datagram is whole, or given up. */
  fragments: number
  /** Encrypted (ESP), without transport, or longer than their frame. */
  otherNetwork: number
}

export type PacketReader = {
  readonly counts: PacketCounts
  readonly assembler: Assembler
  readonly capture: Capture
}

export function createPacketReader<Talk>(options: {
  readonly sink: SinkMaker<Talk>
  readonly checksums: Checksums
  readonly serverPorts?: ServerPorts
  readonly maxConns?: number
  readonly refused: (why: string, offset: number) => void
}): PacketReader {
  const packet = createPacket()
  const fragments = createFragmentStore()
  const assembler = createAssembler({
    sink: options.sink,
    checksums: options.checksums,
    serverPorts: options.serverPorts ?? SERVER_PORTS,
    ...(options.maxConns === undefined ? {} : { maxConns: options.maxConns }),
  })
  const counts = createCounts()
  const unknownLinks = new Set<number>()

  const take = (captured: Reader, timeMs: number, linkType: number, cutBytes: number) => {
    packet.timeMs = timeMs
    packet.capturedTo = captured.end
    packet.cutBytes = cutBytes
    packet.reader.reset(captured.bytes, captured.at, captured.end)
    const link = readLink(linkType, packet.reader)
    if (link === 'arp') counts.arp++
    else if (link === 'other') counts.otherLink++
    if (link !== 'ip') return
    const network = readNetwork(packet, fragments, options.checksums)
    if (network === 'transport') assembler.take(packet)
    else if (network === 'fragment') counts.fragments++
    else if (network === 'bad checksum') counts.badChecksums++
    else counts.otherNetwork++
  }
  const capture = createCapture({
    packet(captured, timeMs, linkType, cutBytes) {
      counts.packets++
      if (linkName(linkType) === null) {
        if (!unknownLinks.has(linkType) && unknownLinks.size < 16)
          options.refused(`packets of link type ${linkType}, which is not read`, 0)
        unknownLinks.add(linkType)
        counts.otherLink++
        return
      }
      if (!(timeMs >= 0 && timeMs < LATEST_MS)) {
        counts.malformed++
        return
      }
      assembler.advance(timeMs)
      try {
        take(captured, timeMs, linkType, cutBytes)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        counts.malformed++
      }
    },
    refused: options.refused,
  })
  return { counts, assembler, capture }
}

function createCounts(): PacketCounts {
  return { packets: 0, malformed: 0, arp: 0, otherLink: 0, badChecksums: 0, fragments: 0, otherNetwork: 0 }
}
