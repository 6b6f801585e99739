/**
 * Addresses interned to small integers without making a string: open addressing over four 32-bit words. What keeps
 * state per address (directory, reducer, detectors) keeps it under these numbers.
 */
import type { Words } from './address.ts'

/** Mixes four words to 32 bits (the finaliser of MurmurHash3, Appleby 2011, over a multiply-xor chain). */
export function hashWords(words: Words | Uint32Array, at = 0): number {
  let h = Math.imul(words[at]! ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + words[at + 1]!, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + words[at + 2]!, 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 15)) + words[at + 3]!, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export type AddressTable = {
  /** How many numbers are in use. */
  readonly size: number
  /** Times `intern` said −1 because the table was full. */
  readonly refused: number
  /** The number of an address, made when new; −1 when the table is full (counted). */
  intern(words: Words | Uint32Array, at: number): number
  /** The number, or −1. */
  find(words: Words | Uint32Array, at: number): number
  /** Copies the words of number `id` to `out[to…to+3]`; false when nobody has that number. */
  read(id: number, out: Uint32Array, to: number): boolean
  /** Frees every number for which `isKept` says no; numbers of the others stay. */
  sweep(isKept: (id: number) => boolean): void
}

/** `capacity`: the most addresses it will hold. */
export function createAddressTable(capacity: number): AddressTable {
  // There is one per workload and tick: small ones stay in the CPU's caches.
  let room = 2 ** Math.ceil(Math.log2(Math.min(1_024, Math.max(16, capacity))))
  let words = new Uint32Array(room * 4)
  let taken = new Uint8Array(room)
  /** id + 1 per slot, 0 = free; at most half full. */
  let slots = new Int32Array(room * 2)
  let next = 0
  let size = 0
  let refused = 0
  const free: number[] = []

  // One kind of memory only: code that also sees arrays of doubles runs at a third of the speed on every flow.
  const one = new Uint32Array(4)
  const plain = (at: Words | Uint32Array, from: number): Uint32Array => {
    for (let i = 0; i < 4; i++) one[i] = at[from + i]!
    return one
  }
  const slotOf = (at: Uint32Array, from: number): number => {
    const mask = slots.length - 1
    for (let slot = hashWords(at, from) & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]! - 1
      if (id < 0) return slot
      const own = id * 4
      if (
        words[own + 3] === at[from + 3] &&
        words[own] === at[from] &&
        words[own + 1] === at[from + 1] &&
        words[own + 2] === at[from + 2]
      )
        return slot
    }
  }
  const rehash = (slotCount: number) => {
    slots = new Int32Array(slotCount)
    for (let id = 0; id < next; id++) if (taken[id] === 1) slots[slotOf(words, id * 4)] = id + 1
  }
  const grow = () => {
    room *= 2
    const moreWords = new Uint32Array(room * 4)
    moreWords.set(words)
    words = moreWords
    const moreTaken = new Uint8Array(room)
    moreTaken.set(taken)
    taken = moreTaken
    rehash(room * 2)
  }

  return {
    get size() {
      return size
    },
    get refused() {
      return refused
    },
    find: (at, from) => slots[at instanceof Uint32Array ? slotOf(at, from) : slotOf(plain(at, from), 0)]! - 1,
    intern(given, offset) {
      const isPlain = given instanceof Uint32Array
      const at = isPlain ? given : plain(given, offset)
      const from = isPlain ? offset : 0
      const slot = slotOf(at, from)
      const known = slots[slot]! - 1
      if (known >= 0) return known
      if (size >= capacity) {
        refused++
        return -1
      }
      const id = free.pop() ?? next++
      const hasGrown = id >= room
      if (hasGrown) grow()
      for (let i = 0; i < 4; i++) words[id * 4 + i] = at[from + i]!
      taken[id] = 1
      size++
      slots[hasGrown ? slotOf(at, from) : slot] = id + 1
      return id
    },
    read(id, out, to) {
      if (taken[id] !== 1) return false
      for (let i = 0; i < 4; i++) out[to + i] = words[id * 4 + i]!
      return true
    },
    sweep(isKept) {
      for (let id = 0; id < next; id++) {
        if (taken[id] !== 1 || isKept(id)) continue
        taken[id] = 0
        free.push(id)
        size--
      }
      rehash(slots.length)
    },
  }
}
