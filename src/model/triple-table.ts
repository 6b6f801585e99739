/**
 * Three integers interned to one small one, without an object or a string: open addressing over typed arrays. What is kept
 * per (workload, peer, service) on every flow is kept in arrays under these numbers; a Map with such keys made into doubles
 * costs five times as much.
 */
export type TripleTable = {
  /** How many numbers are in use. */
  readonly size: number
  /** The number of these three (32 bits each), or −1. */
  find(a: number, b: number, c: number): number
  /** The number, made when new; −1 when the table is full. */
  intern(a: number, b: number, c: number): number
  /** Frees every number for which `isKept` says no; numbers of the others stay. */
  sweep(isKept: (id: number) => boolean): void
}

/** `capacity`: the most it will hold. */
export function createTripleTable(capacity: number): TripleTable {
  let room = 1024
  let keys = new Int32Array(room * 3)
  let taken = new Uint8Array(room)
  /** id + 1 per slot, 0 = free; at most half full. */
  let slots = new Int32Array(room * 2)
  let next = 0
  let size = 0
  const free: number[] = []

  const slotOf = (a: number, b: number, c: number): number => {
    const mask = slots.length - 1
    for (let slot = hashOf(a, b, c) & mask; ; slot = (slot + 1) & mask) {
      const own = (slots[slot]! - 1) * 3
      if (own < 0 || (keys[own] === a && keys[own + 1] === b && keys[own + 2] === c)) return slot
    }
  }
  const rehash = (slotCount: number) => {
    slots = new Int32Array(slotCount)
    for (let id = 0; id < next; id++)
      if (taken[id] === 1) slots[slotOf(keys[id * 3]!, keys[id * 3 + 1]!, keys[id * 3 + 2]!)] = id + 1
  }
  const grow = () => {
    room *= 2
    const moreKeys = new Int32Array(room * 3)
    moreKeys.set(keys)
    keys = moreKeys
    const moreTaken = new Uint8Array(room)
    moreTaken.set(taken)
    taken = moreTaken
    rehash(room * 2)
  }

  return {
    get size() {
      return size
    },
    find: (a, b, c) => slots[slotOf(a | 0, b | 0, c | 0)]! - 1,
    intern(a, b, c) {
      const slot = slotOf(a | 0, b | 0, c | 0)
      const known = slots[slot]! - 1
      if (known >= 0) return known
      if (size >= capacity) return -1
      const id = free.pop() ?? next++
      const hasGrown = id >= room
      if (hasGrown) grow()
      keys[id * 3] = a
      keys[id * 3 + 1] = b
      keys[id * 3 + 2] = c
      taken[id] = 1
      size++
      slots[hasGrown ? slotOf(a | 0, b | 0, c | 0) : slot] = id + 1
      return id
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

function hashOf(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return h ^ (h >>> 13)
}
