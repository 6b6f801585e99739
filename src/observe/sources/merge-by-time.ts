/** Several logs that overlap in time, as one stream in the order of time: rows of the earliest head go first. */
import { copyFlow, createFlowBatch, type FlowBatch } from '../../model/flow.ts'

export type TimedLog = { readonly firstMs: number; open(): AsyncIterator<FlowBatch> }

/** Logs open at once; what overlaps beyond that waits for one to end, and comes late. */
const MAX_OPEN = 64
/** A log is opened a little before the clock reaches it. */
const AHEAD_MS = 60_000
const BATCH_ROWS = 4_096

type Lane = { readonly rows: AsyncIterator<FlowBatch>; batch: FlowBatch; row: number }

/** `logs` in the order of `firstMs`. While only one is open its batches pass through untouched. */
export async function* mergeByTime(logs: readonly TimedLog[]): AsyncGenerator<FlowBatch> {
  const lanes: Lane[] = []
  let next = 0
  const openNext = async () => {
    const rows = logs[next++]!.open()
    const first = await rows.next()
    if (first.done !== true) lanes.push({ rows, batch: first.value, row: 0 })
  }
  const advance = async (lane: Lane) => {
    const more = await lane.rows.next()
    if (more.done === true) lanes.splice(lanes.indexOf(lane), 1)
    else Object.assign(lane, { batch: more.value, row: 0 })
  }
  let out = createFlowBatch(BATCH_ROWS)
  for (;;) {
    while (lanes.length === 0 && next < logs.length) await openNext()
    if (lanes.length === 0) break
    let lane = earliest(lanes)
    const horizon = lanes.length === 1 ? latest(lane) : headOf(lane)
    while (next < logs.length && lanes.length < MAX_OPEN && logs[next]!.firstMs <= horizon + AHEAD_MS) await openNext()
    if (lanes.length === 1) {
      lane = lanes[0]!
      if (out.count > 0) {
        yield out
        out = createFlowBatch(BATCH_ROWS)
      }
      if (lane.row === 0) yield lane.batch
      else {
        for (; lane.row < lane.batch.count; lane.row++) copyFlow(lane.batch, lane.row, out)
        yield out
        out = createFlowBatch(BATCH_ROWS)
      }
      await advance(lane)
      continue
    }
    lane = earliest(lanes)
    copyFlow(lane.batch, lane.row++, out)
    if (out.count === BATCH_ROWS) {
      yield out
      out = createFlowBatch(BATCH_ROWS)
    }
    if (lane.row >= lane.batch.count) await advance(lane)
  }
  if (out.count > 0) yield out
}

/** Logs are written when flows end, or sorted by their start; by start, neither a long flow nor its neighbours hold the clock up. */
const headOf = (lane: Lane) => lane.batch.start[lane.row]!

/** Of a batch that would pass through whole, its last row's time: what begins before that must be merged in. */
const latest = (lane: Lane) => lane.batch.start[lane.batch.count - 1]!

function earliest(lanes: readonly Lane[]): Lane {
  let best = lanes[0]!
  for (const lane of lanes) if (headOf(lane) < headOf(best)) best = lane
  return best
}
