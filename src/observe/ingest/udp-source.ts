/**
 * Ingest takes flow datagrams off the network: NetFlow v5, v9 and IPFIX over UDP come in, batches of flow columns go out.
 * Only exporters on the list are decoded; what the kernel dropped, what was refused and what an exporter's sequence says is
 * missing are counted apart. A socket is emptied at a pace: records are seconds old when they are sent, so a few
 * milliseconds more cost nothing, and each wake-up then brings many datagrams.
 */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { createFlowBatch, type FlowBatch } from '../../model/flow.ts'
import { TICK_MS } from '../../model/window.ts'
import { createNetflowDecoder, DATAGRAM_ROWS, type NetflowDecoder } from '../netflow/decoder.ts'
import { createPairing } from '../netflow/pairing.ts'
import { createSumming } from '../netflow/summing.ts'
import { createServiceNames, createSourceCounters, type FlowSource, refuse, type ServiceNames } from '../source.ts'
import { openDgramSocket } from './dgram-socket.ts'
import { createExporters, type Exporter } from './exporters.ts'
import { hasManyAtOnce, openUdpSocket } from './udp-socket.ts'
import type { Wire } from './wire.ts'

export type UdpSpec = {
  readonly address: string
  /** 0 = any free one: see `port`. */
  readonly port: number
  /** CIDRs that may send; empty = loopback only. */
  readonly exporters: readonly string[]
  readonly services?: ServiceNames
  /** `dgram` = through Node even where the quicker way is there. */
  readonly through?: 'quickest' | 'dgram'
  readonly bufferBytes?: number
  readonly clock?: () => number
}

export type UdpSource = FlowSource & {
  /** Null until it listens. */
  readonly port: number | null
  readonly figures: UdpFigures
  readonly decoder: NetflowDecoder
  exporters(): readonly Exporter[]
}

export type UdpFigures = {
  through: 'recvmmsg' | 'dgram' | null
  datagrams: number
  /** Datagrams the kernel had no room for; their flows are missing in the exporters' sequences, too (`counters.lost`). */
  dropped: number
  /** Datagrams of senders who are not on the list, and of allowed ones beyond the table's bound. */
  strangers: number
  crowded: number
  /** ms from the end of the newest flow to now. */
  lagMs: number | null
  bufferBytes: number
}

/** As root; else up to net.core.rmem_max. The kernel doubles it for its bookkeeping: 110,000 full datagrams, 4 s at 0.8 M flows/s. */
const BUFFER_BYTES = 128 << 20
const BATCH_ROWS = 2 * DATAGRAM_ROWS
/** While datagrams come; a socket of 4 MB (the usual rmem_max) fills in ten times that at 0.8 M flows/s. */
const PACE_MS = 5
const IDLE_PACE_MS = 25
/** So many empty drains in a row are idleness. */
const IDLE_AFTER = 40
/** recvmmsg calls before timers and other sources have their turn. */
const DRAINS_PER_TURN = 16
const LOOK_MS = 1_000
/** Conversations of which one direction waits for the other: exporters send both within seconds. */
const PAIRED = 1 << 16
/** Channels watched for being busy, 90 bytes each. */
const CHANNELS = 1 << 16
const PAIR_WAIT_MS = 5_000
const SPARES = 4
/** A clock that is off by more shifts what its flows say of time; whole seconds are all that a header tells. */
const SKEW_LEFT_MS = 5_000

