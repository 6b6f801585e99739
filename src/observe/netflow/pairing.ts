/**
 * Exporters tell each direction of a conversation by itself. Rows of one direction come in, rows of whole conversations go
 * out: both halves as one row where both arrive in time, a half alone where its other half does not.
 */
import type { FlowBatch } from '../../model/flow.ts'

export type Pairing = {
  /** Halves that wait for their other half. */
  readonly waiting: number
  /**
   * Takes rows of `from`, beginning with `row`, until `to` is full or `from` is at its end; returns the next row to take.
   * What is complete, too old or too much is appended to `to`.
   */
  take(from: FlowBatch, row: number, to: FlowBatch): number
  /** Appends halves that have waited since before `untilMs` (arrival); true when none such is left, false when `to` is full. */
  release(untilMs: number, to: FlowBatch): boolean
}

export type PairingOptions = {
  /** Halves kept at most; the oldest goes out alone beyond it. */
  readonly capacity: number
}
