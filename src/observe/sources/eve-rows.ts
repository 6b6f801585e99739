/**
 * Lines of Suricata's EVE log (docs.suricata.io, output/eve/eve-json-format) into rows and hints: `flow` and `netflow` events
 * become rows, dns, tls, quic, http, ssh, smtp and alert events hints; events of other types are counted. The type is looked
 * for in the bytes first, so that only what is wanted is parsed.
 */
import { parseAddress } from '../../model/address.ts'
import { type FlowBatch, Mark, Phase, Proto, stateCode } from '../../model/flow.ts'
import { isShaken, tcpState } from '../netflow/tcp-state.ts'
import type { ServiceNames } from '../source.ts'
import { createEveDns } from './eve-dns.ts'
import { EVE_HINTS, type EveRecord, eveEnds, numberAt, objectAt, textAt } from './eve-hints.ts'
import { createEveQuick } from './eve-quick.ts'
import { createEveTimes } from './eve-time.ts'
import { fillRow } from './fill-row.ts'
import { outcomeWithoutFlags } from './flagless.ts'
import { protoOf } from './hint-fields.ts'
import { countKind, giveHint, type LineRows, type Refused, refusedLine } from './line-rows.ts'

const TYPE_KEY = '"event_type":"'

export function createEveRows(services: ServiceNames): LineRows {
  const passed = new Map<string, number>()
  const times = createEveTimes()
  const dns = createEveDns(passed)
  const halves = createHalves()
  /** Both kinds tell the same conversations: once flow events are there, netflow events are not counted again. */
  let hasFlows = false

  const serviceOf = (name: string) =>
    name === '' || name === 'failed'
      ? 0
      : services.intern(Object.hasOwn(SERVICE, name) ? SERVICE[name]! : name.slice(0, 256))
  const quick = createEveQuick(times, dns, serviceOf)

  const takeEvent = (batch: FlowBatch, type: string, event: EveRecord): Refused => {
    if (type === 'flow') {
      hasFlows = true
      return takeFlow(batch, event, 'flow')
    }
    if (type === 'netflow' && !hasFlows) {
      const half = halves.answers(event, batch)
      return half === null ? takeFlow(batch, event, 'netflow') : fillAnswer(batch, half, event)
    }
    const at = times.of(textAt(event, 'timestamp'))
    if (type === 'dns') return dns.take(batch, event, at)
    const make = EVE_HINTS[type]
    if (make === undefined) {
      countKind(passed, type)
      return null
    }
    const ends = eveEnds(event, at)
    if (ends === null) return refusedLine(`a ${type} event without a time, two addresses and two ports`)
    const hint = make(event, ends)
    if (hint === null) countKind(passed, type)
    else giveHint(batch, hint, passed)
    return null
  }
  const takeFlow = (batch: FlowBatch, event: EveRecord, key: 'flow' | 'netflow'): Refused => {
    const flow = objectAt(event, key)
    const source = parseAddress(textAt(event, 'src_ip'))
    const target = parseAddress(textAt(event, 'dest_ip'))
    if (flow === null) return refusedLine(`a ${key} event without its ${key}`)
    if (source === null || target === null) return refusedLine(`a ${key} event without two addresses`)
    batch.source.set(source, batch.count * 4)
    batch.target.set(target, batch.count * 4)
    const startMs = times.of(textAt(flow, 'start'))
    const endMs = times.of(textAt(flow, 'end'))
    const proto = protoOf(textAt(event, 'proto'))
    const counts = countsOf(flow, key)
    if (counts === null) return refusedLine(`a ${key} event without its counts`)
    const isIcmp = proto === Proto.icmp || proto === Proto.icmp6
    const service = textAt(event, 'app_proto')
    const port = (name: string) => (isIcmp ? numberAt(event, name) || 0 : portAt(event, name))
    return fillRow(batch, {
      startMs,
      durationMs: Number.isNaN(endMs) ? 0 : Math.max(0, endMs - startMs),
      sourcePort: port(isIcmp ? 'icmp_type' : 'src_port'),
      targetPort: port(isIcmp ? 'icmp_code' : 'dest_port'),
      proto,
      service: serviceOf(service),
      state: stateOf(event, flow, proto, counts.packetsIn > 0),
      ...counts,
    })
  }
  /** False when the event is to be parsed: it is unusual, or will be refused. */
  const takeQuickly = (batch: FlowBatch, type: string, bytes: Buffer): boolean => {
    switch (type) {
      case 'flow':
        if (!quick.takeFlow(batch, bytes)) return false
        hasFlows = true
        return true
      case 'dns':
        return quick.takeDns(batch, bytes)
      case 'tls': {
        const hint = quick.tlsHint(bytes)
        if (hint !== null) giveHint(batch, hint, passed)
        return hint !== null
      }
      default:
        return false
    }
  }
  return {
    passed,
    take(batch, bytes, from, to) {
      if (to <= from) return null
      const seen = quick.typeOf(bytes, from, to)
      if (seen !== null && takeQuickly(batch, seen, bytes)) return null
      const text = bytes.toString('latin1', from, to)
      const type = seen ?? typeIn(text)
      if (type !== null && type.length <= 32 && !WANTED.has(type)) {
        countKind(passed, type)
        return null
      }
      // One character a byte is quickest; names may hold others.
      const event = parseEvent(BEYOND_ASCII.test(text) ? bytes.toString('utf8', from, to) : text)
      if (event === null) return refusedLine('not a JSON object')
      // The bytes may have shown the type of something inside the event.
      const own = textAt(event, 'event_type')
      return own === '' ? refusedLine('no event_type') : takeEvent(batch, own.slice(0, 32), event)
    },
  }
}

