/** Every conversation of a capture file with the figures other programs give for it: what the pcap sections compare. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { formatAddress } from '../../src/model/address.ts'
import { FLOW_STATES, Proto } from '../../src/model/flow.ts'
import type { Hint } from '../../src/model/hint.ts'
import { payloadOf, stateOf } from '../../src/observe/pcap/conn.ts'
import type { Talk } from '../../src/observe/pcap/dissect/talk.ts'
import { createTalks } from '../../src/observe/pcap/dissect/talks.ts'
import type { Checksums } from '../../src/observe/pcap/network.ts'
import { createPacketReader, type PacketCounts } from '../../src/observe/pcap/packets.ts'
import { SERVER_PORTS, type ServerPorts } from '../../src/observe/pcap/server-ports.ts'
import { createServiceNames } from '../../src/observe/source.ts'

export type CapturedFlow = {
  /** As Zeek names it. */
  readonly proto: string
  readonly protoNumber: number
  readonly source: string
  readonly target: string
  readonly sourcePort: number
  readonly targetPort: number
  readonly startMs: number
  readonly durationMs: number
  readonly payloadOut: number
  readonly payloadIn: number
  readonly ipBytesOut: number
  readonly ipBytesIn: number
  readonly packetsOut: number
  readonly packetsIn: number
  readonly state: string
  readonly service: string
}

export type CaptureRead = {
  readonly flows: readonly CapturedFlow[]
  readonly hints: readonly Hint[]
  readonly counts: PacketCounts
  /** Why not all of the file could be read; empty = all was. */
  readonly troubles: readonly string[]
}

export function readCapture(path: string, checksums: Checksums, serverPorts: ServerPorts = SERVER_PORTS): CaptureRead {
  const flows: CapturedFlow[] = []
  const hints: Hint[] = []
  const troubles: string[] = []
  const services = createServiceNames()
  const words = new Uint32Array(8)
  const reader = createPacketReader<Talk>({
    checksums,
    serverPorts,
    refused: (why) => troubles.push(why),
    sink: (table) => {
      const talks = createTalks({ services, table, emit: (hint) => hints.push(hint) })
      return {
        payload: talks.payload,
        ended(conn) {
          talks.ended(conn)
          table.copyAddress(conn.slot, conn.isClientFirst ? 'first' : 'second', words, 0)
          table.copyAddress(conn.slot, conn.isClientFirst ? 'second' : 'first', words, 4)
          flows.push({
            proto: protoName(conn.proto),
            protoNumber: conn.proto,
            source: formatAddress(words, 0),
            target: formatAddress(words, 4),
            sourcePort: conn.clientPort,
            targetPort: conn.serverPort,
            startMs: conn.startMs,
            durationMs: conn.lastMs - conn.startMs,
            payloadOut: payloadOf(conn, 'client'),
            payloadIn: payloadOf(conn, 'server'),
            ipBytesOut: conn.ipBytesOut,
            ipBytesIn: conn.ipBytesIn,
            packetsOut: conn.packetsOut,
            packetsIn: conn.packetsIn,
            state: FLOW_STATES[stateOf(conn)]!,
            service: services.nameOf(conn.service) ?? '-',
          })
        },
      }
    },
  })
  const bytes = readFileSync(path)
  try {
    reader.capture.push(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes)
    const rest = reader.capture.end()
    if (rest !== null) troubles.push(rest)
  } catch (error) {
    troubles.push((error as Error).message)
  }
  reader.assembler.finish()
  return { flows, hints, counts: reader.counts, troubles }
}

/** The one capture in a folder, by what it ends with; null = none. */
export function captureIn(folder: string): string | null {
  const file = readdirSync(folder).find((name) => /\.(pcap|pcapng|trace|cap)(\.gz)?$/.test(name))
  return file === undefined ? null : `${folder}/${file}`
}

function protoName(proto: number): string {
  if (proto === Proto.tcp) return 'tcp'
  if (proto === Proto.udp) return 'udp'
  return proto === Proto.icmp || proto === Proto.icmp6 ? 'icmp' : 'unknown_transport'
}
