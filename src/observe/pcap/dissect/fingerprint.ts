/**
 * Fingerprints of TLS clients and servers: JA3 and JA3S (github.com/salesforce/ja3) and the client part of JA4
 * (github.com/FoxIO-LLC/ja4, technical_details/JA4.md; BSD 3-Clause for JA4 itself). A hello comes in, text goes out.
 */
import { createHash } from 'node:crypto'
import type { ClientHello, ServerHello } from './tls-hello.ts'

export type Transport = 'tcp' | 'quic'

const NOTHING = '000000000000'
const VERSIONS: Readonly<Record<number, string>> = {
  772: '13',
  771: '12',
  770: '11',
  769: '10',
  768: 's3',
  2: 's2',
  65279: 'd1',
  65277: 'd2',
  65276: 'd3',
}
const NAMES: Readonly<Record<number, string>> = {
  772: 'TLSv13',
  771: 'TLSv12',
  770: 'TLSv11',
  769: 'TLSv10',
  768: 'SSLv3',
}

/** Values clients throw in at random (RFC 8701): 0x0a0a, 0x1a1a … 0xfafa. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
}

const plain = (values: readonly number[]) => values.filter((value) => !isGrease(value))
const hex = (value: number) => value.toString(16).padStart(4, '0')

export function ja3(hello: ClientHello): string {
  return createHash('md5').update(ja3Text(hello)).digest('hex')
}

export function ja3Text(hello: ClientHello): string {
  const lists = [hello.ciphers, hello.extensions, hello.groups, hello.pointFormats]
  return [hello.version, ...lists.map((list) => plain(list).join('-'))].join(',')
}

export function ja3s(hello: ServerHello): string {
  return createHash('md5')
    .update(`${hello.version},${hello.cipher},${hello.extensions.join('-')}`)
    .digest('hex')
}

export function ja4(hello: ClientHello, transport: Transport): string {
  const ciphers = plain(hello.ciphers).map(hex).sort()
  const extensions = plain(hello.extensions)
  const version = VERSIONS[highestVersion(hello)] ?? '00'
  const name = extensions.includes(0) ? 'd' : 'i'
  const counts = two(ciphers.length) + two(extensions.length)
  const head = `${transport === 'tcp' ? 't' : 'q'}${version}${name}${counts}${protocolMark(hello.protocols[0])}`
  const named = extensions.filter((type) => type !== 0 && type !== 16).map(hex)
  const algorithms = plain(hello.signatureAlgorithms).map(hex).join(',')
  const tail = named.sort().join(',') + (algorithms === '' ? '' : `_${algorithms}`)
  return `${head}_${short(ciphers.join(','))}_${extensions.length === 0 ? NOTHING : short(tail)}`
}

export function highestVersion(hello: ClientHello): number {
  return plain(hello.supportedVersions).reduce((a, b) => Math.max(a, b), 0) || hello.version
}

/** As Zeek writes it, empty for what it does not name. */
export function versionName(version: number): string {
  return NAMES[version] ?? ''
}

function two(count: number): string {
  return String(Math.min(count, 99)).padStart(2, '0')
}

/** First and last character of the first ALPN value, in hexadecimal when they are no letters or digits. */
function protocolMark(protocol: string | undefined): string {
  if (protocol === undefined || protocol === '') return '00'
  const first = protocol[0]!
  const last = protocol.at(-1)!
  if (/^[0-9A-Za-z]{2}$/.test(first + last)) return first + last
  const code = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0')
  return code(first)[0]! + code(last)[1]!
}

function short(text: string): string {
  return text === '' ? NOTHING : createHash('sha256').update(text).digest('hex').slice(0, 12)
}
