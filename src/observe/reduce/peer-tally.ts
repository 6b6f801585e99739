/** Who a workload spoke with in one tick, under a bound: the heaviest are what a window keeps. */
import { formatAddress } from '../../model/address.ts'
import { hashWords } from '../../model/address-table.ts'
import { type PeerShare, TOP_PEERS } from '../../model/window.ts'
import { heaviest } from './merge.ts'

/** A scan meets thousands of peers in a tick, none of them heavy: those after the first 256 only enter the sketches. */
const MAX_PEERS = 256
/** Most ticks know a handful of peers; up to here they are compared one by one, which is cheaper than a table. */
const FEW = 12
const SLOTS = 2 * MAX_PEERS

export type PeerTally = {
  /** The number of a peer, −1 when there are too many. */
  intern(words: Uint32Array, at: number): number
  add(peer: number, flows: number, bytesOut: number, bytesIn: number): void
  heaviest(): PeerShare[]
  /** Empty again, for another tick: there is one per workload and tick, and its memory is what they cost. */
  clear(): void
}

export function createPeerTally(): PeerTally {
  return new Tally()
}

class Tally implements PeerTally {
  #count = 0
  #words = new Uint32Array(FEW * 4)
  #totals = new Float64Array(FEW * 3)
  /** Peer + 1 by hash, 0 = free; null until there are more than a few. */
  #slots: Int16Array | null = null

  intern(from: Uint32Array, at: number): number {
    if (this.#count > FEW) return this.#find(from, at)
    for (let i = 0; i < this.#count; i++) if (this.#is(i, from, at)) return i
    if (this.#count < FEW) return this.#put(from, at)
    this.#grow()
    const peer = this.#put(from, at)
    for (let i = 0; i <= peer; i++) this.#slots![this.#slotOf(this.#words, i * 4)] = i + 1
    return peer
  }

  add(peer: number, flows: number, bytesOut: number, bytesIn: number): void {
    if (peer < 0) return
    const totals = this.#totals
    totals[peer * 3]! += flows
    totals[peer * 3 + 1]! += bytesOut
    totals[peer * 3 + 2]! += bytesIn
  }

  heaviest(): PeerShare[] {
    const totals = this.#totals
    const before = (a: number, b: number) =>
      totals[b * 3 + 1]! + totals[b * 3 + 2]! - (totals[a * 3 + 1]! + totals[a * 3 + 2]!) ||
      totals[b * 3]! - totals[a * 3]!
    const all = Array.from({ length: this.#count }, (_, i) => i)
    const last = this.#count <= TOP_PEERS ? undefined : all.sort(before)[TOP_PEERS - 1]
    // Names are made for those alone that may be kept; where many are as heavy as the last, the name decides.
    const chosen = last === undefined ? all : all.filter((peer) => before(peer, last) <= 0)
    return heaviest(
      chosen.map((peer) => ({
        peer: formatAddress(this.#words, peer * 4),
        flows: totals[peer * 3]!,
        bytesOut: totals[peer * 3 + 1]!,
        bytesIn: totals[peer * 3 + 2]!,
      })),
    )
  }

  clear(): void {
    this.#totals.fill(0, 0, this.#count * 3)
    this.#slots?.fill(0)
    this.#count = 0
  }

  #find(from: Uint32Array, at: number): number {
    const slot = this.#slotOf(from, at)
    const known = this.#slots![slot]! - 1
    if (known >= 0 || this.#count === MAX_PEERS) return known
    this.#slots![slot] = this.#count + 1
    return this.#put(from, at)
  }

  #put(from: Uint32Array, at: number): number {
    const peer = this.#count++
    for (let i = 0; i < 4; i++) this.#words[peer * 4 + i] = from[at + i]!
    return peer
  }

  #is(peer: number, from: Uint32Array, at: number): boolean {
    const words = this.#words
    const own = peer * 4
    return (
      words[own + 3] === from[at + 3] &&
      words[own + 2] === from[at + 2] &&
      words[own + 1] === from[at + 1] &&
      words[own] === from[at]
    )
  }

  /** Where the peer is, or would be. */
  #slotOf(from: Uint32Array, at: number): number {
    const slots = this.#slots!
    let slot = hashWords(from, at) & (SLOTS - 1)
    while (slots[slot] !== 0 && !this.#is(slots[slot]! - 1, from, at)) slot = (slot + 1) & (SLOTS - 1)
    return slot
  }

  #grow(): void {
    if (this.#slots !== null) return
    const [words, totals] = [this.#words, this.#totals]
    this.#slots = new Int16Array(SLOTS)
    this.#words = new Uint32Array(MAX_PEERS * 4)
    this.#words.set(words)
    this.#totals = new Float64Array(MAX_PEERS * 3)
    this.#totals.set(totals)
  }
}
