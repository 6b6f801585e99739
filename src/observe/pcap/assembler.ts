/**
 * Packets come in, finished conversations go out, with Zeek's meaning of who began, when it ended and how (conn_state).
 * Here each transport protocol finds its conversation and steps it; `keeper.ts` keeps them.
 */
import { Proto } from '../../model/flow.ts'
import { isTransportSound } from './checksum.ts'
import { type Conn, type SinkMaker, turnEnds } from './conn.ts'
import { icmpCounterpart } from './icmp.ts'
import {
  ATTEMPT_MS,
  createKeeper,
  DNS_MS,
  Due,
  EXPIRE_MS,
  INTERACTIVE_MS,
  type Keeper,
  LINGER_MS,
  TCP_IDLE_MS,
} from './keeper.ts'
import type { Checksums } from './network.ts'
import type { Packet } from './packet.ts'
import type { ServerPorts } from './server-ports.ts'
import {
  createTcpConnection,
  createTcpOutcome,
  type Segment,
  stepTcp,
  type TcpConnection,
  type TcpOutcome,
} from './tcp.ts'
import { Flag, Tcp } from './tcp-endpoint.ts'

export type Assembler = {
  readonly open: number
  readonly evicted: number
  readonly badChecksums: number
  /** Throws `DecodeError` when the packet ends inside its transport header. */
  take(packet: Packet): void
  /** Lets what is due by then end. */
  advance(nowMs: number): void
  /** The end of the capture: everything still open ends as it stands. */
  finish(): void
}

type Desk<Talk> = {
  readonly keeper: Keeper<Talk>
  readonly checksums: Checksums
  readonly serverPorts: ServerPorts
  readonly outcome: TcpOutcome
  readonly segment: Segment
  badChecksums: number
}

const INTERACTIVE_PORTS: ReadonlySet<number> = new Set([21, 22, 23, 513])
const BROADCAST = 0xffffffff

export function createAssembler<Talk>(options: {
  readonly sink: SinkMaker<Talk>
  readonly checksums: Checksums
  readonly serverPorts: ServerPorts
  readonly maxConns?: number
}): Assembler {
  const { checksums, serverPorts } = options
  const keeper = createKeeper(options.sink, options.maxConns)
  const segment = { flags: 0, seq: 0, ack: 0, length: 0, isWhole: false }
  const desk: Desk<Talk> = {
    keeper,
    checksums,
    serverPorts,
    outcome: createTcpOutcome(),
    segment,
    badChecksums: 0,
  }
  return {
    get open() {
      return keeper.table.used
    },
    get evicted() {
      return keeper.evicted
    },
    get badChecksums() {
      return desk.badChecksums
    },
    advance: keeper.advance,
    finish: keeper.finish,
    take(packet) {
      if (packet.proto === Proto.tcp) takeTcp(desk, packet)
      else if (packet.proto === Proto.udp) takeUdp(desk, packet)
      else if (packet.proto === (packet.version === 4 ? Proto.icmp : Proto.icmp6)) takeIcmp(desk, packet)
      else takeOther(desk, packet)
    },
  }
}

