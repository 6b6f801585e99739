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
  readonly askerPort: number
  /** Of the rule that logged it. */
  readonly prefix: string
}

const PAYLOAD = 9
const PREFIX = 10
const UDP = 17
const reader = new Reader()

/** Null: another message, or nothing that answers a question. Never throws: the bytes are a stranger's. */
export function readLoggedAnswer(message: Message): LoggedAnswer | null {
  if (!isPacket(message) || message.payload.length < 4) return null
  let found: Omit<LoggedAnswer, 'prefix'> | null = null
  let prefix = ''
  attributes(message.payload, 4, (type, value) => {
    if (type === PAYLOAD) found = readPacket(value)
    else if (type === PREFIX) prefix = value.toString('latin1').replace(/\0.*$/s, '')
  })
  return found === null ? null : { ...(found as Omit<LoggedAnswer, 'prefix'>), prefix }
}

function readPacket(bytes: Buffer): Omit<LoggedAnswer, 'prefix'> | null {
  const tuple = readTuple(reader.reset(bytes))
  if (tuple === null || tuple.proto !== UDP || tuple.sourcePort !== 53) return null
  try {
    // The reader stands behind the two ports; length and checksum follow (RFC 768).
    reader.skip(4)
    const answer = readDnsAnswer(reader.reset(bytes, reader.at))
    if (answer === null) return null
    return { ...answer, asker: tuple.target, resolver: tuple.source, askerPort: tuple.targetPort }
  } catch (error) {
    if (error instanceof DecodeError) return null
    throw error
  }
}
