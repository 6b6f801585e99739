import { ownText } from './plain-text.ts'

/**
 * What a device on a shared link says of itself, packet by packet, since it was first seen: words that were counted. Two
 * kinds are kept apart, so that a deployment may choose. *Behaviour* has no addresses and no names: protocols, sizes, order,
 * pace. *Hints* are names and fingerprints: what it asks for, how its software introduces itself. Words of either kind come
 * from the network, that is from attackers: they are bounded in length and number, and only ever compared.
 */
export type Portrait = {
  /** epoch ms of its first and its last packet so far */
  first: number
  last: number
  packets: number
  /** Word → how often. */
  readonly behaviour: Map<string, number>
  readonly hints: Map<string, number>
}

/** A device cannot fill our memory with words of its own, nor can many together (`Room`). */
export const MAX_WORDS = 2_048
const MAX_WORD = 96
/** How many more words may be kept, of all devices together. */
export type Room = { left: number }

export function createPortrait(at: number): Portrait {
  return { first: at, last: at, packets: 0, behaviour: new Map(), hints: new Map() }
}

/** A word more than there is room for is not counted. */
export function countWord(words: Map<string, number>, word: string, room: Room): void {
  const key = word.slice(0, MAX_WORD)
  const had = words.get(key)
  if (had === undefined && (words.size >= MAX_WORDS || room.left === 0)) return
  if (had !== undefined) {
    words.set(key, had + 1)
    return
  }
  room.left--
  // A piece of a text would keep the whole text.
  words.set(ownText(key), 1)
}

export function copyPortrait(portrait: Portrait): Portrait {
  return { ...portrait, behaviour: new Map(portrait.behaviour), hints: new Map(portrait.hints) }
}
