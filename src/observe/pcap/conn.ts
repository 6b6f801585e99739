/** One conversation as the assembler keeps it, and what can be said of it when it is over. */
import { Proto } from '../../model/flow.ts'
import { tcpState, udpState } from './conn-state.ts'
import type { FlowTable } from './flow-table.ts'
import type { Packet } from './packet.ts'
import { flip, type TcpConnection } from './tcp.ts'
import { sizeOf } from './tcp-endpoint.ts'

/** One conversation. While it lasts the assembler keeps it; a sink that wants to remember something uses `talk`. */
export type Conn<Talk> = {
  slot: number
  proto: number
  version: 4 | 6
  /** Whether the initiator is the first end of the table's key. */
  isClientFirst: boolean
  clientPort: number
  serverPort: number
  startMs: number
  lastMs: number
  packetsOut: number
  packetsIn: number
  /** At the IP layer. */
  ipBytesOut: number
  ipBytesIn: number
  /** Payload, −1 = that side said nothing. TCP: see `payloadOf`. */
  payloadOut: number
  payloadIn: number
  /** Null for other protocols, and once the conversation is over. */
  tcp: TcpConnection | null
  idleMs: number
  removeAtMs: number
  isAwaited: boolean
  isOver: boolean
  service: number
  talk: Talk | null
}

export type ConnSink<Talk> = {
  /**
   * Payload as it passes: `[at, to)` of `packet.reader.bytes`, as far as captured. `from`: relative to the stream's
   * first byte (TCP), 0 for datagrams.
   */
  payload(conn: Conn<Talk>, fromClient: boolean, packet: Packet, at: number, to: number, from: number): void
  ended(conn: Conn<Talk>): void
}

/** The table tells the addresses of a conversation by its slot. */
export type SinkMaker<Talk> = (table: FlowTable) => ConnSink<Talk>

/** Payload bytes of one side: TCP's by its sequence numbers, 0 when it said nothing. */
export function payloadOf(conn: Conn<unknown>, side: 'client' | 'server'): number {
  const { tcp } = conn
  if (tcp === null) return Math.max(0, side === 'client' ? conn.payloadOut : conn.payloadIn)
  const size = side === 'client' ? sizeOf(tcp.client, tcp.server) : sizeOf(tcp.server, tcp.client)
  return Math.max(0, size)
}

export function stateOf(conn: Conn<unknown>): number {
  if (conn.tcp !== null) return tcpState(conn.tcp)
  if (conn.proto === Proto.udp) return udpState(conn.payloadOut >= 0, conn.payloadIn >= 0)
  return udpState(false, false)
}

/** Initiator and responder change places; the states of TCP are turned by `flip`. */
export function turnEnds(conn: Conn<unknown>): void {
  conn.isClientFirst = !conn.isClientFirst
  const port = conn.clientPort
  conn.clientPort = conn.serverPort
  conn.serverPort = port
  const { packetsOut, ipBytesOut, payloadOut } = conn
  conn.packetsOut = conn.packetsIn
  conn.ipBytesOut = conn.ipBytesIn
  conn.payloadOut = conn.payloadIn
  conn.packetsIn = packetsOut
  conn.ipBytesIn = ipBytesOut
  conn.payloadIn = payloadOut
}

/** What is said shows that the other one asked. */
export function turnConn(conn: Conn<unknown>): void {
  turnEnds(conn)
  if (conn.tcp !== null) flip(conn.tcp)
}
