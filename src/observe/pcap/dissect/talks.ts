/**
 * What two machines say to each other in clear: payload comes in as the assembler lets it pass, hints and the name of the
 * protocol go out. Each conversation remembers little, and only until nothing more can be expected of it; what a dissector
 * does not understand it leaves alone.
 */
import { Proto } from '../../../model/flow.ts'
import type { Hint } from '../../../model/hint.ts'
import { DecodeError, Reader } from '../../reader.ts'
import type { ServiceNames } from '../../source.ts'
import { type ConnSink, turnConn } from '../conn.ts'
import type { FlowTable } from '../flow-table.ts'
import { finishDns, takeDns } from './dns-talk.ts'
import { addToHead, createHead, type Head, releaseHead } from './head.ts'
import { looksLikeRequest, readRequest, statusOf } from './http.ts'
import { finishHttp, takeHttp, takeRequest } from './http-talk.ts'
import { takeGreeting, takeLines, takeSsh } from './line-talk.ts'
import { takeQuic } from './quic-talk.ts'
import { createTalk, type Desk, type Speech, type Talk, type TalkConn } from './talk.ts'
import { findHello, HelloType } from './tls-hello.ts'
import { finishTls, takeClientHello, takeServerHello } from './tls-talk.ts'

export type Talks = Pick<ConnSink<Talk>, 'payload'> & {
  /** Tells what is still to be told of a conversation that is over. */
  ended(conn: TalkConn): void
  /** Messages that could not be read, and beginnings that found no room. */
  readonly counts: { malformed: number; readonly unread: number }
}

/** For all beginnings kept at once. */
const BUDGET = 32 << 20
const MAX_STRANGE = 4
const DNS_PORTS: ReadonlySet<number> = new Set([53, 5353, 5355])

export function createTalks(options: {
  readonly services: ServiceNames
  readonly table: FlowTable
  readonly emit: (hint: Hint) => void
}): Talks {
  const budget = { left: BUDGET, refused: 0 }
  const desk: Desk = { services: options.services, table: options.table, budget, emit: options.emit }
  const reader = new Reader()
  const counts = {
    malformed: 0,
    get unread() {
      return budget.refused
    },
  }
  const speech = { from: 0, to: 0, at: 0, timeMs: 0, fromClient: false } as Speech
  return {
    counts,
    payload(conn, fromClient, packet, at, to, place) {
      const talk = conn.talk ?? createTalk()
      conn.talk = talk
      if (talk.kind === 'done') return
      speech.conn = conn
      speech.talk = talk
      speech.fromClient = fromClient
      speech.bytes = packet.reader.bytes
      speech.from = at
      speech.to = to
      speech.at = place
      speech.timeMs = packet.timeMs
      try {
        if (conn.proto === Proto.tcp) takeStream(desk, speech, reader)
        else takeDatagram(desk, speech, reader)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        counts.malformed++
        if (conn.proto === Proto.tcp || talk.kind === 'quic') giveUp(desk, talk)
      }
    },
    ended(conn) {
      const { talk } = conn
      if (talk === null) return
      finishTls(desk, talk)
      finishHttp(desk, talk)
      finishDns(desk, talk)
      giveUp(desk, talk)
    },
  }
}

function giveUp(desk: Desk, talk: Talk): void {
  if (talk.client !== null) releaseHead(talk.client, desk.budget)
  if (talk.server !== null) releaseHead(talk.server, desk.budget)
  talk.client = null
  talk.server = null
  talk.kind = 'done'
}

function takeDatagram(desk: Desk, speech: Speech, reader: Reader): void {
  const { conn, bytes, from, to } = speech
  if (DNS_PORTS.has(conn.serverPort)) takeDns(desk, speech, reader.reset(bytes, from, to))
  else if (conn.serverPort === 137) {
    // NetBIOS names look like DNS and are counted as it (as Zeek does); the names are not ones anybody resolves.
    conn.service = desk.services.intern('dns')
    speech.talk.kind = 'done'
  } else if (conn.serverPort === 123 || conn.clientPort === 123) takeNtp(desk, speech)
  else takeQuic(desk, speech, reader)
}