function typeIn(text: string): string | null {
  const at = text.indexOf(TYPE_KEY)
  return at < 0 ? null : text.slice(at + TYPE_KEY.length, text.indexOf('"', at + TYPE_KEY.length))
}

const BEYOND_ASCII = /[\x80-\xff]/
const WANTED: ReadonlySet<string> = new Set(['flow', 'netflow', 'dns', ...Object.keys(EVE_HINTS)])

/** Suricata's names where Zeek has another one for the same. */
const SERVICE: Readonly<Record<string, string>> = { tls: 'ssl', krb5: 'krb' }

function parseEvent(text: string): EveRecord | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as EveRecord) : null
  } catch {
    return null
  }
}

/** ICMP events have no ports, nor do other protocols without any. */
function portAt(event: EveRecord, key: string): number {
  const value = event[key]
  if (value === undefined) return 0
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : Number.NaN
}

function countsOf(flow: EveRecord, key: 'flow' | 'netflow') {
  const count = (name: string) => (flow[name] === undefined ? 0 : numberAt(flow, name))
  const counts =
    key === 'flow'
      ? {
          bytesOut: count('bytes_toserver'),
          bytesIn: count('bytes_toclient'),
          packetsOut: count('pkts_toserver'),
          packetsIn: count('pkts_toclient'),
        }
      : { bytesOut: count('bytes'), bytesIn: 0, packetsOut: count('pkts'), packetsIn: 0 }
  return counts.bytesOut >= 0 && counts.bytesIn >= 0 && counts.packetsOut >= 0 && counts.packetsIn >= 0 ? counts : null
}

/** From the flags of each side; without them (a flow picked up before the engine knew TCP) from what Suricata calls it. */
function stateOf(event: EveRecord, flow: EveRecord, proto: number, isAnswered: boolean): number {
  if (proto !== Proto.tcp) return outcomeWithoutFlags(proto, isAnswered)
  const tcp = objectAt(event, 'tcp')
  const out = flagsAt(tcp, 'tcp_flags_ts') || (isAnswered ? 0 : flagsAt(tcp, 'tcp_flags'))
  if (out !== 0) return tcpState(out, flagsAt(tcp, 'tcp_flags_tc'))
  return textAt(flow, 'state') === 'new' && !isAnswered && flagsAt(tcp, 'tcp_flags') === 0
    ? stateCode.S0
    : stateCode.none
}

const HEX = /^[0-9a-f]{1,2}$/i

function flagsAt(tcp: EveRecord | null, key: string): number {
  const text = tcp === null ? '' : textAt(tcp, key)
  return HEX.test(text) ? Number.parseInt(text, 16) : 0
}

type Half = {
  readonly flowId: number
  readonly row: number
  readonly source: string
  readonly target: string
  readonly flags: number
}

/** netflow events come in pairs, to the server and then back (output-json-netflow.c). */
function createHalves() {
  let last: (Half & { readonly batch: FlowBatch }) | null = null
  return {
    /** The row that this event is the answer of; null = it begins one. */
    answers(event: EveRecord, batch: FlowBatch): Half | null {
      const flowId = typeof event.flow_id === 'number' ? event.flow_id : Number.NaN
      const source = textAt(event, 'src_ip')
      const target = textAt(event, 'dest_ip')
      const first = last
      last = { flowId, row: batch.count, source, target, flags: flagsAt(objectAt(event, 'tcp'), 'tcp_flags'), batch }
      const isAnswer =
        first !== null &&
        first.batch === batch &&
        first.row === batch.count - 1 &&
        first.flowId === flowId &&
        first.source === target &&
        first.target === source
      if (isAnswer) last = null
      return isAnswer ? first : null
    },
  }
}

function fillAnswer(batch: FlowBatch, half: Half, event: EveRecord): Refused {
  const flow = objectAt(event, 'netflow')
  const counts = flow === null ? null : countsOf(flow, 'netflow')
  if (counts === null) return refusedLine('a netflow event without its counts')
  const { row } = half
  if (batch.phase[row] !== Phase.whole) return null
  const proto = batch.proto[row]!
  batch.bytesIn[row] = counts.bytesOut
  batch.packetsIn[row] = Math.min(counts.packetsOut, 0xffffffff)
  if (proto !== Proto.tcp) {
    batch.state[row] = outcomeWithoutFlags(proto, true)
    batch.marks[row] = Mark.handshake
    return null
  }
  const answer = flagsAt(objectAt(event, 'tcp'), 'tcp_flags')
  batch.state[row] = tcpState(half.flags, answer)
  batch.marks[row] = isShaken(half.flags, answer) ? Mark.handshake : 0
  return null
}
