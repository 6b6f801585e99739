/**
 * The events that an EVE log is full of (flows, DNS questions, TLS clients), straight from where the walk over their bytes
 * found their values. What is unusual in any way is left to parsing, which also finds the words for what is refused.
 */
import { type FlowBatch, Proto } from '../../model/flow.ts'
import type { DnsHint, HintEnds, TlsHint } from '../../model/hint.ts'
import { tcpState } from '../netflow/tcp-state.ts'
import { clientFirst, type EveDns } from './eve-dns.ts'
import { tlsVersion } from './eve-hints.ts'
import { createEveScan, Found, slotOf } from './eve-scan.ts'
import type { EveTimes } from './eve-time.ts'
import { createWords } from './eve-words.ts'
import { fillRow, LATEST_MS, type RawRow } from './fill-row.ts'
import { outcomeWithoutFlags } from './flagless.ts'
import { dnsType, nameText, protoOf, shortText } from './hint-fields.ts'
import { readAddress } from './zeek-fields.ts'

const EVENT = slotOf('event_type')
const TIME = slotOf('timestamp')
const FLOW_ID = slotOf('flow_id')
const [SOURCE, TARGET] = [slotOf('src_ip'), slotOf('dest_ip')]
const [SOURCE_PORT, TARGET_PORT] = [slotOf('src_port'), slotOf('dest_port')]
const [PROTO, SERVICE, DIRECTION] = [slotOf('proto'), slotOf('app_proto'), slotOf('direction')]
const FLOW = slotOf('flow')
const [START, END] = [slotOf('flow.start'), slotOf('flow.end')]
const [BYTES_OUT, BYTES_IN] = [slotOf('flow.bytes_toserver'), slotOf('flow.bytes_toclient')]
const [PACKETS_OUT, PACKETS_IN] = [slotOf('flow.pkts_toserver'), slotOf('flow.pkts_toclient')]
const [FLAGS_OUT, FLAGS_IN] = [slotOf('tcp.tcp_flags_ts'), slotOf('tcp.tcp_flags_tc')]
const DNS = slotOf('dns')
const [DNS_KIND, DNS_ID, DNS_NAME, DNS_TYPE] = [
  slotOf('dns.type'),
  slotOf('dns.id'),
  slotOf('dns.rrname'),
  slotOf('dns.rrtype'),
]
const OF_ANSWERS = [slotOf('dns.rcode'), slotOf('dns.rdata')]
const TLS = slotOf('tls')
const [TLS_NAME, TLS_VERSION, JA4] = [slotOf('tls.sni'), slotOf('tls.version'), slotOf('tls.ja4')]
const [JA3, JA3S] = [slotOf('tls.ja3.hash'), slotOf('tls.ja3s.hash')]

const NOTHING: RawRow = {
  startMs: 0,
  durationMs: 0,
  sourcePort: 0,
  targetPort: 0,
  proto: 0,
  service: 0,
  state: 0,
  bytesOut: 0,
  bytesIn: 0,
  packetsOut: 0,
  packetsIn: 0,
}

export type EveQuick = {
  /** The type of the event; null when the line has to be parsed for it. */
  typeOf(bytes: Buffer, from: number, to: number): string | null
  /** Of the event whose type was told last: its row, or its hint; false when it has to be parsed. */
  takeFlow(batch: FlowBatch, bytes: Buffer): boolean
  takeDns(batch: FlowBatch, bytes: Buffer): boolean
  tlsHint(bytes: Buffer): TlsHint | null
}

