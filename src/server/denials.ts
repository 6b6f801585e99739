/**
 * Refused flows of the last hour, as agents' kernels logged them: what `why --flow` shows beside the rules. In memory,
 * because it can be lost: the rule that refused is in the plan, and its counter in the kernel.
 */
import { Proto } from '../model/flow.ts'
import type { AgentId } from '../model/ids.ts'
import type { WireDenial } from '../model/wire.ts'

export type Denial = WireDenial & { readonly agent: AgentId }
export type DenialLog = {
  add(agent: AgentId, denials: readonly WireDenial[], now: number): void
  /** Of this conversation: what was asked and, where that passed, what was answered; newest first. */
  between(flow: { readonly from: string; readonly to: string; readonly proto: number; readonly port: number }): Denial[]
}

const KEEP_MS = 3_600_000
const MAX_ENTRIES = 10_000
/** Echo request → reply (RFC 792, RFC 4443). */
const ECHO: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [128, 129],
])

export function createDenialLog(): DenialLog {
  /** Oldest first: an entry that is told again goes to the end. */
  const entries = new Map<string, Denial>()
  const forget = (now: number) => {
    for (const [key, entry] of entries) {
      if (entries.size <= MAX_ENTRIES && now - entry.last <= KEEP_MS) return
      entries.delete(key)
    }
  }
  return {
    add(agent, denials, now) {
      for (const told of denials) {
        const key = `${agent} ${told.from} ${told.to} ${told.proto} ${told.port} ${told.rule}`
        const known = entries.get(key)
        entries.delete(key)
        // An agent whose clock is ahead must not keep its entries for ever.
        const last = Math.min(told.last, now)
        entries.set(key, {
          ...told,
          agent,
          first: Math.min(known?.first ?? told.first, last),
          last,
          packets: (known?.packets ?? 0) + told.packets,
        })
      }
      forget(now)
    },
    between({ from, to, proto, port }) {
      const isAnswer = (entry: Denial) =>
        proto === Proto.icmp || proto === Proto.icmp6 ? ECHO.get(port) === entry.port : entry.sourcePort === port
      const isOf = (entry: Denial) =>
        entry.proto === proto &&
        ((entry.from === from && entry.to === to && entry.port === port) ||
          (entry.from === to && entry.to === from && isAnswer(entry)))
      return [...entries.values()].filter(isOf).sort((a, b) => b.last - a.last)
    },
  }
}
