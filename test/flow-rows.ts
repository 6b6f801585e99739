/** Batches of flow rows for tests, from what matters in each. */
import assert from 'node:assert/strict'
import { parseAddress } from '../src/model/address.ts'
import { createFlowBatch, type FlowBatch, type FlowState, Mark, Phase, Proto, stateCode } from '../src/model/flow.ts'

export type FlowRow = {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly port?: number
  readonly sourcePort?: number
  readonly proto?: keyof typeof Proto
  readonly lastsMs?: number
  readonly out?: number
  readonly in?: number
  readonly state?: FlowState
  readonly phase?: keyof typeof Phase
  readonly marks?: number
}

/** TCP to port 80 that succeeds, 100 bytes each way, unless said otherwise. */
export function flowRows(rows: readonly FlowRow[]): FlowBatch {
  const batch = createFlowBatch(Math.max(1, rows.length))
  for (const row of rows) put(batch, row)
  return batch
}

function put(batch: FlowBatch, row: FlowRow): void {
  const at = batch.count++
  const source = parseAddress(row.from)
  const target = parseAddress(row.to)
  assert.ok(source !== null && target !== null, `${row.from} ${row.to}`)
  const state = row.state ?? 'SF'
  const failed = state === 'S0' || state === 'REJ'
  batch.start[at] = row.at
  batch.end[at] = row.at + (row.lastsMs ?? 0)
  batch.source.set(source, at * 4)
  batch.target.set(target, at * 4)
  batch.sourcePort[at] = row.sourcePort ?? 40_000
  batch.targetPort[at] = row.port ?? 80
  batch.proto[at] = Proto[row.proto ?? 'tcp']
  batch.bytesOut[at] = row.out ?? 100
  batch.bytesIn[at] = row.in ?? (failed ? 0 : 100)
  batch.packetsOut[at] = 1
  batch.packetsIn[at] = batch.bytesIn[at]! > 0 ? 1 : 0
  batch.phase[at] = Phase[row.phase ?? 'whole']
  batch.state[at] = stateCode[state]
  batch.marks[at] = row.marks ?? (failed ? 0 : Mark.handshake)
}
