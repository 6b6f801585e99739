/** HTTP/1 (RFC 9112): the head of a request or answer at the start of some bytes; everything in it is cleaned and cut. */
import { plainText } from '../../../model/plain-text.ts'

export type HttpRequest = {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly userAgent: string
  /** It carried credentials; which ones is not kept. */
  readonly hasCredentials: boolean
}

export const MAX_HEAD = 8_192
const METHODS =
  /^(GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PROPFIND|REPORT|SEARCH|M-SEARCH|NOTIFY|MKCOL|LOCK) /

/** Cheap enough to ask of every segment: does it begin with a capital letter like a method? */
export function looksLikeRequest(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes[from]!
  if (to - from < 5 || first < 65 || first > 90) return false
  return METHODS.test(text(bytes, from, Math.min(to, from + 10)))
}

/** Status of an answer that begins here, 0 = none does. */
export function statusOf(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 12 || bytes[from] !== 72 || bytes[from + 1] !== 84 || bytes[from + 2] !== 84) return 0
  const match = /^HTTP\/1\.[01] ([1-5]\d\d)/.exec(text(bytes, from, from + 12))
  return match === null ? 0 : Number(match[1])
}

/** `more` when the head does not end in these bytes and is not too long to wait for. */
export function readRequest(
  bytes: Uint8Array,
  from: number,
  to: number,
  isLast: 'last' | 'waiting',
): HttpRequest | 'more' | null {
  const limit = Math.min(to, from + MAX_HEAD)
  const head = text(bytes, from, limit)
  const end = head.indexOf('\r\n\r\n')
  if (end < 0 && isLast === 'waiting' && to - from < MAX_HEAD) return 'more'
  const lines = (end < 0 ? head : head.slice(0, end)).split('\r\n', 128)
  const request = /^([A-Z-]{3,16}) (\S{1,4096})/.exec(lines[0]!)
  if (request === null) return null
  const header = (name: string) => {
    const line = lines.find((one) => one.slice(0, name.length + 1).toLowerCase() === `${name}:`)
    return line === undefined ? '' : line.slice(name.length + 1).trim()
  }
  return {
    method: request[1]!,
    host: plainText(header('host').toLowerCase(), 255),
    path: plainText(request[2]!, 200),
    userAgent: plainText(header('user-agent'), 200),
    hasCredentials: header('authorization') !== '',
  }
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
}
