/** What a DHCP client tells of itself (RFC 2131 §2, RFC 2132): its name, its maker's class, and what it asks for, in order. */
import { plainText } from '../../model/plain-text.ts'
import type { Reader } from '../reader.ts'

export type DhcpTold = {
  readonly hostName: string
  readonly vendorClass: string
  /** Option 55 as decimal numbers with commas: the best fingerprint of an IP stack that there is. */
  readonly wanted: string
}

const COOKIE = 0x63825363
const MAX_OPTIONS = 64
const END = 255
const PAD = 0

/** Null for what is no message of a client. Throws `DecodeError` when it is cut short. */
export function readDhcp(reader: Reader): DhcpTold | null {
  const at = reader.need(240)
  if (reader.view.getUint8(at) !== 1 || reader.view.getUint32(at + 236) !== COOKIE) return null
  const told = { hostName: '', vendorClass: '', wanted: '' }
  for (let i = 0; i < MAX_OPTIONS && reader.left > 0; i++) {
    const code = reader.u8()
    if (code === END) break
    if (code === PAD) continue
    const length = reader.u8()
    if (code === 12) told.hostName = plainText(reader.latin1(length), 64)
    else if (code === 60) told.vendorClass = plainText(reader.latin1(length), 64)
    else if (code === 55) told.wanted = [...reader.take(length)].join()
    else reader.skip(length)
  }
  return told
}
