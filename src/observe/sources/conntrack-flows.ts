/**
 * What is known of every live conntrack entry, so that totals become deltas, and what was lost is noticed. A row of columns
 * for each, used again when the entry is gone: a busy host makes and ends thousands a second. Pure: time is an argument.
 */
import { type FlowBatch, Mark, Phase, stateCode } from '../../model/flow.ts'
import { type CtEntry, isHandshake, outcomeOf } from './conntrack-message.ts'

/** Dumps that an entry must be missing from before its DESTROY counts as lost: one may have been under way when it was made. */
const MISSING_DUMPS = 2
/** Entries followed at most: four times the usual nf_conntrack_max of a small host. */
const MAX_FLOWS = 1 << 20
const FIRST_ROWS = 1 << 10
/**
 * The kernel stamps by the wall clock; `now` may be of one that goes on evenly when that is set. An event is told within
 * moments: a stamp farther off is of another clock, and `now` says it better.
 */
const STAMP_OFF_MS = 30_000
const stampOf = (stamp: number, now: number): number =>
  stamp > 0 && Math.abs(now - stamp) < STAMP_OFF_MS ? stamp : now
/** When something began that goes on for nobody knows how long. */
const beginOf = (stamp: number, now: number): number => (stamp > 0 && stamp < now + STAMP_OFF_MS ? stamp : now)

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

type Known = ReturnType<typeof columnsFor>

/** `start`: epoch ms; `told`: the outcome that was told already; `seen`: number of the dump that last saw it, or of the one before its NEW. */
const columnsFor = (rows: number) => ({
  id: new Int32Array(rows),
  isLive: new Uint8Array(rows),
  source: new Uint32Array(4 * rows),
  target: new Uint32Array(4 * rows),
  sourcePort: new Uint16Array(rows),
  targetPort: new Uint16Array(rows),
  proto: new Uint8Array(rows),
  start: new Float64Array(rows),
  bytesOut: new Float64Array(rows),
  bytesIn: new Float64Array(rows),
  packetsOut: new Float64Array(rows),
  packetsIn: new Float64Array(rows),
  marks: new Uint8Array(rows),
  told: new Uint8Array(rows),
  seen: new Float64Array(rows),
})

/** Twice as many rows, what is in them kept. */
function grown(known: Known): Known {
  const more = columnsFor(2 * known.id.length)
  for (const [name, column] of Object.entries(known)) more[name as keyof Known].set(column)
  return more
}

export function createConntrackFlows(maxFlows = MAX_FLOWS): ConntrackFlows {
  let known = columnsFor(FIRST_ROWS)
  /** Signed, as V8 keeps 32 bits without an object. */
  const rows = new Map<number, number>()
  const free: number[] = []
  /** Rows that were ever used. */
  let used = 0
  /** Entries destroyed lately: a dump that was under way still lists them. */
  let gone = new Set<number>()
  let goneBefore = new Set<number>()
  let dump = 0
  let reconciled = 0
  let refused = 0

  /** Row of the same flow; an entry's number may be given again, and the tuple says so. −1 = not known. */
  const find = (entry: CtEntry): number => {
    const row = rows.get(entry.id | 0)
    return row !== undefined && isSame(known, row, entry) ? row : -1
  }
  const forget = (row: number): void => {
    rows.delete(known.id[row]!)
    known.isLive[row] = 0
    free.push(row)
  }
  const open = (entry: CtEntry, start: number, now: number, batch: FlowBatch): number => {
    // The number was given to another flow, and we never heard of the end of the first.
    const stale = rows.get(entry.id | 0)
    if (stale !== undefined) forget(stale)
    if (rows.size >= maxFlows) {
      refused++
      return -1
    }
    const row = free.pop() ?? used++
    if (row === known.id.length) known = grown(known)
    begin(known, row, entry, start, dump)
    rows.set(entry.id | 0, row)
    tell(batch, known, row, entry, Phase.opened, now, 'goes on')
    return row
  }

  return {
    get size() {
      return rows.size
    },
    get reconciled() {
      return reconciled
    },
    get refused() {
      return refused
    },
    opened(entry, now, batch) {
      // Known from a dump already.
      if (find(entry) >= 0) return
      gone.delete(entry.id | 0)
      goneBefore.delete(entry.id | 0)
      open(entry, stampOf(entry.startMs, now), now, batch)
    },
    closed(entry, now, batch) {
      gone.add(entry.id | 0)
      let row = find(entry)
      if (row < 0) {
        reconciled++
        const start = beginOf(entry.startMs, now)
        row = open(entry, start, start, batch)
        if (row < 0) return
      }
      tell(batch, known, row, entry, Phase.closed, stampOf(entry.stopMs, now), 'is over')
      forget(row)
    },
    dumped(entry, now, batch) {
      if (gone.has(entry.id | 0) || goneBefore.has(entry.id | 0)) return
      const row = find(entry)
      if (row < 0) {
        reconciled++
        open(entry, beginOf(entry.startMs, now), now, batch)
        return
      }
      known.seen[row] = dump
      if (isNews(known, row, entry, now)) tell(batch, known, row, entry, Phase.progress, now, 'goes on')
    },
    dumpEnded(now, batchWithRoom) {
      for (let row = 0; row < used; row++) {
        if (known.isLive[row] === 0 || dump - known.seen[row]! < MISSING_DUMPS) continue
        const batch = batchWithRoom()
        const at = put(batch, known, row, Phase.closed, now)
        batch.bytesOut[at] = batch.bytesIn[at] = batch.packetsOut[at] = batch.packetsIn[at] = 0
        batch.state[at] = stateCode.none
        forget(row)
      }
      dump++
      goneBefore = gone
      gone = new Set()
    },
  }
}