function takeTcp<Talk>(desk: Desk<Talk>, packet: Packet): void {
  const { keeper, segment, outcome } = desk
  const { reader, transportAt: at, transportBytes: length } = packet
  const { view } = reader
  if (length < 20 || packet.transportCaptured < 20) reader.fail('a TCP header cut short')
  const ports = view.getUint32(at)
  const flags = view.getUint8(at + 13)
  const seq = view.getUint32(at + 4)
  const isFirst = keeper.table.setKey(packet.source, packet.target, ports, Proto.tcp, 'both-ways')
  let conn = keeper.current()
  if (conn !== null && isReuse(conn, flags, seq)) {
    keeper.end(conn)
    conn = null
  }
  conn ??= beginTcp(desk, packet, isFirst, ports, flags)
  const fromClient = isFirst === conn.isClientFirst
  const headerBytes = (view.getUint8(at + 12) >> 4) * 4
  if (headerBytes < 20 || headerBytes > length || headerBytes > packet.transportCaptured) return
  if (!isSound(desk, packet, 'pseudo-header')) return
  const tcp = conn.tcp!
  segment.flags = flags
  segment.seq = seq
  segment.ack = view.getUint32(at + 8)
  segment.length = length - headerBytes
  segment.isWhole = packet.transportCaptured >= length
  if (!tcp.client.hasClosed || !tcp.server.hasClosed) conn.lastMs = packet.timeMs
  stepTcp(tcp, fromClient, segment, outcome)
  afterTcp(keeper, conn, outcome, packet.timeMs)
  const isOut = outcome.isFlipped ? !fromClient : fromClient
  count(conn, isOut, packet)
  if (outcome.dataFrom < 1) return
  const dataAt = at + headerBytes
  const to = Math.min(at + length, packet.capturedTo)
  if (to > dataAt) keeper.sink.payload(conn, isOut, packet, dataAt, to, outcome.dataFrom - 1)
}

function beginTcp<Talk>(desk: Desk<Talk>, packet: Packet, isFirst: boolean, ports: number, flags: number): Conn<Talk> {
  const { keeper, serverPorts } = desk
  const ends = { source: ports >>> 16, target: ports & 0xffff }
  const conn = keeper.begin(packet, isFirst, ends, createTcpConnection())
  keeper.wait(conn, Due.expire, packet.timeMs + ATTEMPT_MS)
  const isBeginning = (flags & (Flag.syn | Flag.ack)) === Flag.syn
  if (isBeginning || !serverPorts.tcp.has(ends.source) || packet.target[3] === BROADCAST) return conn
  // Both could be servers: the lower port is, unless a SYN-ACK may be somebody's stealth scan.
  const isAnswer = serverPorts.tcp.has(ends.target) ? (flags & Flag.syn) === 0 && ends.source < ends.target : true
  if (isAnswer) {
    turnEnds(conn)
    conn.tcp!.history = '^'
  }
  return conn
}

function afterTcp<Talk>(keeper: Keeper<Talk>, conn: Conn<Talk>, outcome: TcpOutcome, nowMs: number): void {
  if (outcome.isFlipped) turnEnds(conn)
  if (outcome.isPastHandshake) conn.idleMs = TCP_IDLE_MS
  if (outcome.isEstablished && INTERACTIVE_PORTS.has(conn.serverPort)) conn.idleMs = INTERACTIVE_MS
  if (outcome.isAttempt) keeper.wait(conn, Due.attempt, nowMs + ATTEMPT_MS)
  if (outcome.isHalfClosed) keeper.wait(conn, Due.expire, conn.lastMs + EXPIRE_MS)
  if (!outcome.isClosed) return
  conn.isAwaited = false
  conn.removeAtMs = conn.lastMs + LINGER_MS
  keeper.wait(conn, Due.remove, conn.removeAtMs)
}

/** A SYN that begins another connection between the same ends. */
function isReuse(conn: Conn<unknown>, flags: number, seq: number): boolean {
  const { tcp } = conn
  if (tcp === null || (flags & Flag.syn) === 0) return false
  const { client, server } = tcp
  const hasAck = (flags & Flag.ack) !== 0
  if (hasAck && client.state !== Tcp.inactive) return false
  if (client.hasClosed || server.hasClosed) return true
  const from = hasAck ? server : client
  if (seq === from.startSeq) return false
  return !(!hasAck && isReversed(tcp) && seq === server.startSeq)
}

function isReversed({ client, server }: TcpConnection): boolean {
  return client.state === Tcp.synAckSent && server.state === Tcp.inactive
}

