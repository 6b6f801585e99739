/**
 * What the kernels count by rule, as agents tell it with each tick: packets since we began to listen, and per second of
 * late. In memory, because it can be lost: the counters are in the kernels. A rule that several workloads of a host wear
 * is one chain there, so its count is theirs together.
 */
import type { AgentId } from '../model/ids.ts'
import type { RuleHit } from '../model/rule-hit.ts'

export type HitBook = {
  add(agent: AgentId, hits: Readonly<Record<string, number>>, now: number): void
  of(agent: AgentId, rules: readonly string[], now: number): RuleHit[]
}

/** Per second is told over so long: six ticks. */
const LATELY_MS = 30_000
const MAX_ENTRIES = 50_000

type Entry = { packets: number; last: number; readonly lately: { readonly at: number; readonly packets: number }[] }

export function createHitBook(): HitBook {
  /** Oldest first: an entry that is told again goes to the end. */
  const entries = new Map<string, Entry>()
  const keyOf = (agent: AgentId, rule: string) => `${agent}\0${rule}`
  const fresh = (entry: Entry, now: number) => {
    while (entry.lately[0] !== undefined && now - entry.lately[0].at > LATELY_MS) entry.lately.shift()
  }
  return {
    add(agent, hits, now) {
      for (const [rule, packets] of Object.entries(hits)) {
        const key = keyOf(agent, rule)
        const entry = entries.get(key) ?? { packets: 0, last: now, lately: [] }
        entries.delete(key)
        entry.packets += packets
        entry.last = now
        entry.lately.push({ at: now, packets })
        fresh(entry, now)
        entries.set(key, entry)
      }
      for (const key of entries.keys()) {
        if (entries.size <= MAX_ENTRIES) return
        entries.delete(key)
      }
    },
    of(agent, rules, now) {
      return rules.flatMap((rule) => {
        const entry = entries.get(keyOf(agent, rule))
        if (entry === undefined) return []
        fresh(entry, now)
        const lately = entry.lately.reduce((sum, { packets }) => sum + packets, 0)
        return [{ rule, packets: entry.packets, perSecond: lately / (LATELY_MS / 1_000), last: entry.last }]
      })
    },
  }
}
