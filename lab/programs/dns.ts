/** A name server for the lab (RFC 1035, one question, A and AAAA): the lab's own names, and a site for every `.example`. */
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { parseAddress } from '../../src/model/address.ts'
import { readParameters, sayReady } from './parameters.ts'

const own = readParameters<{
  listen: string[]
  names: Record<string, string[]>
  /** Prefixes out of which `.example` names get their address: `198.51.100.`, `2001:db8:64::`. */
  sites: { v4: string; v6: string }
}>()

const A = 1
const AAAA = 28

function addressesOf(name: string): string[] {
  const known = own.names[name]
  if (known) return known
  if (!name.endsWith('.example')) return []
  const host = 10 + (createHash('sha256').update(name).digest()[0]! % 200)
  return [`${own.sites.v4}${host}`, `${own.sites.v6}${host.toString(16)}`]
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

function reply(packet: Buffer): Buffer | null {
  const question = readQuestion(packet)
  if (!question) return null
  const found = addressesOf(question.name)
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

let bound = 0
for (const address of own.listen) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (packet, from) => {
    const answer = reply(packet)
    if (answer) socket.send(answer, from.port, from.address)
  })
  socket.on('error', (error) => console.error(String(error)))
  socket.bind(53, address, () => {
    if (++bound === own.listen.length) sayReady(own)
  })
}
