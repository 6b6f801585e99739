/**
 * Words of a log come again and again: what was made of one is kept, found by its bytes. A bounded table in which a word
 * takes the place of another; long ones are made anew each time.
 */
import { viewOf } from './bytes-view.ts'

export type Words<T> = { of(bytes: Buffer, from: number, to: number): T }

const LONGEST = 64
/** Of four bytes. */
const MOST_PIECES = LONGEST / 4

/** `slots`: a power of two. `make` gets a text that shares nothing with the line. */
export function createWords<T>(slots: number, make: (text: string) => T): Words<T> {
  const lengths = new Uint8Array(slots)
  const pieces = new Int32Array(slots * MOST_PIECES)
  const made: T[] = new Array(slots).fill(make(''))
  const own = new Int32Array(MOST_PIECES)

  /** Cuts the word into `own`, the last piece perhaps over the one before; how many there are. */
  const cut = (bytes: Buffer, from: number, to: number): number => {
    if (to - from < 4) {
      let piece = 0
      for (let i = from; i < to; i++) piece = (piece << 8) | bytes[i]!
      own[0] = piece
      return 1
    }
    const view = viewOf(bytes)
    let count = 0
    for (let i = from; i < to - 4; i += 4) own[count++] = view.getInt32(i)
    own[count++] = view.getInt32(to - 4)
    return count
  }
  return {
    of(bytes, from, to) {
      const length = to - from
      if (length > LONGEST) return make(bytes.toString('latin1', from, to))
      const count = cut(bytes, from, to)
      let hash = length
      for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (hash >>> 15) ^ own[i]!, 0x9e3779b1)
      const slot = (hash ^ (hash >>> 13)) & (slots - 1)
      const at = slot * MOST_PIECES
      let isKnown = lengths[slot] === length
      for (let i = 0; isKnown && i < count; i++) isKnown = pieces[at + i] === own[i]
      if (isKnown) return made[slot]!
      made[slot] = make(bytes.toString('latin1', from, to))
      lengths[slot] = length
      for (let i = 0; i < count; i++) pieces[at + i] = own[i]!
      return made[slot]
    },
  }
}
