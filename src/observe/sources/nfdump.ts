/**
 * A file of nfcapd comes in, read by the nfdump program where it is installed; batches of conversations go out. Its records
 * are of one direction each: halves are put together as those of a NetFlow exporter are.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createFlowBatch, type FlowBatch, type SourceCounters } from '../../model/flow.ts'
import { createPairing } from '../netflow/pairing.ts'
import { createBeside } from '../netflow/records.ts'
import { createSourceCounters, refuse } from '../source.ts'
import { createNfdumpRows, NFDUMP_FORMAT } from './nfdump-rows.ts'
import { readLines } from './read-lines.ts'

const CURE = 'install it: apt-get install nfdump'
const PAIRING_SLOTS = 1 << 16
/** Event time that a half waits for its other half. */
const WAIT_MS = 60_000
const MAX_ERROR_BYTES = 2_000

export type NfdumpReading = { readonly batches: AsyncIterable<FlowBatch>; readonly counters: SourceCounters }

/** `program` is the name or path of nfdump. */
export function readNfdump(path: string, signal: AbortSignal, program = 'nfdump'): NfdumpReading {
  const counters = createSourceCounters()
  return { counters, batches: pairHalves(path, counters, signal, program) }
}

async function* pairHalves(
  path: string,
  counters: SourceCounters,
  signal: AbortSignal,
  program: string,
): AsyncGenerator<FlowBatch> {
  const pairing = createPairing(PAIRING_SLOTS)
  const beside = createBeside(BATCH_ROWS)
  const rows = createNfdumpRows()
  const halves = createSourceCounters()
  const bytes = runNfdump(path, counters, signal, program)
  let conversations = 0
  let now = 0
  for await (const batch of readLines({ path, bytes, rows, counters: halves, signal })) {
    for (let row = 0; row < batch.count; row++) {
      now = Math.max(now, batch.start[row]!)
      beside.flags[row] = batch.marks[row]!
      batch.marks[row] = 0
    }
    const whole = createFlowBatch(BATCH_ROWS)
    pairing.take(batch, beside, now, whole)
    conversations += whole.count
    if (whole.count > 0) yield whole
    for (const late of released(pairing, now - WAIT_MS)) {
      conversations += late.count
      yield late
    }
  }
  for (const late of released(pairing, Number.POSITIVE_INFINITY)) {
    conversations += late.count
    yield late
  }
  counters.read += halves.read
  counters.rows += conversations
  counters.refused += halves.refused
  counters.refusals.push(...halves.refusals)
}

/** As `readLines` makes them. */
const BATCH_ROWS = 4_096

function* released(pairing: ReturnType<typeof createPairing>, untilMs: number): Generator<FlowBatch> {
  for (;;) {
    const batch = createFlowBatch(BATCH_ROWS)
    const isDone = pairing.release(untilMs, batch)
    if (batch.count > 0) yield batch
    if (isDone) return
  }
}

/** What nfdump prints. Its times are local ones: it is told that local is UTC. */
async function* runNfdump(
  path: string,
  counters: SourceCounters,
  signal: AbortSignal,
  program: string,
): AsyncGenerator<Buffer> {
  // An absolute path never looks like an option.
  const child = spawn(program, ['-r', resolve(path), '-q', '-N', '-6', '-o', NFDUMP_FORMAT], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', TZ: 'UTC', LC_ALL: 'C' },
    signal,
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < MAX_ERROR_BYTES) complaint += chunk.toString('latin1')
  })
  const ended = once(child, 'close').then(
    ([code]) => (code === 0 ? null : `nfdump ended with ${code}: ${complaint.trim()}`),
    (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT'
        ? `nfdump files are read by the nfdump program, which is not installed; ${CURE}`
        : error.message,
  )
  try {
    yield* child.stdout
    const why = await ended
    if (why !== null && !signal.aborted) refuse(counters, { file: path }, why)
  } finally {
    child.kill()
  }
}
