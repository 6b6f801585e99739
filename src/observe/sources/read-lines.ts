/** A recorded text log in, batches out: every line goes through the format's `LineRows`, every refusal is counted with its place. */
import { createFlowBatch, type FlowBatch, type SourceCounters } from '../../model/flow.ts'
import { refuse } from '../source.ts'
import type { LineRows, Refused } from './line-rows.ts'
import { createLines } from './lines.ts'

const BATCH_ROWS = 4_096

export type LineLog = {
  readonly path: string
  readonly bytes: AsyncIterable<Buffer>
  readonly rows: LineRows
  readonly counters: SourceCounters
  readonly signal: AbortSignal
}

export async function* readLines({ path, bytes, rows, counters, signal }: LineLog): AsyncGenerator<FlowBatch> {
  const lines = createLines()
  const full: FlowBatch[] = []
  let batch = createFlowBatch(BATCH_ROWS)
  let given: Refused = null
  let bytesRead = 0
  const take = (chunk: Buffer, from: number, to: number, line: number, offset: number) => {
    if (given !== null) return
    counters.read++
    const before = batch.count
    const refused = rows.take(batch, chunk, from, to)
    counters.rows += batch.count - before
    if (refused !== null) {
      refuse(counters, { file: path, line, offset }, refused.why)
      if (refused.scope === 'file') given = refused
    }
    if (batch.count < BATCH_ROWS && batch.hints.length < BATCH_ROWS) return
    full.push(inOrder(batch))
    batch = createFlowBatch(BATCH_ROWS)
  }
  try {
    for await (const chunk of bytes) {
      if (signal.aborted || given !== null) break
      bytesRead += chunk.length
      lines.push(chunk, take, (line, offset) => refuse(counters, { file: path, line, offset }, 'a line of over 64 kB'))
      for (const done of full.splice(0)) yield done
    }
  } catch (error) {
    refuse(counters, { file: path, offset: bytesRead }, `reading stopped: ${(error as Error).message}`)
  }
  lines.end(take)
  full.push(inOrder(batch))
  for (const done of full) if (done.count > 0 || done.hints.length > 0) yield done
}

/** Logs are nearly in order of time; what rides on a batch must be. */
function inOrder(batch: FlowBatch): FlowBatch {
  const { hints } = batch
  for (let i = 1; i < hints.length; i++) {
    if (hints[i]!.at >= hints[i - 1]!.at) continue
    hints.sort((a, b) => a.at - b.at)
    break
  }
  return batch
}
