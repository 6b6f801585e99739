/** A finished conversation of the assembler as one whole row of a batch. */
import { type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'
import { type Conn, stateOf } from './conn.ts'
import type { FlowTable } from './flow-table.ts'

/** Handshake seen to its end. */
const SHAKEN: ReadonlySet<number> = new Set(
  (['S1', 'SF', 'S2', 'S3', 'RSTO', 'RSTR'] as const).map((name) => stateCode[name]),
)

/** Appends to the batch, which has room. */
export function addFlow(batch: FlowBatch, conn: Conn<unknown>, table: FlowTable): void {
  const row = batch.count++
  const state = stateOf(conn)
  batch.start[row] = conn.startMs
  batch.end[row] = conn.lastMs
  table.copyAddress(conn.slot, conn.isClientFirst ? 'first' : 'second', batch.source, row * 4)
  table.copyAddress(conn.slot, conn.isClientFirst ? 'second' : 'first', batch.target, row * 4)
  batch.sourcePort[row] = conn.clientPort
  batch.targetPort[row] = conn.serverPort
  batch.proto[row] = conn.proto
  batch.bytesOut[row] = conn.ipBytesOut
  batch.bytesIn[row] = conn.ipBytesIn
  batch.packetsOut[row] = conn.packetsOut
  batch.packetsIn[row] = conn.packetsIn
  batch.phase[row] = Phase.whole
  batch.state[row] = state
  const isShaken = conn.proto === Proto.tcp ? SHAKEN.has(state) : conn.packetsOut > 0 && conn.packetsIn > 0
  batch.marks[row] = isShaken ? Mark.handshake : 0
  batch.sourceWorkload[row] = -1
  batch.targetWorkload[row] = -1
  batch.service[row] = conn.service
}
