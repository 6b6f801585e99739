/** Where every text format's row is checked and written: what no flow can have is refused, and the marks follow from the outcome. */
import { type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'
import { type Refused, refusedLine } from './line-rows.ts'

/** What a row is made of beside its addresses, which are in the columns of row `batch.count` already. */
export type RawRow = {
  /** epoch ms */
  readonly startMs: number
  readonly durationMs: number
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
  readonly service: number
  readonly state: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly packetsOut: number
  readonly packetsIn: number
}

/** Handshake seen to its end, by conn_state; UDP and ICMP count when answered. */
const SHAKEN = new Set((['S1', 'SF', 'S2', 'S3', 'RSTO', 'RSTR'] as const).map((name) => stateCode[name]))
/** Epoch ms; a time beyond the year 2200 is a broken line, and would drag the clock along. */
export const LATEST_MS = 7_258_118_400_000

export function fillRow(batch: FlowBatch, raw: RawRow): Refused {
  if (!(raw.startMs >= 0 && raw.startMs < LATEST_MS)) return refusedLine('the time of its start is no time')
  if (!(raw.sourcePort <= 65_535 && raw.targetPort <= 65_535)) return refusedLine('a port is no port')
  const sum = raw.durationMs + raw.bytesOut + raw.bytesIn + raw.packetsOut + raw.packetsIn
  if (!(sum >= 0 && sum < Number.MAX_SAFE_INTEGER)) return refusedLine('a count or the duration is no number')
  const row = batch.count
  batch.start[row] = raw.startMs
  batch.end[row] = raw.startMs + raw.durationMs
  batch.sourcePort[row] = raw.sourcePort
  batch.targetPort[row] = raw.targetPort
  // Zeek and Suricata write `icmp` for both families.
  batch.proto[row] = raw.proto === Proto.icmp && batch.source[row * 4 + 2] !== 0xffff ? Proto.icmp6 : raw.proto
  batch.bytesOut[row] = raw.bytesOut
  batch.bytesIn[row] = raw.bytesIn
  batch.packetsOut[row] = Math.min(raw.packetsOut, 0xffffffff)
  batch.packetsIn[row] = Math.min(raw.packetsIn, 0xffffffff)
  batch.phase[row] = Phase.whole
  batch.state[row] = raw.state
  batch.marks[row] = (raw.proto === Proto.tcp ? SHAKEN.has(raw.state) : raw.bytesIn > 0) ? Mark.handshake : 0
  batch.sourceWorkload[row] = -1
  batch.targetWorkload[row] = -1
  batch.service[row] = raw.service
  batch.count++
  return null
}
