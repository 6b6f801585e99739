/** What sock_diag found inside namespaces, by workload, until its tick ends. */
import type { SocketSum } from '../observe/sources/sock-diag.ts'

type Sums = { readonly rttMs: number; readonly rttSamples: number; readonly retransmits: number }
export type SocketSums = {
  /** Of how many workloads something is remembered. */
  readonly size: number
  add(key: string, sums: readonly SocketSum[]): void
  /** Once. */
  take(key: string): Sums | null
  /** Of anybody else nothing is remembered. */
  keepOnly(keys: ReadonlySet<string>): void
}

export function createSocketSums(): SocketSums {
  const retransmitted = new Map<string, number>()
  const sampled = new Map<string, Sums>()
  return {
    get size() {
      return Math.max(retransmitted.size, sampled.size)
    },
    add(key, sums) {
      const total = { rttMs: 0, rttSamples: 0, retransmits: 0 }
      for (const sum of sums) {
        total.rttMs += sum.rttMs
        total.rttSamples += sum.rttSamples
        total.retransmits += sum.retransmits
      }
      // Counted since each socket was made, and sockets go: only a rise is news.
      const before = retransmitted.get(key) ?? total.retransmits
      retransmitted.set(key, total.retransmits)
      sampled.set(key, { ...total, retransmits: Math.max(0, total.retransmits - before) })
    },
    take(key) {
      const sums = sampled.get(key) ?? null
      sampled.delete(key)
      return sums
    },
    keepOnly(keys) {
      for (const held of [retransmitted, sampled]) for (const key of held.keys()) if (!keys.has(key)) held.delete(key)
    },
  }
}
