/**
 * Which connection a packet belongs to: a hash table over typed arrays, keyed by both ends and the protocol whichever
 * way the packet goes. It never grows beyond its room; whoever fills it makes room first. The hash is seeded, so that
 * nobody who knows this code can send packets that all fall into one bucket.
 */
import { randomInt } from 'node:crypto'

const KEY_WORDS = 10

export type FlowTable = {
  readonly room: number
  readonly used: number
  /** Makes this the key that `find` and `insert` go by. `one-way` keys are not turned round. True: source comes first. */
  setKey(source: Uint32Array, target: Uint32Array, ports: Ports, proto: number, ways: 'both-ways' | 'one-way'): boolean
  /** −1 = not there. */
  find(): number
  /** The key's new place. The table must not be full. */
  insert(): number
  remove(slot: number): void
  /** The next place in use, going round: who leaves when there is no room. */
  nextUsed(): number
  /** Copies one end's address; `first` is that of the key's order. */
  copyAddress(slot: number, end: 'first' | 'second', to: Uint32Array, at: number): void
}

/** Source port in the upper 16 bits, target port in the lower. */
export type Ports = number

export function createFlowTable(room: number): FlowTable {
  const buckets = new Int32Array(2 ** Math.ceil(Math.log2(room * 1.5))).fill(-1)
  const mask = buckets.length - 1
  const next = new Int32Array(room)
  const keys = new Uint32Array(room * KEY_WORDS)
  const isUsed = new Uint8Array(room)
  const key = new Uint32Array(KEY_WORDS)
  const seed = randomInt(2 ** 32)
  let bucket = 0
  let free = 0
  let used = 0
  let hand = 0
  for (let i = 0; i < room; i++) next[i] = i + 1 < room ? i + 1 : -1

  return {
    room,
    get used() {
      return used
    },
    setKey(source, target, ports, proto, ways) {
      const isFirst = ways === 'one-way' || isBefore(source, target, ports)
      const first = isFirst ? source : target
      const second = isFirst ? target : source
      for (let i = 0; i < 4; i++) {
        key[i] = first[i]!
        key[i + 4] = second[i]!
      }
      key[8] = isFirst ? ports : ((ports >>> 16) | (ports << 16)) >>> 0
      key[9] = ways === 'one-way' ? proto | 0x100 : proto
      bucket = hashOf(key, 0, seed) & mask
      return isFirst
    },
    find() {
      for (let slot = buckets[bucket]!; slot >= 0; slot = next[slot]!)
        if (isKeyAt(keys, slot * KEY_WORDS, key)) return slot
      return -1
    },
    insert() {
      if (free < 0) throw new Error(`a flow table of ${room} places was filled beyond them`)
      const slot = free
      free = next[slot]!
      keys.set(key, slot * KEY_WORDS)
      next[slot] = buckets[bucket]!
      buckets[bucket] = slot
      isUsed[slot] = 1
      used++
      return slot
    },
    remove(slot) {
      const home = hashOf(keys, slot * KEY_WORDS, seed) & mask
      if (buckets[home] === slot) buckets[home] = next[slot]!
      else {
        let before = buckets[home]!
        while (next[before] !== slot) before = next[before]!
        next[before] = next[slot]!
      }
      next[slot] = free
      free = slot
      isUsed[slot] = 0
      used--
    },
    nextUsed() {
      for (let i = 0; i < room; i++) {
        hand = hand + 1 < room ? hand + 1 : 0
        if (isUsed[hand] === 1) return hand
      }
      return -1
    },
    copyAddress(slot, end, to, at) {
      const from = slot * KEY_WORDS + (end === 'first' ? 0 : 4)
      for (let i = 0; i < 4; i++) to[at + i] = keys[from + i]!
    },
  }
}

function isBefore(source: Uint32Array, target: Uint32Array, ports: Ports): boolean {
  for (let i = 3; i >= 0; i--) {
    if (source[i] !== target[i]) return source[i]! < target[i]!
  }
  return ports >>> 16 <= (ports & 0xffff)
}

function hashOf(words: Uint32Array, at: number, seed: number): number {
  let hash = seed
  for (let i = 0; i < KEY_WORDS; i++) {
    hash = Math.imul(hash ^ words[at + i]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

function isKeyAt(keys: Uint32Array, at: number, key: Uint32Array): boolean {
  // The words that differ most come last.
  for (let i = KEY_WORDS - 1; i >= 0; i--) if (keys[at + i] !== key[i]) return false
  return true
}
