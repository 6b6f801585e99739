/** What is known of every live conntrack entry, so that totals become deltas, and what was lost is noticed. Pure: time is an argument. */
import { type FlowBatch, Mark, Phase, stateCode } from '../../model/flow.ts'
import { type CtEntry, isHandshake, outcomeOf } from './conntrack-message.ts'

type Known = {
  readonly source: Uint32Array
  readonly target: Uint32Array
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
  readonly start: number
  bytesOut: number
  bytesIn: number
  packetsOut: number
  packetsIn: number
  marks: number
  /** The outcome that was told already. */
  told: number
  /** Number of the dump that last saw it (or of the one before its NEW). */
  seen: number
}

/** Dumps that an entry must be missing from before its DESTROY counts as lost: one may have been under way when it was made. */
const MISSING_DUMPS = 2
/** Entries followed at most: four times the usual nf_conntrack_max of a small host. */
const MAX_FLOWS = 1 << 20

export type ConntrackFlows = {
  readonly size: number
  /** Entries seen first in a dump: their NEW was lost, or they were there before us. */
  readonly reconciled: number
  readonly refused: number
  opened(entry: CtEntry, now: number, batch: FlowBatch): void
  closed(entry: CtEntry, now: number, batch: FlowBatch): void
  dumped(entry: CtEntry, now: number, batch: FlowBatch): void
  /** A whole dump has come: tells of entries that are gone without a DESTROY, in batches that `batchWithRoom` gives. */
  dumpEnded(now: number, batchWithRoom: () => FlowBatch): void
}

export function createConntrackFlows(maxFlows = MAX_FLOWS): ConntrackFlows {
  const flows = new Map<number, Known>()
  /** Entries destroyed lately: a dump that was under way still lists them. */
  let gone = new Set<number>()
  let goneBefore = new Set<number>()
  let dump = 0
  let reconciled = 0
  let refused = 0

  const open = (entry: CtEntry, now: number, batch: FlowBatch): void => {
    if (flows.size >= maxFlows) {
      refused++
      return
    }
    const known: Known = {
      source: Uint32Array.from(entry.source),
      target: Uint32Array.from(entry.target),
      sourcePort: entry.sourcePort,
      targetPort: entry.targetPort,
      proto: entry.proto,
      start: entry.startMs > 0 ? entry.startMs : now,
      bytesOut: 0,
      bytesIn: 0,
      packetsOut: 0,
      packetsIn: 0,
      marks: 0,
      told: stateCode.none,
      seen: dump,
    }
    flows.set(entry.id, known)
    tell(batch, known, entry, Phase.opened, now, false)
  }

  return {
    get size() {
      return flows.size
    },
    get reconciled() {
      return reconciled
    },
    get refused() {
      return refused
    },
    opened(entry, now, batch) {
      const stale = flows.get(entry.id)
      // Known from a dump already; or the number was given to another flow and we never heard of the end of the first.
      if (stale !== undefined && isSame(stale, entry)) return
      if (stale !== undefined) flows.delete(entry.id)
      gone.delete(entry.id)
      goneBefore.delete(entry.id)
      open(entry, now, batch)
    },
    closed(entry, now, batch) {
      gone.add(entry.id)
      let known = flows.get(entry.id)
      if (known === undefined || !isSame(known, entry)) {
        reconciled++
        open(entry, entry.startMs > 0 ? entry.startMs : now, batch)
        known = flows.get(entry.id)
        if (known === undefined) return
      }
      flows.delete(entry.id)
      tell(batch, known, entry, Phase.closed, entry.stopMs > 0 ? entry.stopMs : now, true)
    },
    dumped(entry, now, batch) {
      if (gone.has(entry.id) || goneBefore.has(entry.id)) return
      const known = flows.get(entry.id)
      if (known === undefined || !isSame(known, entry)) {
        reconciled++
        open(entry, now, batch)
        return
      }
      known.seen = dump
      const state = outcomeOf(entry, now - known.start, false)
      const isNews =
        entry.bytesOut > known.bytesOut ||
        entry.bytesIn > known.bytesIn ||
        state !== known.told ||
        (isHandshake(entry) && (known.marks & Mark.handshake) === 0)
      if (isNews) tell(batch, known, entry, Phase.progress, now, false)
    },
    dumpEnded(now, batchWithRoom) {
      for (const [id, known] of flows) {
        if (dump - known.seen < MISSING_DUMPS) continue
        flows.delete(id)
        const batch = batchWithRoom()
        const row = put(batch, known, Phase.closed, now)
        batch.bytesOut[row] = batch.bytesIn[row] = batch.packetsOut[row] = batch.packetsIn[row] = 0
        batch.state[row] = stateCode.none
      }
      dump++
      goneBefore = gone
      gone = new Set()
    },
  }
}

/** An entry's number may be given again: the tuple says whether it is still the same flow. */
function isSame(known: Known, entry: CtEntry): boolean {
  return (
    known.sourcePort === entry.sourcePort &&
    known.targetPort === entry.targetPort &&
    known.proto === entry.proto &&
    known.source[3] === entry.source[3] &&
    known.target[3] === entry.target[3]
  )
}

/** A row with what is new since the row before. An outcome is told once. */
function tell(batch: FlowBatch, known: Known, entry: CtEntry, phase: number, now: number, isOver: boolean): void {
  if (isHandshake(entry)) known.marks |= Mark.handshake
  const row = put(batch, known, phase, now)
  // Counters only grow; a smaller one is a message without counters.
  batch.bytesOut[row] = Math.max(0, entry.bytesOut - known.bytesOut)
  batch.bytesIn[row] = Math.max(0, entry.bytesIn - known.bytesIn)
  batch.packetsOut[row] = Math.max(0, entry.packetsOut - known.packetsOut)
  batch.packetsIn[row] = Math.max(0, entry.packetsIn - known.packetsIn)
  known.bytesOut = Math.max(known.bytesOut, entry.bytesOut)
  known.bytesIn = Math.max(known.bytesIn, entry.bytesIn)
  known.packetsOut = Math.max(known.packetsOut, entry.packetsOut)
  known.packetsIn = Math.max(known.packetsIn, entry.packetsIn)
  const state = outcomeOf(entry, now - known.start, isOver)
  batch.state[row] = state === known.told ? stateCode.none : state
  known.told = state
}

function put(batch: FlowBatch, known: Known, phase: number, now: number): number {
  const row = batch.count++
  batch.start[row] = known.start
  batch.end[row] = Math.max(now, known.start)
  batch.source.set(known.source, row * 4)
  batch.target.set(known.target, row * 4)
  batch.sourcePort[row] = known.sourcePort
  batch.targetPort[row] = known.targetPort
  batch.proto[row] = known.proto
  batch.phase[row] = phase
  batch.marks[row] = known.marks
  batch.sourceWorkload[row] = -1
  batch.targetWorkload[row] = -1
  batch.service[row] = 0
  return row
}
