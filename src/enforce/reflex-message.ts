/** One set element with a timeout as an nf_tables netlink batch (linux/netfilter/nf_tables.h, nfnetlink.h). Integers are big-endian. */
import { parseAddress } from '../model/address.ts'
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

/** An element as nft reads it (`"lan0" . 10.0.0.5 . 192.0.2.1`), as the kernel holds it. Throws when it is none. */
export function elementKey(text: string): Buffer {
  return Buffer.concat(
    text.split(' . ').map((part) => {
      if (part.startsWith('"')) return Buffer.from(part.slice(1, -1).padEnd(16, '\0'), 'latin1')
      const words = parseAddress(part)
      if (words === null) throw new Error(`not an element of a reflex set: ${JSON.stringify(text)}`)
      const key = Buffer.alloc(16)
      for (let i = 0; i < 4; i++) key.writeUInt32BE(words[i]!, i * 4)
      return part.includes(':') ? key : key.subarray(12)
    }),
  )
}
