/**
 * DNS messages (RFC 1035 §4): bytes of one message come in, its first question and what answered it go out. A
 * compression pointer may only point back, and a name has at most 255 octets, so that no message takes long.
 */
import { formatAddress } from '../../../model/address.ts'
import { plainText } from '../../../model/plain-text.ts'
import type { Reader } from '../../reader.ts'

export type DnsMessage = {
  readonly id: number
  readonly isAnswer: boolean
  readonly code: number
  readonly query: string
  readonly type: number
  readonly questions: number
  readonly answers: readonly string[]
}

const MAX_ANSWERS = 16
/** More records than fit into any message are a lie. */
const MAX_RECORDS = 4_096
/** Names are shared one or two deep; chains as long as the message would make its reading quadratic. */
const MAX_JUMPS = 16
const TYPE_A = 1
const TYPE_CNAME = 5
const TYPE_PTR = 12
const TYPE_AAAA = 28
const NAMED: ReadonlySet<number> = new Set([2, TYPE_CNAME, TYPE_PTR])

/** Null for what is no query or answer (opcode other than 0). Throws `DecodeError` on anything cut short. */
export function readDns(reader: Reader): DnsMessage | null {
  const at = reader.need(12)
  const { view } = reader
  const flags = view.getUint16(at + 2)
  if ((flags & 0x7800) !== 0) return null
  const questions = view.getUint16(at + 4)
  const records = view.getUint16(at + 6)
  if (questions + records > MAX_RECORDS) reader.fail(`${questions + records} records in one message`)
  let query = ''
  let type = 0
  for (let i = 0; i < questions; i++) {
    const name = readName(reader)
    const asked = reader.u16()
    reader.skip(2)
    if (i > 0) continue
    query = name
    type = asked
  }
  const answers: string[] = []
  for (let i = 0; i < records && answers.length < MAX_ANSWERS; i++) {
    const answer = readAnswer(reader)
    if (answer !== null) answers.push(answer)
  }
  return { id: view.getUint16(at), isAnswer: (flags & 0x8000) !== 0, code: flags & 15, query, type, questions, answers }
}

function readAnswer(reader: Reader): string | null {
  skipName(reader)
  const type = reader.u16()
  reader.skip(6)
  const length = reader.u16()
  const from = reader.need(length)
  if (type === TYPE_A && length === 4) return formatAddress([0, 0, 0xffff, reader.view.getUint32(from)])
  if (type === TYPE_AAAA && length === 16) {
    const word = (i: number) => reader.view.getUint32(from + i * 4)
    return formatAddress([word(0), word(1), word(2), word(3)])
  }
  if (!NAMED.has(type)) return null
  const end = reader.at
  reader.at = from
  const name = readName(reader)
  reader.at = end
  return name
}

function skipName(reader: Reader): void {
  for (;;) {
    const length = reader.u8()
    if (length === 0) return
    if (length >= 0xc0) {
      reader.skip(1)
      return
    }
    if (length > 63) reader.fail(`a label of ${length} octets`)
    reader.skip(length)
  }
}

/** Lower case, no trailing dot; the reader goes on behind the name as it stands here. */
export function readName(reader: Reader): string {
  const { bytes, start } = reader
  let name = ''
  let after = -1
  // Each pointer must point before the last one: a loop cannot be written.
  let bound = reader.at
  let jumps = 0
  for (let octets = 0; octets <= 255; ) {
    const length = reader.u8()
    if (length === 0) {
      if (after >= 0) reader.at = after
      return plainText(name.toLowerCase(), 255)
    }
    if (length >= 0xc0) {
      const to = start + (length & 0x3f) * 256 + reader.u8()
      if (to >= bound) reader.fail('a name that points forward or at itself')
      if (++jumps > MAX_JUMPS) reader.fail(`a name of over ${MAX_JUMPS} pointers`)
      if (after < 0) after = reader.at
      bound = to
      reader.at = to
      continue
    }
    if (length > 63) reader.fail(`a label of ${length} octets`)
    const from = reader.need(length)
    if (name !== '') name += '.'
    for (let i = from; i < from + length; i++) name += String.fromCharCode(bytes[i]!)
    octets += length + 1
  }
  return reader.fail('a name of over 255 octets')
}