export function createUdpSource(spec: UdpSpec): UdpSource {
  const counters = createSourceCounters()
  const clock = spec.clock ?? Date.now
  const exporters = createExporters(spec.exporters)
  const pairing = createSumming(createPairing(PAIRED), CHANNELS)
  const decoder = createNetflowDecoder({ services: spec.services ?? createServiceNames(), counters, pairing })
  const figures: UdpFigures = {
    through: null,
    datagrams: 0,
    dropped: 0,
    strangers: 0,
    crowded: 0,
    lagMs: null,
    bufferBytes: 0,
  }
  const named = new Set<string>()
  let port: number | null = null
  let now = 0
  let batch = createFlowBatch(BATCH_ROWS)
  /** One drain can bring more than a batch holds; mostly it does not. */
  const full: FlowBatch[] = []
  const spare: FlowBatch[] = []

  const look = (wire: Wire) => {
    figures.dropped = wire.dropped
    figures.bufferBytes = wire.bufferBytes
  }
  const nameStrangers = () => {
    if (figures.strangers === exporters.strangers) return
    counters.refused += exporters.strangers - figures.strangers
    figures.strangers = exporters.strangers
    for (const { name, isAllowed } of exporters.known()) {
      if (isAllowed || named.has(name) || named.size >= 20) continue
      named.add(name)
      counters.refused--
      refuse(counters, { file: name }, `not on the list of exporters: allow it with exporter=${name}`)
    }
  }
  const take = (bytes: Buffer, from: number, to: number, sender: Uint32Array) => {
    figures.datagrams++
    const exporter = exporters.admit(sender, now)
    if (exporter === null) return
    if (batch.capacity - batch.count < DATAGRAM_ROWS) {
      full.push(batch)
      batch = spare.pop() ?? createFlowBatch(BATCH_ROWS)
    }
    const refused = counters.refused
    rightClock(exporter, bytes, from, to, now)
    decoder.decode(bytes, from, to, exporter.name, now, batch)
    exporter.refused += counters.refused - refused
  }

  return {
    name: `netflow:${spec.address.includes(':') ? `[${spec.address}]` : spec.address}:${spec.port}`,
    counters,
    figures,
    decoder,
    get port() {
      return port
    },
    exporters: () => exporters.known(),
    batches: (signal) => run(signal),
  }

  /** What has waited for its other direction for long enough. */
  function* alone(untilMs: number): Generator<FlowBatch> {
    while (!decoder.release(untilMs, batch)) {
      yield told(batch)
      cleared(batch)
    }
  }

  function told(one: FlowBatch): FlowBatch {
    figures.lagMs = Math.max(0, now - one.end[one.count - 1]!)
    return one
  }

  async function* run(signal: AbortSignal): AsyncGenerator<FlowBatch> {
    const options = { address: spec.address, port: spec.port, bufferBytes: spec.bufferBytes ?? BUFFER_BYTES }
    const wire = spec.through !== 'dgram' && hasManyAtOnce() ? openUdpSocket(options) : await openDgramSocket(options)
    port = wire.port
    figures.through = wire.kind
    let empty = 0
    let lookedAt = Number.NEGATIVE_INFINITY
    let drains = 0
    try {
      while (!signal.aborted) {
        now = clock()
        const { datagrams, isEmpty } = wire.drain(take)
        // A tick that is over is told at once, before anybody closes it.
        if (now - lookedAt >= LOOK_MS || Math.floor(now / TICK_MS) !== Math.floor(lookedAt / TICK_MS)) {
          lookedAt = now
          look(wire)
          nameStrangers()
          yield* alone(now - PAIR_WAIT_MS)
          figures.crowded = exporters.crowded
        }
        empty = datagrams === 0 ? empty + 1 : 0
        for (const one of full.splice(0)) {
          yield told(one)
          if (spare.length < SPARES) spare.push(cleared(one))
        }
        if (isEmpty && batch.count > 0) {
          yield told(batch)
          cleared(batch)
        }
        if (isEmpty) {
          drains = 0
          await wait(empty > IDLE_AFTER ? IDLE_PACE_MS : PACE_MS, undefined, { signal }).catch(() => {})
        } else if (++drains % DRAINS_PER_TURN === 0) await turn()
      }
    } finally {
      look(wire)
      nameStrangers()
      wire.close()
      port = null
    }
  }
}

function cleared(batch: FlowBatch): FlowBatch {
  batch.count = 0
  batch.hints.length = 0
  return batch
}

/** Where the header tells the time of export, in epoch seconds: version 5 and 9 (RFC 3954 §5.1), 10 is IPFIX (RFC 7011 §3.1). */
function exportMs(bytes: Buffer, from: number, to: number): number {
  if (to - from < 16) return Number.NaN
  const version = bytes.readUInt16BE(from)
  if (version !== 5 && version !== 9 && version !== 10) return Number.NaN
  return bytes.readUInt32BE(from + (version === 10 ? 4 : 8)) * 1_000
}

/**
 * An exporter whose clock is off by more than a little is put right: NetFlow tells times relative to its header's (v5, v9),
 * so that is set to ours. It is set by the same amount for as long as it is off by the same: a header has whole seconds only.
 */
function rightClock(exporter: Exporter, bytes: Buffer, from: number, to: number, now: number): void {
  const said = exportMs(bytes, from, to)
  if (Number.isNaN(said)) return
  exporter.skewMs = said - now
  if (Math.abs(exporter.skewMs + exporter.shiftMs) > SKEW_LEFT_MS)
    exporter.shiftMs = Math.abs(exporter.skewMs) > SKEW_LEFT_MS ? -Math.round(exporter.skewMs / 1_000) * 1_000 : 0
  if (exporter.shiftMs !== 0 && bytes[from + 1] !== 10)
    bytes.writeUInt32BE(Math.max(0, said + exporter.shiftMs) / 1_000, from + 8)
}
