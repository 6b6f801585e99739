/** Packets that the kernel logged as refused become flows: one entry a tuple and rule, counted, told soon after the first. */
import { formatAddress } from '../model/address.ts'
import { Proto } from '../model/flow.ts'
import type { WireDenial } from '../model/wire.ts'
import type { Logged } from '../observe/nflog/message.ts'

export type DenialBook = {
  /** Entries beyond what one report carries; their packets are in the counters of the rules all the same. */
  readonly counters: { overflow: number }
  /** True when the flow was not told yet: worth a report of its own. */
  add(packet: Logged, now: number): boolean
  take(): WireDenial[]
}

const MAX_ENTRIES = 1_000
/** A client that keeps asking is news again after this long without. */
const QUIET_MS = 60_000
const MAX_TOLD = 20_000

/** `ruleOf` turns the log's prefix back into the id of the rule. */
export function createDenialBook(ruleOf: (prefix: string) => string): DenialBook {
  const counters = { overflow: 0 }
  let waiting = new Map<string, WireDenial>()
  const told = new Map<string, number>()
  return {
    counters,
    add(packet, now) {
      const at = packet.at ?? now
      const isIcmp = packet.proto === Proto.icmp || packet.proto === Proto.icmp6
      const port = isIcmp ? packet.sourcePort : packet.targetPort
      const from = formatAddress(packet.source)
      const to = formatAddress(packet.target)
      const key = `${from} ${to} ${packet.proto} ${port} ${packet.prefix}`
      const known = waiting.get(key)
      if (known !== undefined) {
        known.packets++
        known.last = Math.max(known.last, at)
        return false
      }
      if (waiting.size >= MAX_ENTRIES) {
        counters.overflow++
        return false
      }
      const rule = ruleOf(packet.prefix).slice(0, 160)
      const sourcePort = isIcmp ? {} : { sourcePort: packet.sourcePort }
      waiting.set(key, { from, to, proto: packet.proto, port, ...sourcePort, rule, first: at, last: at, packets: 1 })
      const toldAt = told.get(key)
      if (told.size >= MAX_TOLD) told.clear()
      told.set(key, now)
      return toldAt === undefined || now - toldAt > QUIET_MS
    },
    take() {
      const taken = [...waiting.values()]
      waiting = new Map()
      return taken
    },
  }
}
