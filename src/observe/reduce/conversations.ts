/** Who spoke with whom on which service, in steps of 5 minutes, under a bound (the wire takes 50,000 a report). */
import { formatAddress } from '../../model/address.ts'
import { createAddressTable } from '../../model/address-table.ts'
import { type FlowBatch, Proto } from '../../model/flow.ts'
import type { WorkloadId } from '../../model/ids.ts'
import { createTripleTable, type TripleTable } from '../../model/triple-table.ts'
import { CONVERSATION_MS, type Conversation } from '../../model/window.ts'

const MAX_OPEN = 50_000

/** A new one is told at once, then its totals twice a minute, and when its 5 minutes are over. */
const TELL_MS = 30_000

/** `told`: until when it was told, epoch ms. */
export type OpenConversation = Omit<Conversation, 'workload'> & {
  readonly workload: number
  news: boolean
  told: number
}
type Step = {
  readonly start: number
  readonly peers: ReturnType<typeof createAddressTable>
  /** (workload, peer, service) → place in `entries` */
  readonly numbers: TripleTable
  readonly entries: OpenConversation[]
}

export type Conversations = {
  /** The conversation of a row, made when new; null when there are too many. Valid until the next `close`. */
  find(batch: FlowBatch, row: number, workload: number, direction: Conversation['direction']): OpenConversation | null
  /** Adds what was said; bytes as the workload sees them. */
  add(to: OpenConversation, flows: number, failed: number, bytesOut: number, bytesIn: number, last: number): void
  /** The first application protocol that is told stays. */
  name(to: OpenConversation | null, service: number): void
  /**
   * Conversations with news that is due, each with its totals since its 5 minutes began: who receives it
   * replaces what it had under the same (workload, peer, port, proto, direction, start).
   */
  close(until: number, idOf: (workload: number) => WorkloadId): Conversation[]
  /** Workloads that those not over yet are of. */
  workloads(): ReadonlySet<number>
  /** All of them are over, and from now on it is `now`: the clock was set back. */
  closeAll(now: number, idOf: (workload: number) => WorkloadId): Conversation[]
}

export function createConversations(serviceName: (code: number) => string | null): Conversations {
  const steps = new Map<number, Step>()
  let newest: Step | null = null
  let open = 0
  let oldest = Number.NEGATIVE_INFINITY

  const stepOf = (start: number): Step => {
    let step = steps.get(start)
    if (step === undefined) {
      step = {
        start,
        peers: createAddressTable(MAX_OPEN),
        numbers: createTripleTable(MAX_OPEN),
        entries: [],
      }
      steps.set(start, step)
    }
    newest = step
    return step
  }
  const entryOf = (batch: FlowBatch, row: number, workload: number, direction: Conversation['direction']) => {
    const start = Math.max(Math.floor(batch.end[row]! / CONVERSATION_MS) * CONVERSATION_MS, oldest)
    const step = newest !== null && newest.start === start ? newest : stepOf(start)
    const column = direction === 'initiated' ? batch.target : batch.source
    const peer = step.peers.intern(column, row * 4)
    if (peer < 0) return null
    const proto = batch.proto[row]!
    const isIcmp = proto === Proto.icmp || proto === Proto.icmp6
    const port = isIcmp ? batch.sourcePort[row]! : batch.targetPort[row]!
    const service = (port * 256 + proto) * 2 + (direction === 'served' ? 1 : 0)
    const known = step.numbers.find(workload, peer, service)
    if (known >= 0) return step.entries[known]!
    if (open >= MAX_OPEN) return null
    open++
    const entry: OpenConversation = {
      workload,
      peer: formatAddress(column, row * 4),
      port,
      proto,
      direction,
      start,
      flows: 0,
      failed: 0,
      bytesOut: 0,
      bytesIn: 0,
      last: batch.end[row]!,
      service: null,
      news: true,
      told: Number.NEGATIVE_INFINITY,
    }
    step.entries[step.numbers.intern(workload, peer, service)] = entry
    return entry
  }

  const close = (until: number, idOf: (workload: number) => WorkloadId): Conversation[] => {
    const out: Conversation[] = []
    for (const [start, step] of steps) {
      const isOver = start + CONVERSATION_MS <= until
      for (const entry of step.entries) {
        if (isOver) open--
        if (!entry.news || (!isOver && until - entry.told < TELL_MS)) continue
        entry.news = false
        entry.told = until
        const { news: _, told: __, ...rest } = entry
        out.push({ ...rest, workload: idOf(entry.workload) })
      }
      if (!isOver) continue
      steps.delete(start)
      if (newest === step) newest = null
    }
    oldest = Math.max(oldest, Math.floor(until / CONVERSATION_MS) * CONVERSATION_MS)
    return out
  }

  return {
    find: entryOf,
    add(to, flows, failed, bytesOut, bytesIn, last) {
      to.flows += flows
      to.failed += failed
      to.bytesOut += bytesOut
      to.bytesIn += bytesIn
      if (last > to.last) to.last = last
      to.news = true
    },
    name(to, service) {
      if (to !== null) to.service ??= serviceName(service)
    },
    close,
    workloads() {
      const all = new Set<number>()
      for (const { entries } of steps.values()) for (const { workload } of entries) all.add(workload)
      return all
    },
    closeAll(now, idOf) {
      const out = close(Number.POSITIVE_INFINITY, idOf)
      oldest = Math.floor(now / CONVERSATION_MS) * CONVERSATION_MS
      return out
    },
  }
}
