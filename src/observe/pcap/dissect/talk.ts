/**
 * What a conversation's dissection remembers, and the desk where hints are made. `Speech` is one piece of payload as it
 * passes; it is lent, and refilled for the next packet.
 */
import type { DnsHint, Hint, HintEnds, HttpHint, TlsHint } from '../../../model/hint.ts'
import type { ServiceNames } from '../../source.ts'
import type { Conn } from '../conn.ts'
import type { FlowTable } from '../flow-table.ts'
import type { Head, HeadBudget } from './head.ts'
import type { LineTalk } from './lines.ts'
import type { InitialKeys } from './quic.ts'

/** `done`: nothing more is expected of it. */
export type TalkKind = 'new' | 'tls' | 'http' | 'ssh' | 'lines' | 'dns' | 'quic' | 'done'

export type Open<H extends Hint> = { -readonly [K in keyof H]: H[K] }

export type Talk = {
  kind: TalkKind
  client: Head | null
  server: Head | null
  /** How far each direction has been read, so that nothing is read twice. */
  readOut: number
  readIn: number
  /** Segments without a known beginning, until it is given up. */
  strange: number
  tls: Open<TlsHint> | null
  quic: { keys: InitialKeys; packets: number } | null
  lines: LineTalk | null
  /** SSH: the client's banner. */
  banner: string
  /** Requests not answered yet, and whether each carried credentials. */
  requests: { readonly hint: Open<HttpHint>; readonly hasCredentials: boolean }[] | null
  queries: Map<number, Open<DnsHint>> | null
}

export type TalkConn = Conn<Talk>

export type Speech = {
  conn: TalkConn
  talk: Talk
  fromClient: boolean
  bytes: Uint8Array
  from: number
  to: number
  /** Place in the stream of the byte at `from`; 0 for datagrams. */
  at: number
  timeMs: number
}

export type Desk = {
  readonly services: ServiceNames
  readonly table: FlowTable
  readonly budget: HeadBudget
  emit(hint: Hint): void
}

export function createTalk(): Talk {
  return {
    kind: 'new',
    client: null,
    server: null,
    readOut: 0,
    readIn: 0,
    strange: 0,
    tls: null,
    quic: null,
    lines: null,
    banner: '',
    requests: null,
    queries: null,
  }
}

/** Who speaks to whom, as it stands now. */
export function endsOf(desk: Desk, conn: TalkConn, at: number): HintEnds {
  const words = new Uint32Array(8)
  desk.table.copyAddress(conn.slot, conn.isClientFirst ? 'first' : 'second', words, 0)
  desk.table.copyAddress(conn.slot, conn.isClientFirst ? 'second' : 'first', words, 4)
  return {
    at,
    source: [words[0]!, words[1]!, words[2]!, words[3]!],
    target: [words[4]!, words[5]!, words[6]!, words[7]!],
    sourcePort: conn.clientPort,
    targetPort: conn.serverPort,
    proto: conn.proto,
  }
}
