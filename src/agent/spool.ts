/** Reports wait here while the server is away: in order, bounded; the oldest telemetry is dropped (counted), what was done and seen is carried on. */
import { type AgentReport, MAX_CONVERSATIONS, MAX_DENIES, MAX_EVIDENCE, MAX_HITS, MAX_TICKS } from '../model/wire.ts'

export type Spool = {
  readonly size: number
  readonly counters: {
    droppedReports: number
    droppedTicks: number
    droppedConversations: number
    droppedEvidence: number
  }
  push(report: AgentReport): void
  /** Lent to be sent: until it is told what became of it, it is not the one that is dropped. */
  first(): AgentReport | null
  /** The first one arrived, or the server refused it for good. */
  shift(): void
  /** The first one did not arrive, and is nobody's just now. */
  keep(): void
}

const MAX_REFLEXES = 1_000

/** `max`: at least one that is being sent, and one beside it. */
export function createSpool(max = 60): Spool {
  const waiting: AgentReport[] = []
  let isLent = false
  const counters = { droppedReports: 0, droppedTicks: 0, droppedConversations: 0, droppedEvidence: 0 }
  return {
    get size() {
      return waiting.length
    },
    counters,
    push(report) {
      waiting.push(bounded(report, counters))
      if (waiting.length <= max) return
      const at = isLent ? 1 : 0
      const [oldest] = waiting.splice(at, 1) as [AgentReport]
      const heir = waiting[at]!
      counters.droppedReports++
      counters.droppedTicks += oldest.ticks.length
      counters.droppedConversations += oldest.conversations.length
      const evidence = [...oldest.evidence, ...heir.evidence]
      counters.droppedEvidence += Math.max(0, evidence.length - MAX_EVIDENCE)
      const workloads = heir.workloads ?? oldest.workloads
      waiting[at] = {
        ...heir,
        evidence: evidence.slice(-MAX_EVIDENCE),
        reflexes: [...oldest.reflexes, ...heir.reflexes].slice(-MAX_REFLEXES),
        denies: sum(oldest.denies, heir.denies, MAX_DENIES),
        hits: sum(oldest.hits ?? {}, heir.hits ?? {}, MAX_HITS),
        ...(workloads === undefined ? {} : { workloads }),
      }
    },
    first() {
      isLent = waiting.length > 0
      return waiting[0] ?? null
    },
    shift() {
      isLent = false
      waiting.shift()
    },
    keep() {
      isLent = false
    },
  }
}

/**
 * What the wire takes of one report. Whoever floods us finds more than that within a tick, and what else was seen then must
 * not be refused with it: the newest ticks and conversations stay, and the evidence that weighs most.
 */
function bounded(report: AgentReport, counters: Spool['counters']): AgentReport {
  const ticks = report.ticks.slice(-MAX_TICKS)
  const conversations = report.conversations.slice(-MAX_CONVERSATIONS)
  const evidence =
    report.evidence.length <= MAX_EVIDENCE
      ? report.evidence
      : report.evidence.toSorted((a, b) => b.evidence.weight - a.evidence.weight).slice(0, MAX_EVIDENCE)
  counters.droppedTicks += report.ticks.length - ticks.length
  counters.droppedConversations += report.conversations.length - conversations.length
  counters.droppedEvidence += report.evidence.length - evidence.length
  return { ...report, ticks, conversations, evidence }
}

type Counts = Readonly<Record<string, number>>

/** Those with most, as many as the wire takes: one above, and the whole report is refused. */
function sum(a: Counts, b: Counts, most: number): Counts {
  const total = new Map(Object.entries(a))
  for (const [id, n] of Object.entries(b)) total.set(id, (total.get(id) ?? 0) + n)
  if (total.size <= most) return Object.fromEntries(total)
  return Object.fromEntries([...total].sort(([, x], [, y]) => y - x).slice(0, most))
}
