/**
 * Zeek conn logs come in (TSV or JSON lines, plain or gzip; files, folders, folders of hourly files), batches of whole
 * flows go out in the order of time. Files that overlap are read side by side. Memory is bounded by the number of files
 * open at once, not by their size.
 */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { createFlowBatch, type FlowBatch, type SourceCounters } from '../../model/flow.ts'
import { createSourceCounters, type FlowSource, refuse, type ServiceNames } from '../source.ts'
import { createLines } from './lines.ts'
import { mergeByTime } from './merge-by-time.ts'
import { type FoundLog, findZeekLogs } from './zeek-files.ts'
import { createZeekRows, type Refused } from './zeek-rows.ts'

export type ZeekSource = FlowSource & {
  /** Other logs beside the conn logs, passed over: kind → how many. Filled once reading has begun. */
  readonly skipped: ReadonlyMap<string, number>
  /** Files that were conn logs. */
  readonly files: number
}

const BATCH_ROWS = 4_096
const CHUNK_BYTES = 1 << 18

export function createZeekSource(options: {
  readonly paths: readonly string[]
  readonly services: ServiceNames
}): ZeekSource {
  const counters = createSourceCounters()
  const skipped = new Map<string, number>()
  let files = 0
  return {
    name: 'zeek',
    counters,
    skipped,
    get files() {
      return files
    },
    async *batches(signal) {
      const found = await findZeekLogs(options.paths)
      for (const [kind, n] of found.skipped) skipped.set(kind, n)
      for (const { path, why } of found.refused) refuse(counters, { file: path }, why)
      files = found.files.length
      yield* mergeByTime(
        found.files.map((file) => ({
          firstMs: file.firstMs,
          open: () => readLog(file, options.services, counters, signal),
        })),
      )
    },
  }
}

async function* readLog(
  file: FoundLog,
  services: ServiceNames,
  counters: SourceCounters,
  signal: AbortSignal,
): AsyncGenerator<FlowBatch> {
  const rows = createZeekRows(services)
  const lines = createLines()
  const full: FlowBatch[] = []
  let batch = createFlowBatch(BATCH_ROWS)
  let given: Refused = null
  let bytesRead = 0
  const at = (line: number, offset: number) => ({ file: file.path, line, offset })
  const take = (bytes: Buffer, from: number, to: number, number: number, offset: number) => {
    if (given !== null) return
    counters.read++
    const before = batch.count
    const refused = rows.take(batch, bytes, from, to)
    counters.rows += batch.count - before
    if (refused !== null) {
      refuse(counters, at(number, offset), refused.why)
      if (refused.scope === 'file') given = refused
    }
    if (batch.count < BATCH_ROWS) return
    full.push(batch)
    batch = createFlowBatch(BATCH_ROWS)
  }
  try {
    for await (const chunk of openBytes(file)) {
      if (signal.aborted || given !== null) break
      bytesRead += chunk.length
      lines.push(chunk, take, (number, offset) => refuse(counters, at(number, offset), 'a line of over 64 kB'))
      for (const done of full.splice(0)) yield done
    }
  } catch (error) {
    refuse(counters, { file: file.path, offset: bytesRead }, `reading stopped: ${(error as Error).message}`)
  }
  lines.end(take)
  full.push(batch)
  for (const done of full) if (done.count > 0) yield done
}

async function* openBytes(file: FoundLog): AsyncGenerator<Buffer> {
  const raw = createReadStream(file.path, { highWaterMark: CHUNK_BYTES })
  if (!file.isGzip) {
    yield* raw
    return
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  raw.on('error', (error) => gunzip.destroy(error))
  try {
    yield* raw.pipe(gunzip)
  } finally {
    raw.destroy()
  }
}
