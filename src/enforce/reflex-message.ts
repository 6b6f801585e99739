/** One set element with a timeout as an nf_tables netlink batch (linux/netfilter/nf_tables.h, nfnetlink.h). Integers are big-endian. */
import { encodeAttribute, encodeMessage, encodeNested, Flag } from '../netlink/message.ts'

const BATCH_BEGIN = 0x10
const BATCH_END = 0x11
const SUBSYSTEM = 10
const NEWSETELEM = (SUBSYSTEM << 8) | 12
const INET = 1

/** `key` is the concatenated key: each part padded to four bytes, an interface name to sixteen. */
export function elementBatch(sequence: number, set: string, key: Buffer, timeoutMs: number): Buffer {
  const timeout = Buffer.alloc(8)
  timeout.writeBigUInt64BE(BigInt(Math.max(1, Math.round(timeoutMs))))
  const element = encodeNested(1, encodeNested(1, encodeAttribute(1, key)), encodeAttribute(4, timeout))
  return Buffer.concat([
    encodeMessage(BATCH_BEGIN, Flag.request, sequence, family(0, SUBSYSTEM)),
    encodeMessage(
      NEWSETELEM,
      Flag.request | Flag.ack | Flag.create,
      sequence + 1,
      family(INET, 0),
      encodeAttribute(1, name('guise')),
      encodeAttribute(2, name(set)),
      encodeNested(3, element),
    ),
    encodeMessage(BATCH_END, Flag.request, sequence + 2, family(0, SUBSYSTEM)),
  ])
}

/** struct nfgenmsg */
function family(protocol: number, resource: number): Buffer {
  const out = Buffer.alloc(4)
  out[0] = protocol
  out.writeUInt16BE(resource, 2)
  return out
}

function name(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1')
}

/** Words as model/address.ts holds them; `face` null for the host's own sets, whose key is the address alone. */
export function elementKey(face: string | null, words: Uint32Array, at: number, isV4: boolean): Buffer {
  const from = face === null ? 0 : 16
  const key = Buffer.alloc(from + (isV4 ? 4 : 16))
  if (face !== null) key.write(face, 0, 15, 'latin1')
  if (isV4) key.writeUInt32BE(words[at + 3]!, from)
  else for (let i = 0; i < 4; i++) key.writeUInt32BE(words[at + i]!, from + i * 4)
  return key
}