/** RFC 5905 §7.3: mode 3 asks, mode 4 answers, whoever was seen first. */
function takeNtp(desk: Desk, speech: Speech): void {
  const { conn, talk } = speech
  talk.kind = 'done'
  if (speech.to - speech.from < 48) return
  conn.service = desk.services.intern('ntp')
  const mode = speech.bytes[speech.from]! & 7
  if ((mode === 4 && speech.fromClient) || (mode === 3 && !speech.fromClient)) turnConn(conn)
}

function takeStream(desk: Desk, speech: Speech, reader: Reader): void {
  switch (speech.talk.kind) {
    case 'new':
      takeBeginning(desk, speech)
      return
    case 'tls':
      if (!speech.fromClient) awaitHello(desk, speech, HelloType.server)
      return
    case 'http':
      if (isNews(speech) && takeHttp(desk, speech)) readHead(desk, speech, speech.bytes, speech.from, speech.to, 'last')
      return
    case 'lines':
      if (!isNews(speech)) return
      if (isHello(speech)) awaitHello(desk, speech, HelloType.client)
      else takeLines(desk, speech)
      return
    case 'ssh':
      takeSsh(desk, speech)
      return
    case 'dns':
      takeDnsStream(desk, speech, reader)
      return
    default:
  }
}

/** Not what was sent before; what comes late because of a hole is not read either. */
function isNews({ talk, fromClient, at, from, to }: Speech): boolean {
  if (at < (fromClient ? talk.readOut : talk.readIn)) return false
  if (fromClient) talk.readOut = at + to - from
  else talk.readIn = at + to - from
  return true
}

function isHello({ bytes, from, to, fromClient }: Speech): boolean {
  return fromClient && to - from > 5 && bytes[from] === 22 && bytes[from + 1] === 3 && bytes[from + 5] === 1
}

/** The first words of either side tell which protocol it is. */
function takeBeginning(desk: Desk, speech: Speech): void {
  const { conn, talk, fromClient, bytes } = speech
  if (conn.serverPort === 53 || conn.clientPort === 53) {
    talk.kind = 'dns'
    takeDnsStream(desk, speech, new Reader())
    return
  }
  const kept = fromClient ? talk.client : talk.server
  if (kept !== null) {
    awaitMore(desk, speech, kept)
    return
  }
  const { from, to } = speech
  const begins = fromClient ? talk.readOut : talk.readIn
  if (speech.at > begins) keep(desk, speech, begins)
  else if (looksLikeRequest(bytes, from, to)) {
    if (!fromClient) turnIfUnknown(speech)
    readHead(desk, speech, bytes, from, to, 'waiting')
  } else if (statusOf(bytes, from, to) > 0) {
    if (fromClient) turnIfUnknown(speech)
    conn.service = desk.services.intern('http')
    talk.kind = 'http'
  } else if (bytes[from] === 22) awaitHello(desk, speech, fromClient ? HelloType.client : HelloType.server)
  else if (startsWith(bytes, from, to, 'SSH-')) takeSsh(desk, speech)
  else if (fromClient || !takeGreeting(desk, speech)) {
    talk.strange++
    if (talk.strange >= MAX_STRANGE) giveUp(desk, talk)
  }
}

/** Nobody's SYN was seen: then the one who asks is the client (as Zeek's HTTP analyzer has it). */
function turnIfUnknown(speech: Speech): void {
  const { conn } = speech
  if (conn.tcp === null || conn.tcp.history.includes('S')) return
  turnConn(conn)
  speech.fromClient = !speech.fromClient
}

function startsWith(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}

function awaitMore(desk: Desk, speech: Speech, head: Head): void {
  const { bytes, from, to, at, talk } = speech
  if (!addToHead(head, bytes, from, to, at, desk.budget)) {
    giveUp(desk, talk)
    return
  }
  if (head.have === 0) return
  if (head.bytes[0] === 22) tryHello(desk, speech, head, speech.fromClient ? HelloType.client : HelloType.server)
  else if (looksLikeRequest(head.bytes, 0, head.have)) readHead(desk, speech, head.bytes, 0, head.have, 'waiting')
  else {
    // The hole in front of it was filled: as if it had come in order.
    release(desk, talk, speech.fromClient ? 'client' : 'server')
    speech.bytes = head.bytes
    speech.from = 0
    speech.to = head.have
    speech.at = head.base
    takeBeginning(desk, speech)
  }
}

