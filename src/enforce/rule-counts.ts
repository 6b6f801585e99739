/** Counters of the kernel's rules, read again and again → what came since. A reload starts the kernel's counters over. */
import type { Count } from '../compile/parse.ts'

export type RuleCounts = {
  /** `ids`: encoded, as comments carry them → the rule's own. */
  add(found: ReadonlyMap<string, Count>, ids: ReadonlyMap<string, string>): void
  /** Packets by rule since the last call, those with most first. */
  take(most: number): Record<string, number>
}

/** As many as the wire lets an id have characters. */
const ID_LENGTH = 160

export function createRuleCounts(): RuleCounts {
  let seen = new Map<string, number>()
  const since = new Map<string, number>()
  return {
    add(found, ids) {
      const now = new Map<string, number>()
      for (const [encoded, { packets }] of found) {
        const before = seen.get(encoded) ?? 0
        now.set(encoded, packets)
        const more = packets >= before ? packets - before : packets
        const id = ids.get(encoded) ?? encoded
        if (more > 0) since.set(id, (since.get(id) ?? 0) + more)
      }
      seen = now
    },
    take(most) {
      const taken = [...since].sort(([, a], [, b]) => b - a).slice(0, most)
      since.clear()
      return Object.fromEntries(taken.map(([id, packets]) => [id.slice(0, ID_LENGTH), packets]))
    },
  }
}
