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
import type { WireConversation, WireWindow } from '../../model/wire.ts'

export function encodeWindow(window: Window, key: string): WireWindow {
  return {
    key,
    start: window.start,
    spanMs: window.spanMs,
    sums: [...window.sums],
    histograms: [...window.histograms],
    registers: Buffer.from(window.registers).toString('base64'),
    peers: window.peers.map((peer) => ({ ...peer })),
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
  return { key, ...rest }
}

export function decodeConversation(wire: WireConversation, workload: WorkloadId): Conversation {
  const { key: _, ...rest } = wire
  return { workload, ...rest }
}
