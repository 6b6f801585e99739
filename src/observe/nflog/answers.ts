/** Answers of resolvers that the kernel copied to us, whole packets: one call each, with whom it was for. */
import type { Message } from '../../netlink/message.ts'
import { attributes } from '../../netlink/message.ts'
import { type DnsAnswer, readDnsAnswer } from '../pcap/dissect/dns-addresses.ts'
import { DecodeError, Reader } from '../reader.ts'
import { isPacket } from './message.ts'
import { readTuple, type Tuple } from './packet.ts'

export type LoggedAnswer = DnsAnswer & {
  /** Who had asked, and who answers. */
  readonly asker: Tuple['target']
  readonly resolver: Tuple['source']
}

const PAYLOAD = 9
const UDP = 17
const reader = new Reader()

/** Null: another message, or nothing that answers a question. Never throws: the bytes are a stranger's. */
export function readLoggedAnswer(message: Message): LoggedAnswer | null {
  if (!isPacket(message) || message.payload.length < 4) return null
  let found: LoggedAnswer | null = null
  attributes(message.payload, 4, (type, value) => {
    if (type === PAYLOAD) found = readPacket(value)
  })
  return found
}

function readPacket(bytes: Buffer): LoggedAnswer | null {
  const tuple = readTuple(reader.reset(bytes))
  if (tuple === null || tuple.proto !== UDP || tuple.sourcePort !== 53) return null
  try {
    // The reader stands behind the two ports; length and checksum follow (RFC 768).
    reader.skip(4)
    const answer = readDnsAnswer(reader.reset(bytes, reader.at))
    return answer === null ? null : { ...answer, asker: tuple.target, resolver: tuple.source }
  } catch (error) {
    if (error instanceof DecodeError) return null
    throw error
  }
}
