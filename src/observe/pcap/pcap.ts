/**
 * A packet capture comes in (pcap or pcapng, plain or gzip, from a file or a stream), batches of whole conversations go
 * out with hints beside them: names asked for, TLS clients, requests, log-ins. Memory is bounded by the tables of the
 * assembler, not by the size of the capture; a capture that breaks off keeps what was read before.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { createFlowBatch, type FlowBatch } from '../../model/flow.ts'
import { type Hint, MAX_HINTS } from '../../model/hint.ts'
import { DecodeError } from '../reader.ts'
import { createSourceCounters, type FlowSource, refuse, type ServiceNames } from '../source.ts'
import type { Conn } from './conn.ts'
import type { Talk } from './dissect/talk.ts'
import { createTalks } from './dissect/talks.ts'
import { addFlow } from './flow-rows.ts'
import type { FlowTable } from './flow-table.ts'
import type { Checksums } from './network.ts'
import { createPacketReader, type PacketCounts } from './packets.ts'

/** A name for messages, and the bytes; nothing is kept of a chunk once the next one is asked for. */
export type CaptureBytes = { readonly name: string; readonly chunks: AsyncIterable<Uint8Array> }

export type PcapSource = FlowSource & {
  /** What became of the packets so far. */
  readonly packets: Readonly<PacketCounts>
}

const BATCH_ROWS = 4_096
const CHUNK_BYTES = 1 << 18

export function createPcapSource(options: {
  /** A path (`.gz` by its magic number), or bytes from elsewhere. */
  readonly from: string | CaptureBytes
  readonly services: ServiceNames
  /** Hosts that offload checksums capture packets with wrong ones; `ignored` unless said otherwise. */
  readonly checksums?: Checksums
  readonly maxConns?: number
}): PcapSource {
  const counters = createSourceCounters()
  const input = typeof options.from === 'string' ? { name: options.from, chunks: readFile(options.from) } : options.from
  const outbox = createOutbox()
  const reader = createPacketReader<Talk>({
    sink: (table) => {
      const talks = createTalks({ services: options.services, table, emit: outbox.tell })
      return {
        payload: talks.payload,
        ended(conn) {
          talks.ended(conn)
          outbox.add(conn, table)
          counters.rows++
        },
      }
    },
    checksums: options.checksums ?? 'ignored',
    ...(options.maxConns === undefined ? {} : { maxConns: options.maxConns }),
    refused: (why, offset) => refuse(counters, { file: input.name, offset }, why),
  })
  return {
    name: 'pcap',
    counters,
    packets: reader.counts,
    async *batches(signal) {
      try {
        for await (const chunk of input.chunks) {
          if (signal.aborted) break
          reader.capture.push(chunk)
          counters.read = reader.counts.packets
          for (const batch of outbox.takeFull()) {
            yield inOrder(batch)
            outbox.reuse(batch)
          }
        }
        const rest = signal.aborted ? null : reader.capture.end()
        if (rest !== null) refuse(counters, { file: input.name }, rest)
      } catch (error) {
        const at = error instanceof DecodeError ? { offset: error.offset } : {}
        refuse(counters, { file: input.name, ...at }, `reading stopped: ${(error as Error).message}`)
      }
      counters.read = reader.counts.packets
      reader.assembler.finish()
      for (const batch of outbox.takeAll()) yield inOrder(batch)
    },
  }
}

type Outbox = {
  add(conn: Conn<Talk>, table: FlowTable): void
  tell(hint: Hint): void
  takeFull(): FlowBatch[]
  /** What is left, too; none of them empty. */
  takeAll(): FlowBatch[]
  /** The consumer is done with it. */
  reuse(batch: FlowBatch): void
}

function createOutbox(): Outbox {
  const full: FlowBatch[] = []
  const spare: FlowBatch[] = []
  let batch = createFlowBatch(BATCH_ROWS)
  const nextBatch = () => {
    full.push(batch)
    batch = spare.pop() ?? createFlowBatch(BATCH_ROWS)
  }
  return {
    add(conn, table) {
      if (batch.count === BATCH_ROWS) nextBatch()
      addFlow(batch, conn, table)
    },
    tell(hint) {
      if (batch.hints.length >= MAX_HINTS) nextBatch()
      batch.hints.push(hint)
    },
    takeFull: () => full.splice(0),
    takeAll() {
      nextBatch()
      return full.splice(0).filter((one) => one.count > 0 || one.hints.length > 0)
    },
    reuse(done) {
      done.count = 0
      done.hints.length = 0
      spare.push(done)
    },
  }
}

/** A hint is told when its answer has come, or not: later ones may have been told before it. */
function inOrder(batch: FlowBatch): FlowBatch {
  batch.hints.sort((a, b) => a.at - b.at)
  return batch
}

/** Gzip is known by its magic number, not by its name. */
async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path)
  const magic = new Uint8Array(2)
  try {
    await file.read(magic, 0, 2, 0)
  } finally {
    await file.close()
  }
  const raw = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    yield* raw as AsyncIterable<Buffer>
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
