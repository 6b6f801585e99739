/** Real inputs come in, inputs that were never sent go out; the same seed gives the same inputs. */

import type { Random } from '../seeded.ts'

type Mutation = (bytes: Uint8Array, random: Random, samples: readonly Uint8Array[]) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  function truncate(bytes, random) {
    return bytes.slice(0, random(bytes.length + 1))
  },
  function flipBits(bytes, random) {
    const out = bytes.slice()
    for (let n = 1 + random(8); n > 0 && out.length > 0; n--) out[random(out.length)]! ^= 1 << random(8)
    return out
  },
  function setBytes(bytes, random) {
    const out = bytes.slice()
    for (let n = 1 + random(4); n > 0 && out.length > 0; n--) out[random(out.length)] = random(256)
    return out
  },
  // Lengths and counts are mostly 16 bits, at even places; what hurts is none, one, all, and nearly right.
  function setLength(bytes, random) {
    const out = bytes.slice()
    if (out.length < 2) return out
    const at = random(out.length >> 1) * 2
    const view = new DataView(out.buffer, out.byteOffset, out.length)
    const near = view.getUint16(at) + random(9) - 4
    view.setUint16(at, [0, 1, 0xffff, 0x7fff, near, random(65_536)][random(6)]! & 0xffff)
    return out
  },
  function splice(bytes, random, samples) {
    const other = samples[random(samples.length)]!
    return join(bytes.subarray(0, random(bytes.length + 1)), other.subarray(random(other.length + 1)))
  },
  function repeat(bytes, random) {
    const from = random(bytes.length + 1)
    const part = bytes.subarray(from, from + random(64))
    return join(bytes.subarray(0, from), ...Array.from({ length: 1 + random(32) }, () => part), bytes.subarray(from))
  },
  function cutOut(bytes, random) {
    const from = random(bytes.length + 1)
    return join(bytes.subarray(0, from), bytes.subarray(from + random(32)))
  },
  function randomBehind(bytes, random) {
    const kept = bytes.slice(0, random(32))
    return join(
      kept,
      Uint8Array.from({ length: random(512) }, () => random(256)),
    )
  },
]

/** One to four mutations of a sample, never more than `maxBytes`. */
export function mutate(samples: readonly Uint8Array[], random: Random, maxBytes: number): Uint8Array {
  // A copy, and no Buffer: the `slice` of one shares its bytes, and what is mutated would be the sample.
  let bytes: Uint8Array = new Uint8Array(samples[random(samples.length)]!)
  for (let n = 1 + random(4); n > 0; n--) bytes = MUTATIONS[random(MUTATIONS.length)]!(bytes, random, samples)
  return bytes.length > maxBytes ? bytes.slice(0, maxBytes) : bytes
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
