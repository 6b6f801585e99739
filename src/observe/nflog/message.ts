/** NFLOG messages (linux/netfilter/nfnetlink_log.h): the bind request, and a logged packet as prefix, time and tuple. */
import { attributes, encodeAttribute, encodeMessage, Flag, type Message } from '../../netlink/message.ts'
import { Reader } from '../reader.ts'
import { readTuple, type Tuple } from './packet.ts'

const ULOG = 4
const PACKET = ULOG << 8
const CONFIG = (ULOG << 8) | 1
const Cfg = { command: 1, mode: 2, timeout: 4, threshold: 5 } as const
const COMMAND_BIND = 1
const COPY_PACKET = 2
const Nfula = { timestamp: 3, payload: 9, prefix: 10 } as const

export type Logged = Tuple & {
  /** What the rule was logged under: our encoded rule id. */
  readonly prefix: string
  /** epoch ms; null when the kernel gave no time. */
  readonly at: number | null
}

/** Asks for the first `copyBytes` of each packet of `group`, at most a tenth of a second late; or each `at-once`. */
export function bindRequests(
  group: number,
  copyBytes: number,
  sequence: () => number,
  pace: 'gathered' | 'at-once' = 'gathered',
): Buffer[] {
  const head = Buffer.from([0, 0, group >>> 8, group & 255])
  const request = (attribute: Buffer) => encodeMessage(CONFIG, Flag.request | Flag.ack, sequence(), head, attribute)
  const mode = Buffer.alloc(6)
  mode.writeUInt32BE(copyBytes, 0)
  mode.writeUInt8(COPY_PACKET, 4)
  return [
    request(encodeAttribute(Cfg.command, Buffer.from([COMMAND_BIND]))),
    request(encodeAttribute(Cfg.mode, mode)),
    // Hundredths of a second, and packets, that the kernel may gather before it speaks.
    request(encodeAttribute(Cfg.timeout, uint32(10))),
    request(encodeAttribute(Cfg.threshold, uint32(pace === 'gathered' ? 16 : 1))),
  ]
}

const reader = new Reader()

/** Null: another message, or a packet that cannot be read (`isPacket` tells them apart). */
export function readLogged(message: Message): Logged | null {
  if (!isPacket(message) || message.payload.length < 4) return null
  let prefix = ''
  let at: number | null = null
  let tuple: Tuple | null = null
  attributes(message.payload, 4, (type, value) => {
    if (type === Nfula.prefix) prefix = value.toString('latin1').replace(/\0.*$/s, '')
    else if (type === Nfula.timestamp && value.length >= 16)
      at = Number(value.readBigUInt64BE(0)) * 1_000 + Math.floor(Number(value.readBigUInt64BE(8)) / 1_000)
    else if (type === Nfula.payload) tuple = readTuple(reader.reset(value))
  })
  return tuple === null ? null : { ...(tuple as Tuple), prefix, at }
}

export const isPacket = (message: Message): boolean => message.type === PACKET

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}
