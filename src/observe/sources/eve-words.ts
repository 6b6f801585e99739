/**
 * Words of a log come again and again: what was made of one is kept, found by its bytes. A bounded table in which a word
 * takes the place of another; long ones are made anew each time.
 */
export type Words<T> = { of(bytes: Buffer, from: number, to: number): T }

const LONGEST = 64

/** `slots`: a power of two. `make` gets a text that shares nothing with the line. */
export function createWords<T>(slots: number, make: (text: string) => T): Words<T> {
  const texts: string[] = new Array(slots).fill('')
  const made: T[] = new Array(slots).fill(make(''))
  return {
    of(bytes, from, to) {
      if (to - from > LONGEST) return make(bytes.toString('latin1', from, to))
      let hash = to - from
      for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
      const slot = (hash ^ (hash >>> 15)) & (slots - 1)
      if (isText(texts[slot]!, bytes, from, to)) return made[slot]!
      const text = bytes.toString('latin1', from, to)
      texts[slot] = text
      made[slot] = make(text)
      return made[slot]!
    },
  }
}

function isText(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false
  for (let i = from; i < to; i++) if (text.charCodeAt(i - from) !== bytes[i]) return false
  return true
}
