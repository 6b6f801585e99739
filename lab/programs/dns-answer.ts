/** One DNS question in, its answer out (RFC 1035 §4; A and AAAA): the lab's own names, and a site for every `.example`. */
import { createHash } from 'node:crypto'
import { parseAddress } from '../../src/model/address.ts'

export type Zone = {
  readonly names: Readonly<Record<string, readonly string[]>>
  /** Prefixes out of which `.example` names get their address: `198.51.100.`, `2001:db8:64::`. */
  readonly sites: { readonly v4: string; readonly v6: string }
}

const A = 1
const AAAA = 28

function addressesOf(zone: Zone, name: string): readonly string[] {
  const known = Object.hasOwn(zone.names, name) ? zone.names[name] : undefined
  if (known) return known
  if (!name.endsWith('.example')) return []
  const host = 10 + (createHash('sha256').update(name).digest()[0]! % 180)
  return [`${zone.sites.v4}${host}`, `${zone.sites.v6}${host.toString(16)}`]
}

/** The question's name and the offset behind it; null for anything that is not one plain question. */
function readQuestion(packet: Buffer): { name: string; type: number; end: number } | null {
  if (packet.length < 17 || packet.readUInt16BE(4) !== 1) return null
  const labels: string[] = []
  let at = 12
  while (at < packet.length && packet[at] !== 0) {
    const length = packet[at]!
    if (length > 63 || at + 1 + length >= packet.length) return null
    labels.push(packet.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  if (at + 5 > packet.length) return null
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 }
}

function record(type: number, address: string): Buffer {
  const words = parseAddress(address)!
  const data = Buffer.alloc(type === A ? 4 : 16)
  if (type === A) data.writeUInt32BE(words[3])
  else for (let i = 0; i < 4; i++) data.writeUInt32BE(words[i]!, i * 4)
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length])
  return Buffer.concat([head, data])
}

/** null for anything that is not one plain question: it gets no answer. */
export function answerTo(zone: Zone, packet: Buffer): Buffer | null {
  const question = readQuestion(packet)
  if (!question) return null
  const found = addressesOf(zone, question.name)
  const records = found
    .filter((address) => address.includes(':') === (question.type === AAAA))
    .filter(() => question.type === A || question.type === AAAA)
    .map((address) => record(question.type, address))
  const head = Buffer.from(packet.subarray(0, 12))
  head.writeUInt16BE(found.length > 0 ? 0x8580 : 0x8583, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, packet.subarray(12, question.end), ...records])
}
