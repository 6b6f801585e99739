/** Who a workload spoke with in one tick, under a bound: the heaviest are what a window keeps. */
import { formatAddress } from '../../model/address.ts'
import { createAddressTable } from '../../model/address-table.ts'
import type { PeerShare } from '../../model/window.ts'
import { heaviest } from './merge.ts'

/** A scan meets thousands of peers in a tick, none of them heavy: those after the first 256 only enter the sketches. */
const MAX_PEERS = 256
/** Most ticks know a handful of peers; up to here they are compared one by one, which is cheaper than a table. */
const FEW = 12

export type PeerTally = {
  /** The number of a peer, −1 when there are too many. */
  intern(words: Uint32Array, at: number): number
  add(peer: number, flows: number, bytesOut: number, bytesIn: number): void
  heaviest(): PeerShare[]
}

export function createPeerTally(): PeerTally {
  const words: number[] = []
  const totals: number[] = []
  let table: ReturnType<typeof createAddressTable> | null = null

  const numberOf = (from: Uint32Array, at: number): number => {
    if (table !== null) return table.intern(from, at)
    const known = words.length / 4
    for (let i = 0; i < known; i++) {
      const own = i * 4
      if (
        words[own + 3] === from[at + 3] &&
        words[own + 2] === from[at + 2] &&
        words[own + 1] === from[at + 1] &&
        words[own] === from[at]
      )
        return i
    }
    if (known === FEW) {
      table = createAddressTable(MAX_PEERS)
      const all = Uint32Array.from(words)
      for (let i = 0; i < known; i++) table.intern(all, i * 4)
      return table.intern(from, at)
    }
    return known
  }

  return {
    intern(from, at) {
      const peer = numberOf(from, at)
      if (peer * 4 === words.length) {
        words.push(from[at]!, from[at + 1]!, from[at + 2]!, from[at + 3]!)
        totals.push(0, 0, 0)
      }
      return peer
    },
    add(peer, flows, bytesOut, bytesIn) {
      if (peer < 0) return
      totals[peer * 3]! += flows
      totals[peer * 3 + 1]! += bytesOut
      totals[peer * 3 + 2]! += bytesIn
    },
    heaviest() {
      const all = Uint32Array.from(words)
      const shares: PeerShare[] = []
      for (let i = 0; i * 4 < words.length; i++) {
        shares.push({
          peer: formatAddress(all, i * 4),
          flows: totals[i * 3]!,
          bytesOut: totals[i * 3 + 1]!,
          bytesIn: totals[i * 3 + 2]!,
        })
      }
      return heaviest(shares)
    },
  }
}
