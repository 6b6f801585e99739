/**
 * One mergeable reading of a workload over a span: 5 s ticks merge into 30 s windows, 5 min, 1 h. Merging is
 * addition of `sums` and `histograms`, element-wise maximum of `registers`, and a bounded join of `peers`;
 * it is associative and commutative, so late ticks amend and order does not matter.
 */
import type { WorkloadId } from './ids.ts'

export const TICK_MS = 5_000
export const WINDOW_MS = 30_000

/** Names of `sums`, index = position. "initiated" = the workload opened the flow; "served" = a peer did. */
export const SUMS = [
  'flowsInitiated',
  'flowsServed',
  'failedInitiated',
  'failedServed',
  'bytesOutInitiated',
  'bytesInInitiated',
  'bytesOutServed',
  'bytesInServed',
  'packetsOut',
  'packetsIn',
  'tcpInitiated',
  'udpInitiated',
  'icmpInitiated',
  'tcpServed',
  'udpServed',
  'icmpServed',
  /** flows by the port class of the service side, see `portClass` */
  'webInitiated',
  'webServed',
  'databaseInitiated',
  'databaseServed',
  'dnsInitiated',
  'dnsServed',
  'mailInitiated',
  'remoteInitiated',
  'remoteServed',
  'otherInitiated',
  'otherServed',
  /** to or from addresses outside the home networks */
  'externalInitiated',
  'externalServed',
  'externalBytesOut',
  'externalBytesIn',
  /** milliseconds of finished flows, and how many finished */
  'durationMs',
  'finished',
  /** sock_diag: sum and count of smoothed RTT samples (ms), retransmitted segments */
  'rttMs',
  'rttSamples',
  'retransmits',
  /** ticks of this span in which anything happened at all */
  'activeTicks',
  /** ticks merged into this reading (spanMs / TICK_MS when nothing is missing) */
  'ticks',
] as const
export type SumName = (typeof SUMS)[number]
export const sumAt = Object.fromEntries(SUMS.map((name, i) => [name, i])) as Record<SumName, number>

/** Each histogram has 16 buckets; bucket of x is `min(15, floor(log2(1 + x / unit)))`. */
export const HISTOGRAMS = [
  { name: 'bytesOutPerFlow', unit: 64 },
  { name: 'bytesInPerFlow', unit: 64 },
  { name: 'durationMs', unit: 4 },
  /** milliseconds between two flows the workload initiated */
  { name: 'gapMs', unit: 4 },
] as const
export const BUCKETS = 16

/** HyperLogLog registers (Flajolet et al. 2007), 64 each: standard error 1.04/√64 = 13 %. */
export const SKETCHES = [
  'peersInitiated',
  'peersServed',
  'portsInitiated',
  'peerPortsInitiated',
  'portsServed',
] as const
export const REGISTERS = 64

export const TOP_PEERS = 8

export type PeerShare = { readonly peer: string; flows: number; bytesOut: number; bytesIn: number }

export type Window = {
  readonly workload: WorkloadId
  /** epoch ms, a multiple of the span */
  readonly start: number
  readonly spanMs: number
  readonly sums: Float64Array
  /** HISTOGRAMS.length × BUCKETS */
  readonly histograms: Float64Array
  /** SKETCHES.length × REGISTERS */
  readonly registers: Uint8Array
  /** The heaviest peers by bytes, at most TOP_PEERS. */
  peers: PeerShare[]
}

export function createWindow(workload: WorkloadId, start: number, spanMs: number): Window {
  return {
    workload,
    start,
    spanMs,
    sums: new Float64Array(SUMS.length),
    histograms: new Float64Array(HISTOGRAMS.length * BUCKETS),
    registers: new Uint8Array(SKETCHES.length * REGISTERS),
    peers: [],
  }
}

export type PortClass = 'web' | 'database' | 'dns' | 'mail' | 'remote' | 'other'

const PORTS: ReadonlyMap<number, PortClass> = new Map<number, PortClass>([
  ...[80, 443, 3000, 8000, 8080, 8081, 8088, 8443, 8888, 9090].map((p) => [p, 'web'] as const),
  ...[1433, 1521, 3306, 5432, 5433, 6379, 7000, 9042, 9200, 11211, 27017].map((p) => [p, 'database'] as const),
  ...[53, 853, 5353].map((p) => [p, 'dns'] as const),
  ...[25, 110, 143, 465, 587, 993, 995].map((p) => [p, 'mail'] as const),
  ...[22, 23, 139, 445, 3389, 5900, 5985, 5986].map((p) => [p, 'remote'] as const),
])

/** Asked on every flow: a byte per port. */
const CLASSES: readonly PortClass[] = ['other', 'web', 'database', 'dns', 'mail', 'remote']
const CLASS_OF = Uint8Array.from({ length: 65_536 }, (_, port) => CLASSES.indexOf(PORTS.get(port) ?? 'other'))

/** The class of a service port; a coarse hint, so that a behaviour set can leave it out. */
export function portClass(port: number): PortClass {
  return CLASSES[CLASS_OF[port] ?? 0]!
}

/** Who a workload spoke with in 5 minutes: kept to explain, to learn allow-lists and to replay in shadow. */
export type Conversation = {
  readonly workload: WorkloadId
  readonly peer: string
  /** service port; ICMP type for ICMP */
  readonly port: number
  readonly proto: number
  readonly direction: 'initiated' | 'served'
  readonly start: number
  flows: number
  failed: number
  bytesOut: number
  bytesIn: number
  last: number
  service: string | null
}
export const CONVERSATION_MS = 300_000