function takeUdp<Talk>(desk: Desk<Talk>, packet: Packet): void {
  const { keeper, serverPorts } = desk
  const { reader, transportAt: at } = packet
  const { view } = reader
  if (packet.transportBytes < 8 || packet.transportCaptured < 8) reader.fail('a UDP header cut short')
  const ports = view.getUint32(at)
  const isFirst = keeper.table.setKey(packet.source, packet.target, ports, Proto.udp, 'both-ways')
  let conn = keeper.current()
  if (conn === null) {
    const ends = { source: ports >>> 16, target: ports & 0xffff }
    conn = keeper.begin(packet, isFirst, ends, null)
    const isAnswer = serverPorts.udp.has(ends.source) && !serverPorts.udp.has(ends.target)
    if (isAnswer && packet.target[3] !== BROADCAST) turnEnds(conn)
    if (serverPorts.dns.has(conn.serverPort)) keeper.wait(conn, Due.dns, packet.timeMs + DNS_MS)
  }
  const fromClient = isFirst === conn.isClientFirst
  const hasChecksum = packet.version === 6 || view.getUint16(at + 6) !== 0
  if (hasChecksum && packet.cutBytes === 0 && !isSound(desk, packet, 'pseudo-header')) return
  conn.lastMs = packet.timeMs
  addPayload(conn, fromClient, view.getUint16(at + 4) - 8)
  count(conn, fromClient, packet)
  const to = Math.min(at + packet.transportBytes, packet.capturedTo)
  if (to > at + 8) keeper.sink.payload(conn, fromClient, packet, at + 8, to, 0)
}

function takeIcmp<Talk>(desk: Desk<Talk>, packet: Packet): void {
  const { keeper } = desk
  const { reader, transportAt: at } = packet
  if (packet.transportBytes < 8 || packet.transportCaptured < 8) reader.fail('an ICMP header cut short')
  const type = reader.view.getUint8(at)
  const counterpart = icmpCounterpart(packet.version, type)
  const other = counterpart < 0 ? reader.view.getUint8(at + 1) : counterpart
  const ways = counterpart < 0 ? 'one-way' : 'both-ways'
  const ports = ((type << 16) | other) >>> 0
  const isFirst = keeper.table.setKey(packet.source, packet.target, ports, packet.proto, ways)
  const conn = keeper.current() ?? keeper.begin(packet, isFirst, { source: type, target: other }, null)
  if (!isSound(desk, packet, packet.version === 6 ? 'pseudo-header' : 'alone')) return
  const fromClient = isFirst === conn.isClientFirst
  conn.lastMs = packet.timeMs
  addPayload(conn, fromClient, packet.transportBytes - 8)
  count(conn, fromClient, packet)
}

function takeOther<Talk>(desk: Desk<Talk>, packet: Packet): void {
  const { keeper } = desk
  const isFirst = keeper.table.setKey(packet.source, packet.target, 0, packet.proto, 'both-ways')
  const conn = keeper.current() ?? keeper.begin(packet, isFirst, { source: 0, target: 0 }, null)
  conn.lastMs = packet.timeMs
  count(conn, isFirst === conn.isClientFirst, packet)
}

function isSound<Talk>(desk: Desk<Talk>, packet: Packet, pseudo: 'pseudo-header' | 'alone'): boolean {
  if (desk.checksums === 'ignored' || packet.transportCaptured < packet.transportBytes) return true
  if (isTransportSound(packet, pseudo)) return true
  desk.badChecksums++
  return false
}

function addPayload(conn: Conn<unknown>, fromClient: boolean, bytes: number): void {
  if (fromClient) conn.payloadOut = conn.payloadOut < 0 ? bytes : conn.payloadOut + bytes
  else conn.payloadIn = conn.payloadIn < 0 ? bytes : conn.payloadIn + bytes
}

function count(conn: Conn<unknown>, fromClient: boolean, packet: Packet): void {
  if (fromClient) {
    conn.packetsOut++
    conn.ipBytesOut += packet.datagramBytes
  } else {
    conn.packetsIn++
    conn.ipBytesIn += packet.datagramBytes
  }
}
