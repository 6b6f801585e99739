/**
 * Packets come in, finished conversations go out, with Zeek's meaning of who began, when it ended and how (conn_state),
 * and its waiting times. The table is bounded: when it is full somebody has to leave early, which is counted. Time is the
 * capture's own; when it goes backwards nothing is due, and nothing breaks.
 */
import { Proto } from '../../model/flow.ts'
import { isTransportSound } from './checksum.ts'
import { tcpState, udpState } from './conn-state.ts'
import { createFlowTable, type FlowTable } from './flow-table.ts'
import { icmpCounterpart } from './icmp.ts'
import type { Checksums } from './network.ts'
import type { Packet } from './packet.ts'
import type { ServerPorts } from './server-ports.ts'
import {
  createTcpConnection,
  createTcpOutcome,
  Flag,
  flip,
  type Segment,
  sizeOf,
  stepTcp,
  Tcp,
  type TcpConnection,
} from './tcp.ts'
import { createTimers } from './timers.ts'

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
  readonly tcp: TcpConnection | null
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
  ended(conn: Conn<Talk>, table: FlowTable): void
}

export type AssemblerCounts = {
  /** Conversations cut short because the table was full. */
  evicted: number
  badChecksums: number
}

export type Assembler = {
  readonly counts: AssemblerCounts
  readonly open: number
  readonly table: FlowTable
  /** Throws `DecodeError` when the packet ends inside its transport header. */
  take(packet: Packet): void
  /** Lets what is due by then end. */
  advance(nowMs: number): void
  /** The end of the capture: everything still open ends as it stands. */
  finish(): void
}

/** Defaults of Zeek's init-bare.zeek. */
const ATTEMPT_MS = 5_000
const EXPIRE_MS = 6_000
const LINGER_MS = 5_000
const IDLE_MS = 60_000
const TCP_IDLE_MS = 300_000
/** base/protocols/conn/inactivity.zeek: people type slowly. */
const INTERACTIVE_MS = 3_600_000
const INTERACTIVE_PORTS: ReadonlySet<number> = new Set([21, 22, 23, 513])
const MAX_CONNS = 131_072

const Due = { attempt: 0, expire: 1, idle: 2, remove: 3 } as const
type Timer<Talk> = { readonly conn: Conn<Talk>; readonly kind: number }