export function createEveQuick(times: EveTimes, dns: EveDns, serviceOf: (name: string) => number): EveQuick {
  const scan = createEveScan()
  const { kind, from, to, count } = scan
  const types = createWords(64, (text) => text)
  const protos = createWords(16, protoOf)
  const services = createWords(64, serviceOf)
  const names = createWords(4_096, nameText)
  const queryTypes = createWords(32, dnsType)
  const queryKinds = createWords(8, (text) => text === 'query' || text === 'request')
  const versions = createWords(16, tlsVersion)
  const hashes = createWords(1_024, (text) => shortText(text, 32))
  const clients = createWords(1_024, (text) => shortText(text, 40))
  const words = new Uint32Array(8)
  /** Filled anew for each row. */
  const raw: { -readonly [Name in keyof RawRow]: RawRow[Name] } = { ...NOTHING }

  /** Absent is 0; a text is NaN. */
  const countAt = (slot: number) =>
    kind[slot] === Found.count ? count[slot]! : kind[slot] === Found.none ? 0 : Number.NaN
  const textAt = <T>(slot: number, of: ReturnType<typeof createWords<T>>, bytes: Buffer): T | null =>
    kind[slot] === Found.text ? of.of(bytes, from[slot]!, to[slot]!) : null
  const timeAt = (slot: number, bytes: Buffer) =>
    kind[slot] === Found.text ? times.at(bytes, from[slot]!, to[slot]!) : Number.NaN
  const addressAt = (slot: number, bytes: Buffer, out: Uint32Array, at: number) =>
    kind[slot] === Found.text && readAddress(bytes, from[slot]!, to[slot]!, out, at)
  /** 0 when absent, NaN when it is no pair of hexadecimal digits. */
  const flagsAt = (slot: number, bytes: Buffer) =>
    kind[slot] === Found.none
      ? 0
      : kind[slot] === Found.text && to[slot]! - from[slot]! === 2
        ? hexOf(bytes[from[slot]!]!) * 16 + hexOf(bytes[from[slot]! + 1]!)
        : Number.NaN

  const endsOf = (bytes: Buffer): HintEnds | null => {
    const at = timeAt(TIME, bytes)
    const [sourcePort, targetPort] = [countAt(SOURCE_PORT), countAt(TARGET_PORT)]
    const proto = textAt(PROTO, protos, bytes)
    if (proto === null || kind[DIRECTION] !== Found.none || !(at >= 0 && at < LATEST_MS)) return null
    if (!(sourcePort <= 65_535 && targetPort <= 65_535)) return null
    if (!addressAt(SOURCE, bytes, words, 0) || !addressAt(TARGET, bytes, words, 4)) return null
    const source = [words[0]!, words[1]!, words[2]!, words[3]!] as const
    const target = [words[4]!, words[5]!, words[6]!, words[7]!] as const
    return { at, source, target, sourcePort, targetPort, proto }
  }
  return {
    typeOf: (bytes, start, end) => (scan.walk(bytes, start, end) ? textAt(EVENT, types, bytes) : null),
    takeFlow(batch, bytes) {
      const row = batch.count * 4
      if (kind[FLOW] !== Found.object || (kind[SERVICE] !== Found.none && kind[SERVICE] !== Found.text)) return false
      if (!addressAt(SOURCE, bytes, batch.source, row) || !addressAt(TARGET, bytes, batch.target, row)) return false
      const proto = textAt(PROTO, protos, bytes)
      const flags = proto === Proto.tcp ? flagsAt(FLAGS_OUT, bytes) : 0
      const answered = proto === Proto.tcp ? flagsAt(FLAGS_IN, bytes) : 0
      if (proto === Proto.tcp ? !(flags > 0 && answered >= 0) : proto !== Proto.udp) return false
      const startMs = timeAt(START, bytes)
      const packetsIn = countAt(PACKETS_IN)
      raw.startMs = startMs
      raw.durationMs = Math.max(0, timeAt(END, bytes) - startMs)
      raw.sourcePort = countAt(SOURCE_PORT)
      raw.targetPort = countAt(TARGET_PORT)
      raw.proto = proto!
      raw.service = textAt(SERVICE, services, bytes) ?? 0
      raw.state = proto === Proto.tcp ? tcpState(flags, answered) : outcomeWithoutFlags(proto!, packetsIn > 0)
      raw.bytesOut = countAt(BYTES_OUT)
      raw.bytesIn = countAt(BYTES_IN)
      raw.packetsOut = countAt(PACKETS_OUT)
      raw.packetsIn = packetsIn
      return fillRow(batch, raw) === null
    },
    takeDns(batch, bytes) {
      const isQuestion = textAt(DNS_KIND, queryKinds, bytes)
      const query = textAt(DNS_NAME, names, bytes)
      if (kind[DNS] !== Found.object || isQuestion !== true || query === null) return false
      if (OF_ANSWERS.some((slot) => kind[slot] !== Found.none) || kind[DNS_ID] !== Found.count) return false
      const type = textAt(DNS_TYPE, queryTypes, bytes)
      const ends = endsOf(bytes)
      if (ends === null || type === null) return false
      const said: DnsHint = { ...clientFirst(ends), kind: 'dns', query, type, code: -1, answers: [], answeredMs: -1 }
      dns.give(batch, countAt(FLOW_ID) || 0, count[DNS_ID]!, said)
      return true
    },
    tlsHint(bytes) {
      if (kind[TLS] !== Found.object) return null
      const ends = endsOf(bytes)
      if (ends === null) return null
      const shown = (slot: number, of: typeof names) => (kind[slot] === Found.none ? '' : textAt(slot, of, bytes))
      const [serverName, version] = [shown(TLS_NAME, names), shown(TLS_VERSION, versions)]
      const [ja3, ja3s, ja4] = [shown(JA3, hashes), shown(JA3S, hashes), shown(JA4, clients)]
      if (serverName === null || version === null || ja3 === null || ja3s === null || ja4 === null) return null
      return { ...ends, kind: 'tls', serverName, version, ja3, ja3s, ja4, protocol: '' }
    },
  }
}

/** NaN for any other character. */
function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN
}
