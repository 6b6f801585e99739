/** For tests: a capture's conversations as lines of text, with what was refused on the way. */
import { formatAddress } from '../../model/address.ts'
import { FLOW_STATES } from '../../model/flow.ts'
import type { Hint } from '../../model/hint.ts'
import { createServiceNames } from '../source.ts'
import { payloadOf, stateOf } from './conn.ts'
import type { Talk } from './dissect/talk.ts'
import { createTalks } from './dissect/talks.ts'
import type { Checksums } from './network.ts'
import { createPacketReader, type PacketCounts } from './packets.ts'

export type Conversations = {
  /** `10.0.0.1:40000 > 10.0.0.2:80 SF 1.5s 10/20 B 5/4 p http`, payload and packets out and in. */
  readonly lines: readonly string[]
  readonly hints: readonly Hint[]
  readonly counts: PacketCounts
  readonly refused: readonly string[]
}

export function conversations(
  file: Uint8Array,
  { checksums = 'verified', maxConns = 1_024, chunkBytes = file.length || 1 }: Options = {},
): Conversations {
  const lines: string[] = []
  const hints: Hint[] = []
  const refused: string[] = []
  const services = createServiceNames()
  const words = new Uint32Array(8)
  const reader = createPacketReader<Talk>({
    checksums,
    maxConns,
    refused: (why) => refused.push(why),
    sink: (table) => {
      const talks = createTalks({ services, table, emit: (hint) => hints.push(hint) })
      return {
        payload: talks.payload,
        ended(conn) {
          talks.ended(conn)
          table.copyAddress(conn.slot, conn.isClientFirst ? 'first' : 'second', words, 0)
          table.copyAddress(conn.slot, conn.isClientFirst ? 'second' : 'first', words, 4)
          const ends = `${formatAddress(words, 0)}:${conn.clientPort} > ${formatAddress(words, 4)}:${conn.serverPort}`
          const seconds = Math.round(conn.lastMs - conn.startMs) / 1_000
          const bytes = `${payloadOf(conn, 'client')}/${payloadOf(conn, 'server')} B`
          const packets = `${conn.packetsOut}/${conn.packetsIn} p`
          const service = services.nameOf(conn.service) ?? '-'
          lines.push(`${ends} ${FLOW_STATES[stateOf(conn)]} ${seconds}s ${bytes} ${packets} ${service}`)
        },
      }
    },
  })
  for (let at = 0; at < file.length; at += chunkBytes) reader.capture.push(file.slice(at, at + chunkBytes))
  const rest = reader.capture.end()
  if (rest !== null) refused.push(rest)
  reader.assembler.finish()
  return { lines, hints, counts: reader.counts, refused }
}

type Options = { readonly checksums?: Checksums; readonly maxConns?: number; readonly chunkBytes?: number }
