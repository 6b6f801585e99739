/**
 * The client's first words in QUIC (RFC 9000 §17.2.2, RFC 9001 §5, RFC 9369): Initial packets are encrypted with keys that
 * follow from what stands in them, so that anybody on the way can read them. A datagram comes in, parts of the TLS hello
 * go out. Nothing behind the hello is readable, or tried.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import type { Reader } from '../../reader.ts'

export type InitialKeys = { readonly key: Buffer; readonly iv: Buffer; readonly mask: Buffer }
export type CryptoPart = { readonly offset: number; readonly bytes: Uint8Array }

type Version = { readonly salt: Buffer; readonly prefix: string; readonly initialType: number }

const V1: Version = {
  salt: Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex'),
  prefix: 'quic',
  initialType: 0,
}
const DRAFT_29: Version = { ...V1, salt: Buffer.from('afbfec289993d24c9e9786f19c6111e04390a899', 'hex') }
const DRAFT_23: Version = { ...V1, salt: Buffer.from('c3eef712c72ebb5a11a7d2432bb46365bef9f502', 'hex') }
const V2: Version = {
  salt: Buffer.from('0dede3def700a6db819381be6e269dcbf9bd2ed9', 'hex'),
  prefix: 'quicv2',
  initialType: 1,
}
const TAG_BYTES = 16
const MAX_FRAMES = 256

/** One Initial packet, still closed; `next`: where what is coalesced behind it begins. */
export type Initial = {
  readonly version: Version
  readonly connection: Uint8Array
  readonly from: number
  readonly numberAt: number
  readonly next: number
}

function versionOf(number: number): Version | null {
  if (number === 1) return V1
  if (number === 0x6b3343cf) return V2
  const draft = number >>> 8 === 0xff0000 ? number & 255 : 0
  if (draft >= 29 && draft <= 34) return DRAFT_29
  return draft >= 23 && draft <= 28 ? DRAFT_23 : null
}

/** Null for anything but an Initial packet of a version we know. Throws `DecodeError` when it is cut short. */
export function readInitial(reader: Reader): Initial | null {
  if (reader.left < 48) return null
  const from = reader.at
  const first = reader.u8()
  if ((first & 0xc0) !== 0xc0) return null
  const version = versionOf(reader.u32())
  if (version === null || ((first >> 4) & 3) !== version.initialType) return null
  const idBytes = reader.u8()
  if (idBytes > 20) return null
  const connection = reader.take(idBytes).slice()
  reader.skip(reader.u8())
  reader.skip(readVarint(reader))
  const length = readVarint(reader)
  const numberAt = reader.at
  reader.skip(length)
  return length < 4 + TAG_BYTES ? null : { version, connection, from, numberAt, next: reader.at }
}

export function clientKeys(initial: Initial): InitialKeys {
  const { salt, prefix } = initial.version
  const secret = expand(createHmac('sha256', salt).update(initial.connection).digest(), 'client in', 32)
  return {
    key: expand(secret, `${prefix} key`, 16),
    iv: expand(secret, `${prefix} iv`, 12),
    mask: expand(secret, `${prefix} hp`, 16),
  }
}

/** HKDF-Expand-Label (RFC 8446 §7.1) of at most one block. */
function expand(secret: Buffer, label: string, bytes: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([0, bytes, full.length]), full, Buffer.from([0, 1])])
  return createHmac('sha256', secret).update(info).digest().subarray(0, bytes)
}

/** The frames in an Initial packet; null when these are not its keys. */
export function openInitial(bytes: Uint8Array, initial: Initial, keys: InitialKeys): Uint8Array | null {
  const { from, numberAt, next } = initial
  const sample = bytes.subarray(numberAt + 4, numberAt + 20)
  const mask = createCipheriv('aes-128-ecb', keys.mask, null).setAutoPadding(false).update(sample)
  const header = Buffer.from(bytes.subarray(from, numberAt + 4))
  header[0]! ^= mask[0]! & 0x0f
  const numberBytes = (header[0]! & 3) + 1
  const nonce = Buffer.from(keys.iv)
  for (let i = 0; i < numberBytes; i++) {
    const at = numberAt - from + i
    header[at]! ^= mask[1 + i]!
    nonce[12 - numberBytes + i]! ^= header[at]!
  }
  const bodyAt = numberAt + numberBytes
  const decipher = createDecipheriv('aes-128-gcm', keys.key, nonce)
  decipher.setAAD(header.subarray(0, numberAt - from + numberBytes))
  decipher.setAuthTag(bytes.subarray(next - TAG_BYTES, next))
  const body = decipher.update(bytes.subarray(bodyAt, next - TAG_BYTES))
  try {
    decipher.final()
  } catch {
    return null
  }
  return body
}

/** CRYPTO frames (RFC 9000 §19.6) with those an Initial may have beside them. */
export function readCrypto(reader: Reader): CryptoPart[] {
  const parts: CryptoPart[] = []
  for (let i = 0; reader.left > 0; ) {
    const type = reader.u8()
    if (type === 0 || type === 1) continue
    if (++i > MAX_FRAMES) break
    if (type === 6) {
      const offset = readVarint(reader)
      parts.push({ offset, bytes: reader.take(readVarint(reader)) })
    } else if (type === 2 || type === 3) skipAck(reader, type)
    else break
  }
  return parts
}

function skipAck(reader: Reader, type: number): void {
  readVarint(reader)
  readVarint(reader)
  const ranges = readVarint(reader)
  readVarint(reader)
  if (ranges > reader.left) reader.fail(`${ranges} ranges of acknowledgement`)
  for (let i = 0; i < ranges * 2 + (type === 3 ? 3 : 0); i++) readVarint(reader)
}

/** RFC 9000 §16 */
function readVarint(reader: Reader): number {
  const first = reader.u8()
  const more = (1 << (first >> 6)) - 1
  let value = first & 0x3f
  for (let i = 0; i < more; i++) value = value * 256 + reader.u8()
  return value
}
