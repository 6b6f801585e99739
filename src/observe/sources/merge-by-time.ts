/** Several logs that overlap in time, as one stream in the order of time: what is earliest goes first, rows and hints alike. */
import { copyFlow, createFlowBatch, type FlowBatch } from '../../model/flow.ts'

export type TimedLog = { readonly firstMs: number; open(): AsyncIterator<FlowBatch> }

/** Logs open at once; what overlaps beyond that waits for one to end, and comes late. */
const MAX_OPEN = 64
/** A log is opened a little before the clock reaches it. */
const AHEAD_MS = 60_000
const BATCH_ROWS = 4_096

type Lane = { readonly rows: AsyncIterator<FlowBatch>; batch: FlowBatch; row: number; hint: number }

/** `logs` in the order of `firstMs`. While only one is open its batches pass through untouched. */
export async function* mergeByTime(logs: readonly TimedLog[]): AsyncGenerator<FlowBatch> {
  const lanes: Lane[] = []
  let next = 0
  const openNext = async () => {
    const lane: Lane = { rows: logs[next++]!.open(), batch: createFlowBatch(0), row: 0, hint: 0 }
    if (await refill(lane)) lanes.push(lane)
  }
  const advance = async (lane: Lane) => {
    if (!(await refill(lane))) lanes.splice(lanes.indexOf(lane), 1)
  }
  let out = createFlowBatch(BATCH_ROWS)
  for (;;) {
    while (lanes.length === 0 && next < logs.length) await openNext()
    if (lanes.length === 0) break
    const first = earliest(lanes)
    const horizon = lanes.length === 1 ? latest(first) : headOf(first)
    while (next < logs.length && lanes.length < MAX_OPEN && logs[next]!.firstMs <= horizon + AHEAD_MS) await openNext()
    const lane = lanes.length === 1 ? lanes[0]! : earliest(lanes)
    const isWhole = lane.row === 0 && lane.hint === 0
    if (lanes.length === 1 && (out.count > 0 || out.hints.length > 0) && isWhole) {
      yield out
      out = createFlowBatch(BATCH_ROWS)
    }
    if (lanes.length === 1 && isWhole) yield lane.batch
    else moveUntil(lane, lanes.length === 1 ? Number.POSITIVE_INFINITY : nextHead(lanes, lane), out)
    if (lanes.length === 1 && isWhole) await advance(lane)
    else if (isSpent(lane)) await advance(lane)
    if (out.count < BATCH_ROWS && out.hints.length < BATCH_ROWS) continue
    yield out
    out = createFlowBatch(BATCH_ROWS)
  }
  if (out.count > 0 || out.hints.length > 0) yield out
}

/** The next batch that holds anything; false at the end. */
async function refill(lane: Lane): Promise<boolean> {
  for (;;) {
    const more = await lane.rows.next()
    if (more.done === true) return false
    lane.batch = more.value
    lane.row = 0
    lane.hint = 0
    if (!isSpent(lane)) return true
  }
}

const isSpent = (lane: Lane) => lane.row >= lane.batch.count && lane.hint >= lane.batch.hints.length

/** Moves what is not later than `until`, at least one thing, while there is room. */
function moveUntil(lane: Lane, until: number, out: FlowBatch): void {
  do {
    const hint = lane.batch.hints[lane.hint]
    if (hint !== undefined && hint.at <= rowHead(lane)) {
      out.hints.push(hint)
      lane.hint++
    } else copyFlow(lane.batch, lane.row++, out)
  } while (!isSpent(lane) && headOf(lane) <= until && out.count < BATCH_ROWS && out.hints.length < BATCH_ROWS)
}

/** Logs are written when flows end, or sorted by their start; by start, neither a long flow nor its neighbours hold the clock up. */
const rowHead = (lane: Lane) => (lane.row < lane.batch.count ? lane.batch.start[lane.row]! : Number.POSITIVE_INFINITY)
const headOf = (lane: Lane) => Math.min(rowHead(lane), lane.batch.hints[lane.hint]?.at ?? Number.POSITIVE_INFINITY)

/** Of a batch that would pass through whole, the time of its last row or hint: what begins before that must be merged in. */
function latest({ batch }: Lane): number {
  const row = batch.count > 0 ? batch.start[batch.count - 1]! : Number.NEGATIVE_INFINITY
  return Math.max(row, batch.hints.at(-1)?.at ?? Number.NEGATIVE_INFINITY)
}

function earliest(lanes: readonly Lane[]): Lane {
  let best = lanes[0]!
  for (const lane of lanes) if (headOf(lane) < headOf(best)) best = lane
  return best
}

function nextHead(lanes: readonly Lane[], but: Lane): number {
  let next = Number.POSITIVE_INFINITY
  for (const lane of lanes) if (lane !== but) next = Math.min(next, headOf(lane))
  return next
}
