/** Where texts and whole numbers of JSON end, in bytes. */

export const [QUOTE, ZERO] = [34, 48] as const
const BACKSLASH = 92

/** 0 = may stand in a text as it is; the end of a text and everything else ends the walk over it. */
const ENDS = new Uint8Array(256).map((_, byte) =>
  byte === QUOTE || byte === BACKSLASH || byte < 32 || byte > 126 ? 1 : 0,
)

/** Where a text beginning at `at` ends, or what in it is not to be walked over. */
export function textEnd(bytes: Uint8Array, at: number): number {
  let i = at
  while (ENDS[bytes[i]!] === 0) i++
  return i
}

export function countEnd(bytes: Uint8Array, at: number): number {
  let i = at
  for (let digit = bytes[i]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[i]! - ZERO) i++
  return i
}

/** Of digits; −1 = a double does not hold it. */
export function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 16) return -1
  let value = 0
  for (let i = from; i < to; i++) value = value * 10 + bytes[i]! - ZERO
  return value > Number.MAX_SAFE_INTEGER ? -1 : value
}
