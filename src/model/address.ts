/**
 * Addresses as four 32-bit words, most significant first. IPv4 is held as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2),
 * so one column layout carries both families and `isV4` is one comparison.
 */
import ipaddr from 'ipaddr.js'

export type Words = readonly [number, number, number, number]

const MAPPED = 0xffff

/** Parses textual IPv4 or IPv6; null for anything else (never throws: log lines are hostile). */
export function parseAddress(text: string): Words | null {
  const v4 = parseV4(text)
  if (v4 !== null) return [0, 0, MAPPED, v4]
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  const p = ipaddr.IPv6.parse(text).parts
  const word = (i: number) => ((p[i]! << 16) | p[i + 1]!) >>> 0
  return [word(0), word(2), word(4), word(6)]
}

/** Strict dotted quad: no octal, no short forms, which other parsers read as other addresses. */
function parseV4(text: string): number | null {
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46
    if (c === 46) {
      if (octet < 0 || octet > 255) return null
      value = value * 256 + octet
      octet = -1
      dots++
      if (dots > 4) return null
    } else if (c >= 48 && c <= 57) {
      if (octet === 0) return null
      octet = Math.max(octet, 0) * 10 + (c - 48)
    } else return null
  }
  return dots === 4 ? value : null
}

export function isV4(words: Words | Uint32Array, at = 0): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED
}

/** Canonical text (RFC 5952 for IPv6). `at` lets a column be read without a copy. */
export function formatAddress(words: Words | Uint32Array, at = 0): string {
  if (isV4(words, at)) {
    const v = words[at + 3]!
    return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`
  }
  const parts: number[] = []
  for (let i = 0; i < 4; i++) parts.push(words[at + i]! >>> 16, words[at + i]! & MAPPED)
  return new ipaddr.IPv6(parts).toRFC5952String()
}

/** As `formatAddress` writes it; what is no address stays as it is. */
export function canonicalText(text: string): string {
  const words = parseAddress(text)
  return words === null ? text : formatAddress(words)
}

export type Cidr = { readonly base: Words; readonly length: number }

/** `10.0.0.0/8`, `fd00::/8` or a bare address. `length` counts in the 128-bit form: an IPv4 /24 is 120. Host bits must be zero. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/')
  const base = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (base === null) return null
  const v4 = isV4(base)
  if (slash < 0) return { base, length: 128 }
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return null
  const given = Number(digits)
  if (given > (v4 ? 32 : 128)) return null
  const length = v4 ? given + 96 : given
  const masked = maskWords(base, length)
  return masked.every((word, i) => word === base[i]) ? { base, length } : null
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.base)}/${isV4(cidr.base) && cidr.length >= 96 ? cidr.length - 96 : cidr.length}`
}

/** Host bits to zero; `length` in the 128-bit form. */
export function maskWords(words: Words, length: number): Words {
  const mask = (i: number) => {
    const bits = Math.min(32, Math.max(0, length - i * 32))
    return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  }
  return [
    (words[0] & mask(0)) >>> 0,
    (words[1] & mask(1)) >>> 0,
    (words[2] & mask(2)) >>> 0,
    (words[3] & mask(3)) >>> 0,
  ]
}

export function cidrContains(cidr: Cidr, words: Words | Uint32Array, at = 0): boolean {
  for (let i = 0; i < 4; i++) {
    const bits = cidr.length - i * 32
    if (bits <= 0) return true
    const mask = bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
    if (((cidr.base[i]! ^ words[at + i]!) & mask) !== 0) return false
  }
  return true
}