function begin(known: Known, row: number, entry: CtEntry, start: number, dump: number): void {
  known.id[row] = entry.id
  known.isLive[row] = 1
  known.source.set(entry.source, 4 * row)
  known.target.set(entry.target, 4 * row)
  known.sourcePort[row] = entry.sourcePort
  known.targetPort[row] = entry.targetPort
  known.proto[row] = entry.proto
  known.start[row] = start
  known.bytesOut[row] = known.bytesIn[row] = known.packetsOut[row] = known.packetsIn[row] = 0
  known.marks[row] = 0
  known.told[row] = stateCode.none
  known.seen[row] = dump
}

function isSame(known: Known, row: number, entry: CtEntry): boolean {
  return (
    known.sourcePort[row] === entry.sourcePort &&
    known.targetPort[row] === entry.targetPort &&
    known.proto[row] === entry.proto &&
    known.source[4 * row + 3] === entry.source[3] &&
    known.target[4 * row + 3] === entry.target[3]
  )
}

function isNews(known: Known, row: number, entry: CtEntry, now: number): boolean {
  return (
    entry.bytesOut > known.bytesOut[row]! ||
    entry.bytesIn > known.bytesIn[row]! ||
    outcomeOf(entry, now - known.start[row]!, false) !== known.told[row] ||
    (isHandshake(entry) && (known.marks[row]! & Mark.handshake) === 0)
  )
}

/** A row with what is new since the row before. An outcome is told once. */
function tell(
  batch: FlowBatch,
  known: Known,
  row: number,
  entry: CtEntry,
  phase: number,
  now: number,
  life: 'goes on' | 'is over',
): void {
  if (isHandshake(entry)) known.marks[row]! |= Mark.handshake
  const at = put(batch, known, row, phase, now)
  // Counters only grow; a smaller one is a message without counters.
  batch.bytesOut[at] = Math.max(0, entry.bytesOut - known.bytesOut[row]!)
  batch.bytesIn[at] = Math.max(0, entry.bytesIn - known.bytesIn[row]!)
  batch.packetsOut[at] = Math.max(0, entry.packetsOut - known.packetsOut[row]!)
  batch.packetsIn[at] = Math.max(0, entry.packetsIn - known.packetsIn[row]!)
  known.bytesOut[row] = Math.max(known.bytesOut[row]!, entry.bytesOut)
  known.bytesIn[row] = Math.max(known.bytesIn[row]!, entry.bytesIn)
  known.packetsOut[row] = Math.max(known.packetsOut[row]!, entry.packetsOut)
  known.packetsIn[row] = Math.max(known.packetsIn[row]!, entry.packetsIn)
  const state = outcomeOf(entry, now - known.start[row]!, life === 'is over')
  batch.state[at] = state === known.told[row] ? stateCode.none : state
  known.told[row] = state
}

function put(batch: FlowBatch, known: Known, row: number, phase: number, now: number): number {
  const at = batch.count++
  batch.start[at] = known.start[row]!
  batch.end[at] = Math.max(now, known.start[row]!)
  for (let word = 0; word < 4; word++) {
    batch.source[4 * at + word] = known.source[4 * row + word]!
    batch.target[4 * at + word] = known.target[4 * row + word]!
  }
  batch.sourcePort[at] = known.sourcePort[row]!
  batch.targetPort[at] = known.targetPort[row]!
  batch.proto[at] = known.proto[row]!
  batch.phase[at] = phase
  batch.marks[at] = known.marks[row]!
  batch.sourceWorkload[at] = -1
  batch.targetWorkload[at] = -1
  batch.service[at] = 0
  return at
}
