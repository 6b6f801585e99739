/**
 * Child of the ingest bench: a collector. `ours` is the whole product from datagrams or files to scores; `netflowv9` is
 * node-netflowv9, which decodes and no more. Answers `stats` with what it has had, `read PATH` when a file has been read.
 */
import { createRequire } from 'node:module'
import { createUdpSource } from '../../src/observe/ingest/udp-source.ts'
import { createServiceNames } from '../../src/observe/source.ts'
import { createFileSource } from '../../src/observe/sources/open.ts'
import { createPipeline } from './pipeline.ts'

export type CollectorOrder = { readonly kind: 'stats' } | { readonly kind: 'read'; readonly path: string }
export type CollectorStats = {
  readonly flows: number
  readonly rows: number
  readonly beliefs: number
  readonly evidence: number
  /** Datagrams the kernel dropped; flows that sequences say are missing. */
  readonly dropped: number
  readonly lost: number
  readonly refused: number
  /** Of this process, for a read. */
  readonly cpuSeconds: number
}

const [which, port] = [process.argv[2]!, Number(process.argv[3])]
const NETWORKS = ['10.20.0.0/16']
const NONE = { flows: 0, rows: 0, beliefs: 0, evidence: 0, dropped: 0, lost: 0, refused: 0, cpuSeconds: 0 }

process.on('disconnect', () => process.exit(0))
if (which === 'ours') await collect()
else if (which === 'netflowv9') collectPeer()
else serve(() => NONE)

async function collect(): Promise<void> {
  const services = createServiceNames()
  const pipeline = createPipeline(services, NETWORKS)
  const source = createUdpSource({ address: '127.0.0.1', port, exporters: [], services })
  const { done } = pipeline
  serve(() => ({
    ...NONE,
    flows: source.decoder.figures.flows,
    rows: done.rows,
    beliefs: done.beliefs,
    evidence: done.evidence,
    dropped: source.figures.dropped,
    lost: source.counters.lost,
    refused: source.counters.refused,
  }))
  for await (const batch of source.batches(new AbortController().signal)) pipeline.take(batch, Date.now())
}

function collectPeer(): void {
  const Collector = createRequire(import.meta.url)('node-netflowv9') as (
    take: (packet: { flows: unknown[] }) => void,
  ) => { listen(port: number, host: string): void }
  let flows = 0
  Collector((packet) => {
    flows += packet.flows.length
  }).listen(port, '127.0.0.1')
  serve(() => ({ ...NONE, flows }))
}

function serve(stats: () => CollectorStats): void {
  process.on('message', (order: CollectorOrder) => {
    if (order.kind === 'stats') process.send!(stats())
    else void read(order.path).then((answer) => process.send!(answer))
  })
  process.send!('ready')
}

async function read(path: string): Promise<CollectorStats> {
  const services = createServiceNames()
  const pipeline = createPipeline(services, NETWORKS)
  const source = createFileSource({ paths: [path], services })
  const before = process.cpuUsage()
  for await (const batch of source.batches(new AbortController().signal))
    pipeline.take(batch, batch.count === 0 ? 0 : batch.end[batch.count - 1]!)
  const { user, system } = process.cpuUsage(before)
  const { done } = pipeline
  return {
    ...NONE,
    // Lines: of EVE's events not all are flows.
    flows: source.counters.read,
    rows: done.rows,
    beliefs: done.beliefs,
    evidence: done.evidence,
    refused: source.counters.refused,
    cpuSeconds: (user + system) / 1e6,
  }
}
