/** Merging two readings of one workload. */
import { type PeerShare, TOP_PEERS, type Window } from '../../model/window.ts'

/**
 * Merges `from` into `into`. Sums, histograms and registers merge exactly, in any order and grouping. Peers are summed and
 * cut to the heaviest eight: exact while at most eight are seen; beyond, what a cut-off peer had before is forgotten, so a
 * share may be too low by what it lost, never too high.
 */
export function mergeWindow(into: Window, from: Window): void {
  for (let i = 0; i < into.sums.length; i++) into.sums[i]! += from.sums[i]!
  for (let i = 0; i < into.histograms.length; i++) into.histograms[i]! += from.histograms[i]!
  for (let i = 0; i < into.registers.length; i++)
    if (into.registers[i]! < from.registers[i]!) into.registers[i] = from.registers[i]!
  if (from.peers.length > 0) into.peers = heaviest(joinPeers(into.peers, from.peers))
}

function joinPeers(a: readonly PeerShare[], b: readonly PeerShare[]): PeerShare[] {
  const joined = new Map<string, PeerShare>()
  for (const share of [...a, ...b]) {
    const known = joined.get(share.peer)
    if (known === undefined) joined.set(share.peer, { ...share })
    else {
      known.flows += share.flows
      known.bytesOut += share.bytesOut
      known.bytesIn += share.bytesIn
    }
  }
  return [...joined.values()]
}

/** The heaviest TOP_PEERS by bytes, then flows, then name: a total order, so that the cut does not depend on arrival. */
export function heaviest(peers: PeerShare[]): PeerShare[] {
  return peers
    .sort(
      (a, b) =>
        b.bytesOut + b.bytesIn - (a.bytesOut + a.bytesIn) ||
        b.flows - a.flows ||
        (a.peer < b.peer ? -1 : Number(a.peer > b.peer)),
    )
    .slice(0, TOP_PEERS)
}
