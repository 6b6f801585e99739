/** Fields of a Zeek log read straight from its bytes: no string per field, no object per row. Every reader says NaN (or null) for what is not there or not well-formed. */
import { parseAddress } from '../../model/address.ts'
import { Proto, stateCode } from '../../model/flow.ts'

const DOT = 46
const DASH = 45

/** `1713484795.943239` → epoch ms; also plain counts. NaN for anything else, `-` (unset) included. */
export function readDecimal(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 24) return Number.NaN
  let value = 0
  let scale = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48
    if (digit >= 0 && digit <= 9) {
      // Beyond 9 decimals a double has nothing left to tell.
      if (scale >= 1e9) continue
      value = value * 10 + digit
      scale *= 10
    } else if (bytes[i] === DOT && scale === 0 && i > from) scale = 1
    else return Number.NaN
  }
  return scale > 1 ? value / scale : value
}

export function isUnset(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 1 && bytes[from] === DASH
}

/** Writes four words at `at`; false when it is no address. Strict dotted quad, else the slow way for IPv6. */
export function readAddress(bytes: Buffer, from: number, to: number, out: Uint32Array, at: number): boolean {
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = from; i < to; i++) {
    const c = bytes[i]!
    if (c >= 48 && c <= 57) {
      if (octet === 0) return dots === 0 && readAddress6(bytes, from, to, out, at)
      octet = octet < 0 ? c - 48 : octet * 10 + c - 48
      if (octet > 255) return dots === 0 && readAddress6(bytes, from, to, out, at)
    } else if (c === DOT) {
      if (octet < 0 || dots === 3) return false
      value = value * 256 + octet
      octet = -1
      dots++
    } else return dots === 0 && readAddress6(bytes, from, to, out, at)
  }
  if (dots !== 3 || octet < 0) return false
  out[at] = 0
  out[at + 1] = 0
  out[at + 2] = 0xffff
  out[at + 3] = value * 256 + octet
  return true
}

function readAddress6(bytes: Buffer, from: number, to: number, out: Uint32Array, at: number): boolean {
  if (to - from > 45) return false
  const words = parseAddress(bytes.toString('latin1', from, to))
  if (words === null) return false
  out.set(words, at)
  return true
}

/** Up to six ASCII bytes as one number: a key without a string. −1 when longer. */
export function shortKey(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 6) return -1
  let key = 0
  for (let i = from; i < to; i++) key = key * 256 + bytes[i]!
  return key
}

export function keyOf(text: string): number {
  const bytes = Buffer.from(text, 'latin1')
  return shortKey(bytes, 0, bytes.length)
}

export const STATE_BY_KEY: ReadonlyMap<number, number> = new Map(
  Object.entries(stateCode).map(([name, code]) => [keyOf(name), code]),
)
export const PROTO_BY_KEY: ReadonlyMap<number, number> = new Map([
  [keyOf('tcp'), Proto.tcp],
  [keyOf('udp'), Proto.udp],
  [keyOf('icmp'), Proto.icmp],
])
