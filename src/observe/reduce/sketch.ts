/** HyperLogLog registers inside a window (Flajolet et al. 2007), and the buckets of its histograms. */
import { BUCKETS, REGISTERS } from '../../model/window.ts'

const INDEX_BITS = Math.log2(REGISTERS)

/** Puts a 32-bit hash into the sketch that begins at register `offset`. */
export function sketchAdd(registers: Uint8Array, offset: number, hash: number): void {
  const index = hash >>> (32 - INDEX_BITS)
  const rank = Math.min(Math.clz32((hash << INDEX_BITS) >>> 0), 32 - INDEX_BITS) + 1
  if (registers[offset + index]! < rank) registers[offset + index] = rank
}

/** How many distinct hashes went in, within 13 % (one standard error); exact for very few, by linear counting. */
export function sketchEstimate(registers: Uint8Array, offset: number): number {
  let sum = 0
  let empty = 0
  for (let i = 0; i < REGISTERS; i++) {
    const rank = registers[offset + i]!
    sum += 2 ** -rank
    if (rank === 0) empty++
  }
  // α₆₄ = 0.709 (ibid., fig. 3).
  const raw = (0.709 * REGISTERS * REGISTERS) / sum
  return raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw
}

/** Spreads a small integer (a port) over 32 bits. */
export function hashNumber(value: number): number {
  let h = Math.imul(value ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The histogram bucket of `x`, see HISTOGRAMS in model/window.ts. */
export function bucketOf(x: number, unit: number): number {
  const scaled = 1 + x / unit
  // ⌊log2⌋ of what fits into 31 bits is the place of its highest bit.
  const octave = scaled >= 1 && scaled < 0x8000_0000 ? 31 - Math.clz32(scaled) : Math.floor(Math.log2(scaled))
  return Math.min(BUCKETS - 1, Math.max(0, octave))
}
