/**
 * Keeps the conversations that are going on, each with what it waits for, and ends them when Zeek would. The table is
 * bounded: when it is full somebody has to leave early, which is counted. Time is the capture's own; when it goes
 * backwards nothing is due, and nothing breaks.
 */
import type { Conn, ConnSink, SinkMaker } from './conn.ts'
import { createFlowTable, type FlowTable } from './flow-table.ts'
import type { Packet } from './packet.ts'
import type { TcpConnection } from './tcp.ts'
import { Tcp } from './tcp-endpoint.ts'
import { createTimers } from './timers.ts'

export type Keeper<Talk> = {
  readonly table: FlowTable
  readonly sink: ConnSink<Talk>
  /** Conversations cut short because the table was full. */
  readonly evicted: number
  /** The conversation whose key was set in the table last. */
  current(): Conn<Talk> | null
  /** Begins one under that key. */
  begin(packet: Packet, isClientFirst: boolean, ends: PortPair, tcp: TcpConnection | null): Conn<Talk>
  end(conn: Conn<Talk>): void
  wait(conn: Conn<Talk>, kind: number, atMs: number): void
  /** Lets what is due by then end. */
  advance(nowMs: number): void
  /** Ends everything as it stands. */
  finish(): void
}

export type PortPair = { readonly source: number; readonly target: number }

/** What a conversation waits for. */
export const Due = { attempt: 0, expire: 1, idle: 2, remove: 3, dns: 4 } as const

/** Defaults of Zeek's init-bare.zeek. */
export const ATTEMPT_MS = 5_000
export const EXPIRE_MS = 6_000
export const LINGER_MS = 5_000
export const IDLE_MS = 60_000
export const TCP_IDLE_MS = 300_000
export const DNS_MS = 10_000
/** base/protocols/conn/inactivity.zeek: people type slowly. */
export const INTERACTIVE_MS = 3_600_000

const MAX_CONNS = 65_536
const SWEEP_FROM = 50_000

export function createKeeper<Talk>(makeSink: SinkMaker<Talk>, maxConns: number | undefined): Keeper<Talk> {
  const table = createFlowTable(maxConns ?? MAX_CONNS)
  const sink = makeSink(table)
  const conns: (Conn<Talk> | null)[] = new Array(table.room).fill(null)
  const timers = createTimers<Conn<Talk>>()
  let nowMs = Number.NEGATIVE_INFINITY
  let evicted = 0
  let sweepAt = SWEEP_FROM

  const end = (conn: Conn<Talk>) => {
    if (conn.isOver) return
    conn.isOver = true
    sink.ended(conn)
    table.remove(conn.slot)
    conns[conn.slot] = null
    // Timers may hold on to it for a while yet: to as little as can be.
    conn.tcp = null
    conn.talk = null
  }
  const wait = (conn: Conn<Talk>, kind: number, atMs: number) => timers.add(atMs, conn, kind)
  return {
    table,
    sink,
    get evicted() {
      return evicted
    },
    current() {
      const slot = table.find()
      return slot < 0 ? null : conns[slot]!
    },
    begin(packet, isClientFirst, ends, tcp) {
      if (table.used >= table.room) {
        evicted++
        end(conns[table.nextUsed()]!)
      }
      const conn = createConn<Talk>(table.insert(), packet, isClientFirst, ends, tcp)
      conns[conn.slot] = conn
      wait(conn, Due.idle, packet.timeMs + IDLE_MS)
      return conn
    },
    end,
    wait,
    advance(toMs) {
      if (!(toMs > nowMs)) return
      nowMs = toMs
      for (let conn = timers.due(nowMs); conn !== null; conn = timers.due(nowMs)) {
        if (conn.isOver) continue
        const kind = timers.dueKind
        const again = judge(conn, kind, nowMs)
        if (again === 'over') end(conn)
        else if (again !== 'done') wait(conn, kind, again)
      }
      if (timers.size < sweepAt) return
      timers.sweep((conn) => !conn.isOver)
      sweepAt = SWEEP_FROM + Math.ceil(timers.size * 1.25)
    },
    finish() {
      for (const conn of conns) if (conn !== null) end(conn)
    },
  }
}

/** What the time having come means: the conversation is over, this timer is done, or it is to ask again then. */
function judge(conn: Conn<unknown>, kind: number, nowMs: number): 'over' | 'done' | number {
  switch (kind) {
    case Due.idle:
      return conn.lastMs + conn.idleMs <= nowMs ? 'over' : conn.lastMs + conn.idleMs
    case Due.remove:
      return conn.removeAtMs <= nowMs ? 'over' : 'done'
    case Due.dns:
      // A second is left so that one question with its answer needs no second look (DNS.cc, ExpireTimer).
      return nowMs - conn.lastMs >= DNS_MS - 1_000 ? 'over' : nowMs + DNS_MS
    default:
  }
  const { tcp } = conn
  if (!conn.isAwaited || tcp === null) return 'done'
  if (kind === Due.attempt) {
    const { client, server } = tcp
    const isUnanswered = server.state === Tcp.inactive
    return isUnanswered && (client.state === Tcp.synSent || client.state === Tcp.synAckSent) ? 'over' : 'done'
  }
  return conn.lastMs + LINGER_MS < nowMs && isFinishedEnough(tcp) ? 'over' : nowMs + EXPIRE_MS
}

function isFinishedEnough(tcp: TcpConnection): boolean {
  const { client, server } = tcp
  if (client.hasClosed && server.hasClosed) return true
  const isHalf = client.state === Tcp.inactive || server.state === Tcp.inactive
  const isReset = client.state === Tcp.reset || server.state === Tcp.reset
  if ((client.hasClosed || server.hasClosed) && (isHalf || isReset)) return true
  return client.state === Tcp.inactive && server.state === Tcp.inactive
}

function createConn<Talk>(
  slot: number,
  packet: Packet,
  isClientFirst: boolean,
  ends: PortPair,
  tcp: TcpConnection | null,
): Conn<Talk> {
  return {
    slot,
    proto: packet.proto,
    version: packet.version,
    isClientFirst,
    clientPort: ends.source,
    serverPort: ends.target,
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
}