export function createAssembler<Talk>(options: {
  readonly sink: ConnSink<Talk>
  readonly checksums: Checksums
  readonly serverPorts: ServerPorts
  readonly maxConns?: number
}): Assembler {
  const { sink, checksums, serverPorts } = options
  const table = createFlowTable(options.maxConns ?? MAX_CONNS)
  const conns: (Conn<Talk> | null)[] = new Array(table.room).fill(null)
  const timers = createTimers<Timer<Talk>>()
  const counts: AssemblerCounts = { evicted: 0, badChecksums: 0 }
  const outcome = createTcpOutcome()
  const segment: Segment = { flags: 0, seq: 0, ack: 0, length: 0, isWhole: false }
  let nowMs = Number.NEGATIVE_INFINITY

  const end = (conn: Conn<Talk>) => {
    if (conn.isOver) return
    conn.isOver = true
    sink.ended(conn, table)
    table.remove(conn.slot)
    conns[conn.slot] = null
  }
  const wait = (conn: Conn<Talk>, kind: number, atMs: number) => timers.add(atMs, { conn, kind })

  const fire = ({ conn, kind }: Timer<Talk>) => {
    if (conn.isOver) return
    if (kind === Due.idle) {
      if (conn.lastMs + conn.idleMs <= nowMs) end(conn)
      else wait(conn, Due.idle, conn.lastMs + conn.idleMs)
      return
    }
    if (kind === Due.remove) {
      if (conn.removeAtMs <= nowMs) end(conn)
      return
    }
    const { tcp } = conn
    if (!conn.isAwaited || tcp === null) return
    const { client, server } = tcp
    if (kind === Due.attempt) {
      const isUnanswered = server.state === Tcp.inactive
      if (isUnanswered && (client.state === Tcp.synSent || client.state === Tcp.synAckSent)) end(conn)
      return
    }
    if (conn.lastMs + LINGER_MS < nowMs && isFinishedEnough(tcp)) end(conn)
    else wait(conn, Due.expire, nowMs + EXPIRE_MS)
  }
  const advance = (toMs: number) => {
    if (!(toMs > nowMs)) return
    nowMs = toMs
    for (let timer = timers.due(nowMs); timer !== null; timer = timers.due(nowMs)) fire(timer)
    if (timers.size > 4 * table.used + 100_000) timers.sweep(({ conn }) => !conn.isOver)
  }

  const begin = (
    packet: Packet,
    isClientFirst: boolean,
    sourcePort: number,
    targetPort: number,
    tcp: TcpConnection | null,
  ) => {
    if (table.used >= table.room) {
      const victim = conns[table.nextUsed()]
      counts.evicted++
      if (victim !== null && victim !== undefined) end(victim)
    }
    const conn: Conn<Talk> = {
      slot: table.insert(),
      proto: packet.proto,
      version: packet.version,
      isClientFirst,
      clientPort: sourcePort,
      serverPort: targetPort,
      startMs: packet.timeMs,
      lastMs: packet.timeMs,
      packetsOut: 0,
      packetsIn: 0,
      ipBytesOut: 0,
      ipBytesIn: 0,
      payloadOut: -1,
      payloadIn: -1,
      tcp,
      idleMs: IDLE_MS,
      removeAtMs: Number.POSITIVE_INFINITY,
      isAwaited: true,
      isOver: false,
      service: 0,
      talk: null,
    }
    conns[conn.slot] = conn
    wait(conn, Due.idle, packet.timeMs + IDLE_MS)
    return conn
  }
  const turn = (conn: Conn<Talk>) => {
    conn.isClientFirst = !conn.isClientFirst
    const port = conn.clientPort
    conn.clientPort = conn.serverPort
    conn.serverPort = port
    const { packetsOut, ipBytesOut } = conn
    conn.packetsOut = conn.packetsIn
    conn.ipBytesOut = conn.ipBytesIn
    conn.packetsIn = packetsOut
    conn.ipBytesIn = ipBytesOut
  }

  const takeTcp = (packet: Packet) => {
    const { reader } = packet
    const { view } = reader
    const at = packet.transportAt
    const length = packet.transportBytes
    if (length < 20 || packet.transportCaptured < 20) reader.fail('a TCP header cut short')
    const sourcePort = view.getUint16(at)
    const targetPort = view.getUint16(at + 2)
    const flags = view.getUint8(at + 13)
    const seq = view.getUint32(at + 4)
    const ports = ((sourcePort << 16) | targetPort) >>> 0
    const isFirst = table.setKey(packet.source, packet.target, ports, Proto.tcp, 'both-ways')
    const slot = table.find()
    let conn = slot < 0 ? null : conns[slot]!
    if (conn !== null && isReuse(conn, flags, seq)) {
      end(conn)
      conn = null
    }
    if (conn === null) {
      conn = begin(packet, isFirst, sourcePort, targetPort, createTcpConnection())
      wait(conn, Due.expire, packet.timeMs + ATTEMPT_MS)
      if (isServerSpeaking(flags, sourcePort, targetPort) && packet.target[3] !== 0xffffffff) {
        turn(conn)
        conn.tcp!.history = '^'
      }
    }
    const fromClient = isFirst === conn.isClientFirst
    const headerBytes = (view.getUint8(at + 12) >> 4) * 4
    if (headerBytes < 20 || headerBytes > length || headerBytes > packet.transportCaptured) return
    if (!isSound(packet, 'pseudo-header')) return
    const tcp = conn.tcp!
    segment.flags = flags
    segment.seq = seq
    segment.ack = view.getUint32(at + 8)
    segment.length = length - headerBytes
    segment.isWhole = packet.transportCaptured >= length
    if (!tcp.client.hasClosed || !tcp.server.hasClosed) conn.lastMs = packet.timeMs
    stepTcp(tcp, fromClient, segment, outcome)
    afterTcp(conn)
    const isOut = outcome.isFlipped ? !fromClient : fromClient
    count(conn, isOut, packet)
    if (outcome.dataFrom >= 1) {
      const dataAt = at + headerBytes
      const to = Math.min(at + length, packet.capturedTo)
      if (to > dataAt) sink.payload(conn, isOut, packet, dataAt, to, outcome.dataFrom - 1)
    }
  }
  const afterTcp = (conn: Conn<Talk>) => {
    if (outcome.isFlipped) turn(conn)
    if (outcome.isPastHandshake) conn.idleMs = TCP_IDLE_MS
    if (outcome.isEstablished && INTERACTIVE_PORTS.has(conn.serverPort)) conn.idleMs = INTERACTIVE_MS
    if (outcome.isAttempt) wait(conn, Due.attempt, nowMs + ATTEMPT_MS)
    if (outcome.isHalfClosed) wait(conn, Due.expire, conn.lastMs + EXPIRE_MS)
    if (outcome.isClosed) {
      conn.isAwaited = false
      conn.removeAtMs = conn.lastMs + LINGER_MS
      wait(conn, Due.remove, conn.removeAtMs)
    }
  }
  const isServerSpeaking = (flags: number, sourcePort: number, targetPort: number): boolean => {
    if ((flags & (Flag.syn | Flag.ack)) === Flag.syn) return false
    if (!serverPorts.tcp.has(sourcePort)) return false
    if (!serverPorts.tcp.has(targetPort)) return true
    return (flags & Flag.syn) === 0 && sourcePort < targetPort
  }
  const isSound = (packet: Packet, pseudo: 'pseudo-header' | 'alone'): boolean => {
    if (checksums === 'ignored' || packet.transportCaptured < packet.transportBytes) return true
    if (isTransportSound(packet, pseudo)) return true
    counts.badChecksums++
    return false
  }

  const takeUdp = (packet: Packet) => {
    const { reader } = packet
    const { view } = reader
    const at = packet.transportAt
    if (packet.transportBytes < 8 || packet.transportCaptured < 8) reader.fail('a UDP header cut short')
    const sourcePort = view.getUint16(at)
    const targetPort = view.getUint16(at + 2)
    const ports = ((sourcePort << 16) | targetPort) >>> 0
    const isFirst = table.setKey(packet.source, packet.target, ports, Proto.udp, 'both-ways')
    const slot = table.find()
    let conn = slot < 0 ? null : conns[slot]!
    if (conn === null) {
      conn = begin(packet, isFirst, sourcePort, targetPort, null)
      const isAnswer = serverPorts.udp.has(sourcePort) && !serverPorts.udp.has(targetPort)
      if (isAnswer && packet.target[3] !== 0xffffffff) turn(conn)
    }
    const fromClient = isFirst === conn.isClientFirst
    const hasChecksum = packet.version === 6 || view.getUint16(at + 6) !== 0
    if (hasChecksum && packet.cutBytes === 0 && !isSound(packet, 'pseudo-header')) return
    conn.lastMs = packet.timeMs
    addPayload(conn, fromClient, view.getUint16(at + 4) - 8)
    count(conn, fromClient, packet)
    const to = Math.min(at + packet.transportBytes, packet.capturedTo)
    if (to > at + 8) sink.payload(conn, fromClient, packet, at + 8, to, 0)
  }

  const takeIcmp = (packet: Packet) => {
    const { reader } = packet
    const at = packet.transportAt
    if (packet.transportBytes < 8 || packet.transportCaptured < 8) reader.fail('an ICMP header cut short')
    const type = reader.view.getUint8(at)
    const counterpart = icmpCounterpart(packet.version, type)
    const other = counterpart < 0 ? reader.view.getUint8(at + 1) : counterpart
    const ports = ((type << 16) | other) >>> 0
    const ways = counterpart < 0 ? 'one-way' : 'both-ways'
    const isFirst = table.setKey(packet.source, packet.target, ports, packet.proto, ways)
    const slot = table.find()
    const conn = (slot < 0 ? null : conns[slot]) ?? begin(packet, isFirst, type, other, null)
    const fromClient = isFirst === conn.isClientFirst
    if (!isSound(packet, packet.version === 6 ? 'pseudo-header' : 'alone')) return
    conn.lastMs = packet.timeMs
    addPayload(conn, fromClient, packet.transportBytes - 8)
    count(conn, fromClient, packet)
  }

  const takeOther = (packet: Packet) => {
    const isFirst = table.setKey(packet.source, packet.target, 0, packet.proto, 'both-ways')
    const slot = table.find()
    const conn = (slot < 0 ? null : conns[slot]) ?? begin(packet, isFirst, 0, 0, null)
    conn.lastMs = packet.timeMs
    count(conn, isFirst === conn.isClientFirst, packet)
  }

  return {
    counts,
    table,
    get open() {
      return table.used
    },
    advance,
    take(packet) {
      advance(packet.timeMs)
      if (packet.proto === Proto.tcp) takeTcp(packet)
      else if (packet.proto === Proto.udp) takeUdp(packet)
      else if (packet.proto === (packet.version === 4 ? Proto.icmp : Proto.icmp6)) takeIcmp(packet)
      else takeOther(packet)
    },
    finish() {
      for (const conn of conns) if (conn !== null) end(conn)
    },
  }
}

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

export function turnTcp(conn: Conn<unknown>): void {
  if (conn.tcp !== null) flip(conn.tcp)
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
  const isReversed =
    !hasAck && client.state === Tcp.synAckSent && server.state === Tcp.inactive && seq === server.startSeq
  return !isReversed
}

function isFinishedEnough(tcp: TcpConnection): boolean {
  const { client, server } = tcp
  if (client.hasClosed && server.hasClosed) return true
  const isHalf = client.state === Tcp.inactive || server.state === Tcp.inactive
  const isReset = client.state === Tcp.reset || server.state === Tcp.reset
  if ((client.hasClosed || server.hasClosed) && (isHalf || isReset)) return true
  return client.state === Tcp.inactive && server.state === Tcp.inactive
}
