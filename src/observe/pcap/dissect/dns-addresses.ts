/**
 * What a name stands for by one DNS answer (RFC 1035 §4, RFC 3596): bytes of a message in; the question, and every address
 * that it leads to by the answer's own chain of CNAMEs, out. A record about another name is nobody's answer and is left out.
 */
import type { Words } from '../../../model/address.ts'
import type { Reader } from '../../reader.ts'
import { readName } from './dns.ts'

export type NamedAddress = {
  readonly address: Words
  /** Seconds, the least of the chain's. */
  readonly ttl: number
}
export type DnsAnswer = {
  readonly query: string
  readonly type: number
  /** RCODE (RFC 1035 §4.1.1): 3 = no such name. */
  readonly code: number
  readonly addresses: readonly NamedAddress[]
}

const MAX_RECORDS = 200
const MAX_ADDRESSES = 64
const TYPE_A = 1
const TYPE_CNAME = 5
const TYPE_AAAA = 28
const CLASS_IN = 1
const MAPPED = 0xffff

/** Null for what is no answer to one question. Throws `DecodeError` on anything cut short. */
export function readDnsAnswer(reader: Reader): DnsAnswer | null {
  const at = reader.need(12)
  const { view } = reader
  const flags = view.getUint16(at + 2)
  const isAnswer = (flags & 0x8000) !== 0 && (flags & 0x7800) === 0
  const isCut = (flags & 0x0200) !== 0
  if (!isAnswer || view.getUint16(at + 4) !== 1) return null
  const records = view.getUint16(at + 6)
  if (records > MAX_RECORDS) reader.fail(`${records} records in one answer`)
  const query = readName(reader)
  const type = reader.u16()
  reader.skip(2)
  /** Name → least TTL on the way to it. */
  const names = new Map([[query, Number.POSITIVE_INFINITY]])
  const addresses: NamedAddress[] = []
  for (let i = 0; i < records && !isCut; i++) {
    const owner = readName(reader)
    const kind = reader.u16()
    const family = reader.u16()
    const ttl = reader.u32()
    const length = reader.u16()
    const from = reader.need(length)
    const end = reader.at
    const onTheWay = names.get(owner)
    if (onTheWay === undefined || family !== CLASS_IN) continue
    const least = Math.min(onTheWay, ttl)
    if (kind === TYPE_CNAME) {
      reader.at = from
      names.set(readName(reader), least)
      reader.at = end
    } else if (addresses.length < MAX_ADDRESSES) {
      const word = (n: number) => view.getUint32(from + n * 4)
      if (kind === TYPE_A && length === 4) addresses.push({ address: [0, 0, MAPPED, word(0)], ttl: least })
      else if (kind === TYPE_AAAA && length === 16)
        addresses.push({ address: [word(0), word(1), word(2), word(3)], ttl: least })
    }
  }
  return { query, type, code: flags & 15, addresses }
}
