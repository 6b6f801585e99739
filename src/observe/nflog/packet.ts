/**
 * Who tried to reach whom, out of the first bytes of a refused packet (RFC 791, RFC 8200, RFC 793, RFC 768, RFC 792).
 * The bytes are a stranger's: every read is bounded by `Reader`, and what is cut short or not IP is null.
 */
import type { Words } from '../../model/address.ts'
import { Proto } from '../../model/flow.ts'
import { DecodeError, type Reader } from '../reader.ts'

export type Tuple = {
  readonly source: Words
  readonly target: Words
  readonly proto: number
  /** ICMP: type in `sourcePort`, code in `targetPort`. Zero where the protocol has none, or in a later fragment. */
  readonly sourcePort: number
  readonly targetPort: number
}

const MAPPED = 0xffff
/** Hop-by-hop, routing, fragment, authentication, destination options (RFC 8200 §4.1). */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60])
const MAX_EXTENSIONS = 8

export function readTuple(reader: Reader): Tuple | null {
  try {
    const version = reader.u8() >>> 4
    return version === 4 ? readV4(reader) : version === 6 ? readV6(reader) : null
  } catch (error) {
    if (error instanceof DecodeError) return null
    throw error
  }
}

/** The reader stands behind the first byte. */
function readV4(reader: Reader): Tuple | null {
  const headerBytes = (reader.bytes[reader.at - 1]! & 15) * 4
  if (headerBytes < 20) return null
  reader.skip(5)
  const isLater = (reader.u16() & 0x1fff) !== 0
  reader.skip(1)
  const proto = reader.u8()
  reader.skip(2)
  const source: Words = [0, 0, MAPPED, reader.u32()]
  const target: Words = [0, 0, MAPPED, reader.u32()]
  reader.skip(headerBytes - 20)
  return { source, target, proto, ...readPorts(reader, isLater ? -1 : proto) }
}

function readV6(reader: Reader): Tuple {
  reader.skip(5)
  let next = reader.u8()
  reader.skip(1)
  const source = readWords(reader)
  const target = readWords(reader)
  let isLater = false
  for (let i = 0; i < MAX_EXTENSIONS && EXTENSIONS.has(next); i++) {
    const kind = next
    next = reader.u8()
    const length = reader.u8()
    if (kind === 44) {
      isLater = reader.u16() >>> 3 !== 0
      reader.skip(4)
    } else reader.skip((kind === 51 ? (length + 2) * 4 : (length + 1) * 8) - 2)
  }
  return { source, target, proto: next, ...readPorts(reader, isLater ? -1 : next) }
}

const readWords = (reader: Reader): Words => [reader.u32(), reader.u32(), reader.u32(), reader.u32()]

function readPorts(reader: Reader, proto: number): { sourcePort: number; targetPort: number } {
  if (proto === Proto.tcp || proto === Proto.udp) return { sourcePort: reader.u16(), targetPort: reader.u16() }
  if (proto === Proto.icmp || proto === Proto.icmp6) return { sourcePort: reader.u8(), targetPort: reader.u8() }
  return { sourcePort: 0, targetPort: 0 }
}
