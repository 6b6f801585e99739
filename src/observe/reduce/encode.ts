/** Windows and conversations as they travel (model/wire.ts). The key names the workload, the id is the receiver's business. */
import type { WorkloadId } from '../../model/ids.ts'
import {
  BUCKETS,
  type Conversation,
  createWindow,
  HISTOGRAMS,
  REGISTERS,
  SKETCHES,
  SUMS,
  type Window,
} from '../../model/window.ts'
import { MAX_TALLY, type WireConversation, type WireWindow } from '../../model/wire.ts'

/** An exporter may say 2⁶⁴ bytes of one flow and that it samples: one tally too large, and the whole report is refused. */
const tally = (n: number): number => Math.min(MAX_TALLY, n)

export function encodeWindow(window: Window, key: string): WireWindow {
  return {
    key,
    start: window.start,
    spanMs: window.spanMs,
    sums: Array.from(window.sums, tally),
    histograms: Array.from(window.histograms, tally),
    registers: Buffer.from(window.registers).toString('base64'),
    peers: window.peers.map(({ peer, flows, bytesOut, bytesIn }) => ({
      peer,
      flows: tally(flows),
      bytesOut: tally(bytesOut),
      bytesIn: tally(bytesIn),
    })),
  }
}

/** null when the numbers or registers are not of this version's shape; the schema has already bounded the sizes. */
export function decodeWindow(wire: WireWindow, workload: WorkloadId): Window | null {
  const registers = Buffer.from(wire.registers, 'base64')
  if (
    wire.sums.length !== SUMS.length ||
    wire.histograms.length !== HISTOGRAMS.length * BUCKETS ||
    registers.length !== SKETCHES.length * REGISTERS
  )
    return null
  const window = createWindow(workload, wire.start, wire.spanMs)
  window.sums.set(wire.sums)
  window.histograms.set(wire.histograms)
  window.registers.set(registers)
  window.peers = wire.peers.map((peer) => ({ ...peer }))
  return window
}

export function encodeConversation(conversation: Conversation, key: string): WireConversation {
  const { workload: _, ...rest } = conversation
  const { flows, failed, bytesOut, bytesIn } = rest
  return {
    key,
    ...rest,
    flows: tally(flows),
    failed: tally(failed),
    bytesOut: tally(bytesOut),
    bytesIn: tally(bytesIn),
  }
}

export function decodeConversation(wire: WireConversation, workload: WorkloadId): Conversation {
  const { key: _, ...rest } = wire
  return { workload, ...rest }
}