/** A hello that begins with this segment, or goes on with it. */
function awaitHello(desk: Desk, speech: Speech, type: number): void {
  const { talk, bytes, from, to, at } = speech
  const kept = speech.fromClient ? talk.client : talk.server
  if (kept !== null) {
    if (!addToHead(kept, bytes, from, to, at, desk.budget)) giveUp(desk, talk)
    else tryHello(desk, speech, kept, type)
    return
  }
  const found = findHello(bytes, from, to, type)
  if (found === 'more') keep(desk, speech)
  else if (found === 'none') giveUp(desk, talk)
  else takeHello(desk, speech, found.reader, type)
}

function tryHello(desk: Desk, speech: Speech, head: Head, type: number): void {
  const found = findHello(head.bytes, 0, head.have, type)
  if (found === 'more') return
  if (found === 'none') giveUp(desk, speech.talk)
  else takeHello(desk, speech, found.reader, type)
}

function takeHello(desk: Desk, speech: Speech, reader: Reader, type: number): void {
  const { talk } = speech
  if (type === HelloType.client) takeClientHello(desk, speech, reader, 'tcp')
  else takeServerHello(desk, speech, reader)
  release(desk, talk, speech.fromClient ? 'client' : 'server')
}

function release(desk: Desk, talk: Talk, side: 'client' | 'server'): void {
  const head = talk[side]
  if (head !== null) releaseHead(head, desk.budget)
  talk[side] = null
}

function keep(desk: Desk, speech: Speech, base = speech.at): void {
  const { talk, bytes, from, to, at } = speech
  const head = createHead(base, desk.budget)
  if (speech.fromClient) talk.client = head
  else talk.server = head
  if (head === null || !addToHead(head, bytes, from, to, at, desk.budget)) giveUp(desk, talk)
}

function readHead(
  desk: Desk,
  speech: Speech,
  bytes: Uint8Array,
  from: number,
  to: number,
  isLast: 'last' | 'waiting',
): void {
  const { conn, talk } = speech
  const request = readRequest(bytes, from, to, isLast)
  if (request === 'more') {
    if (talk.client === null) keep(desk, speech)
    return
  }
  release(desk, talk, 'client')
  if (request === null) {
    if (talk.kind === 'new') giveUp(desk, talk)
    return
  }
  conn.service = desk.services.intern('http')
  talk.kind = 'http'
  talk.readOut = Math.max(talk.readOut, speech.at + speech.to - speech.from)
  takeRequest(desk, speech, request)
}

/** RFC 1035 §4.2.2: each message behind its length. */
function takeDnsStream(desk: Desk, speech: Speech, reader: Reader): void {
  const { talk, bytes, from, to } = speech
  const side = speech.fromClient ? 'client' : 'server'
  const kept = talk[side]
  // Behind a hole that nothing may ever fill, a segment that is one whole message.
  if (
    kept !== null &&
    speech.at > kept.base + kept.have &&
    to - from > 14 &&
    bytes[from]! * 256 + bytes[from + 1]! === to - from - 2
  ) {
    takeDns(desk, speech, reader.reset(bytes, from + 2, to))
    return
  }
  if (talk[side] === null) keep(desk, speech)
  else if (!addToHead(talk[side], speech.bytes, speech.from, speech.to, speech.at, desk.budget)) giveUp(desk, talk)
  const head = talk[side]
  if (head === null) return
  let at = 0
  for (; head.have - at >= 2; ) {
    const length = head.bytes[at]! * 256 + head.bytes[at + 1]!
    if (head.have - at - 2 < length) break
    takeDns(desk, speech, reader.reset(head.bytes, at + 2, at + 2 + length))
    at += 2 + length
  }
  if (at === 0) return
  head.bytes.copyWithin(0, at, head.have)
  head.base += at
  head.have -= at
}
