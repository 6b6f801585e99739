/**
 * The first flight of a TLS connection (RFC 8446 §4.1, RFC 5246 §7.4.1): the beginning of a byte stream comes in, what
 * the hello in it says goes out. All lists are bounded by the length of the message, which is bounded.
 */
import { Reader } from '../../reader.ts'

export type ClientHello = {
  readonly version: number
  readonly ciphers: readonly number[]
  /** Types in the order sent. */
  readonly extensions: readonly number[]
  readonly groups: readonly number[]
  readonly pointFormats: readonly number[]
  readonly signatureAlgorithms: readonly number[]
  readonly supportedVersions: readonly number[]
  /** Raw: whoever shows it cleans it. Empty when none was sent. */
  readonly serverName: string
  readonly protocols: readonly string[]
}

export type ServerHello = {
  readonly version: number
  readonly cipher: number
  readonly extensions: readonly number[]
  /** The version agreed on, by the supported_versions extension when there is one. */
  readonly agreedVersion: number
}

/** `more`: whole as far as it goes, but it goes on; `none`: no handshake of this kind. */
export type Found = { readonly reader: Reader } | 'more' | 'none'

const HANDSHAKE = 22
export const HelloType = { client: 1, server: 2 } as const
export const MAX_HELLO = 16_384
const MAX_RECORDS = 16

/** A hello at the start of `bytes[from, to)`, over as many TLS records as it takes. */
export function findHello(bytes: Uint8Array, from: number, to: number, type: number): Found {
  const parts: Uint8Array[] = []
  let wanted = -1
  let have = 0
  let at = from
  for (let i = 0; i < MAX_RECORDS; i++) {
    if (to - at < 5) return at === from && !couldBegin(bytes, at, to) ? 'none' : 'more'
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) return 'none'
    const length = bytes[at + 3]! * 256 + bytes[at + 4]!
    if (length === 0 || length > 16_640) return 'none'
    const part = bytes.subarray(at + 5, Math.min(to, at + 5 + length))
    if (have === 0 && part.length >= 1 && part[0] !== type) return 'none'
    parts.push(part)
    have += part.length
    at += 5 + length
    if (wanted < 0 && have >= 4) {
      const head = joined(parts)
      wanted = 4 + head[1]! * 65_536 + head[2]! * 256 + head[3]!
      if (wanted > MAX_HELLO) return 'none'
    }
    if (wanted >= 0 && have >= wanted) return { reader: new Reader().reset(joined(parts), 4, wanted) }
    if (at > to) return 'more'
  }
  return 'none'
}

function couldBegin(bytes: Uint8Array, at: number, to: number): boolean {
  return (at >= to || bytes[at] === HANDSHAKE) && (at + 1 >= to || bytes[at + 1] === 3)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The body of a ClientHello. Throws `DecodeError` when a length in it is a lie. */
export function readClientHello(reader: Reader): ClientHello {
  const version = reader.u16()
  reader.skip(32)
  reader.skip(reader.u8())
  const ciphers = readWords(reader.sub(reader.u16()))
  reader.skip(reader.u8())
  const hello = {
    version,
    ciphers,
    extensions: [] as number[],
    groups: [] as number[],
    pointFormats: [] as number[],
    signatureAlgorithms: [] as number[],
    supportedVersions: [] as number[],
    serverName: '',
    protocols: [] as string[],
  }
  if (reader.left < 2) return hello
  const all = reader.sub(reader.u16())
  while (all.left > 0) {
    const type = all.u16()
    const body = all.sub(all.u16())
    hello.extensions.push(type)
    if (body.left === 0) continue
    if (type === 0) hello.serverName = readServerName(body)
    else if (type === 10) hello.groups = readWords(body.sub(body.u16()))
    else if (type === 11) hello.pointFormats = [...body.take(body.u8())]
    else if (type === 13) hello.signatureAlgorithms = readWords(body.sub(body.u16()))
    else if (type === 16) hello.protocols = readProtocols(body)
    else if (type === 43) hello.supportedVersions = readWords(body.sub(body.u8()))
  }
  return hello
}

export function readServerHello(reader: Reader): ServerHello {
  const version = reader.u16()
  reader.skip(32)
  reader.skip(reader.u8())
  const cipher = reader.u16()
  reader.skip(1)
  const extensions: number[] = []
  let agreedVersion = version
  if (reader.left >= 2) {
    const all = reader.sub(reader.u16())
    while (all.left > 0) {
      const type = all.u16()
      const body = all.sub(all.u16())
      extensions.push(type)
      if (type === 43 && body.left >= 2) agreedVersion = body.u16()
    }
  }
  return { version, cipher, extensions, agreedVersion }
}

function readWords(reader: Reader): number[] {
  const words: number[] = []
  while (reader.left >= 2) words.push(reader.u16())
  return words
}

/** RFC 6066 §3: the first host_name of the list. */
function readServerName(reader: Reader): string {
  const list = reader.sub(reader.u16())
  while (list.left > 0) {
    const type = list.u8()
    const length = list.u16()
    if (type === 0) return list.latin1(length)
    list.skip(length)
  }
  return ''
}

/** RFC 7301 §3.1 */
function readProtocols(reader: Reader): string[] {
  const list = reader.sub(reader.u16())
  const protocols: string[] = []
  while (list.left > 0 && protocols.length < 32) protocols.push(list.latin1(list.u8()))
  return protocols
}
