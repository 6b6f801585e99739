/** One flow's packets through this namespace's rules for a while: marks them, listens, and takes the mark away again. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { readTraceLine, type TracedFlow, type TraceLine, traceTable } from '../compile/trace.ts'
import { command } from './step.ts'

const PREFIX = 'guise_trace_'
/** The monitor says nothing when it is ready; this is how long it takes to subscribe, several times over. */
const READY_MS = 150
/** Lines still under way when the time is up. */
const DRAIN_MS = 150
const OUTLIVES_S = 10

/** Ends after `seconds`, or with `signal`; `ready` is called when packets are marked. Throws when nft cannot be asked. */
export async function traceFlow(
  flow: TracedFlow,
  seconds: number,
  signal: AbortSignal,
  seen: (line: TraceLine) => void,
  ready: () => void = () => {},
): Promise<void> {
  await removeStale()
  const name = `${PREFIX}${process.pid}`
  // Under timeout(1): when we are killed, the monitor must not stay behind for ever.
  const most = String(Math.ceil(seconds) + OUTLIVES_S)
  const monitor = spawn('timeout', [most, 'nft', 'monitor', 'trace'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  let isDone = false
  monitor.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < 500) complaint += chunk.toString('utf8')
  })
  const ended = new Promise<void>((resolve, reject) => {
    monitor.on('error', (error) => reject(new Error(`nft did not start: ${error.message}`)))
    monitor.on('close', (code) =>
      isDone || code === 0 || code === null
        ? resolve()
        : reject(new Error(`nft monitor trace ended with ${code}: ${complaint.trim()}`)),
    )
  })
  createInterface({ input: monitor.stdout }).on('line', (text) => {
    const line = readTraceLine(text)
    if (line !== null && !line.table.includes(PREFIX)) seen(line)
  })
  try {
    await Promise.race([ended, pause(READY_MS, signal)])
    await command('nft', ['-f', '-'], traceTable(name, flow, Math.ceil(seconds)))
    ready()
    await Promise.race([ended, pause(seconds * 1_000, signal)])
    await pause(DRAIN_MS, new AbortController().signal)
  } finally {
    isDone = true
    monitor.kill()
    await command('nft', ['delete', 'table', 'inet', name]).catch(() => {})
  }
  await ended
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Tables of tracers that were killed: they match nothing any more, but they are ours to remove. */
async function removeStale(): Promise<void> {
  const tables = await command('nft', ['list', 'tables', 'inet'])
  for (const [, name, pid] of tables.matchAll(/^table inet (guise_trace_(\d+))$/gm))
    if (!existsSync(`/proc/${pid}`)) await command('nft', ['delete', 'table', 'inet', name!]).catch(() => {})
}
