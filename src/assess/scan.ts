/**
 * Attempts that find nobody: one service tried on many addresses (horizontal), many services tried on one address
 * (vertical), many addresses pinged (ICMP). One detector each, one bounded tally: distinct things per key in 5 minutes.
 */
import type { Evidence } from '../model/evidence.ts'
import { FAILED_STATES, type FlowBatch, Mark, Phase, Proto } from '../model/flow.ts'
import { type Detector, highOf, lowOf, pairKey, saySpan } from './detector.ts'
import { End, type Ends } from './ends.ts'
import { createTally, type Tally } from './tally.ts'

/** Zeek, policy/misc/scan.zeek: addr_scan_interval and port_scan_interval. */
const SPAN_MS = 300_000
/** Zeek, ibid.: addr_scan_threshold 25 hosts, port_scan_threshold 15 ports. */
const LEAST_HOSTS = 25
const LEAST_PORTS = 15
/** Twice Zeek's rate over a fifth of its time: a burst is worth a look (half the weight), long before 5 minutes are over. */
const LEAST_IN_A_MINUTE = 10
/** Slips says "ICMP address scan" from 25 targets (modules/network_discovery), too. */
const LEAST_PINGED = 25
/** Unanswered UDP is ordinary (discovery, peer-to-peer, games): twice as much of it is needed. */
const UDP_FACTOR = 2
const HALF_LIFE_MS = 1_800_000

/** Discovery and names: asked of many, answered by few, all day. */
const CHATTY_UDP = new Set([53, 67, 68, 123, 137, 138, 161, 546, 547, 1900, 3702, 5353, 5355])

export function createHorizontalScan(options: { readonly maxKeys?: number } = {}): Detector {
  return scanDetector(
    'scan.horizontal',
    options.maxKeys,
    countsAsAttempt,
    (batch, row, source, target, ends, tally) => {
      if (!ends.is(target, End.group))
        tally.add(pairKey(source, service(batch, row)), target, batch.end[row]!, isProven(batch, row))
    },
    (key, seen, ends) => {
      const proto = lowOf(key) % 256
      const port = Math.floor(lowOf(key) / 256)
      const factor = proto === Proto.udp ? UDP_FACTOR : 1
      const ratio = seen.count / (LEAST_HOSTS * factor)
      if (ratio < 1 && seen.recent < LEAST_IN_A_MINUTE * factor) return null
      const name = `${port}/${proto === Proto.udp ? 'udp' : 'tcp'}`
      return {
        peer: ends.network(seen.things),
        ratio,
        why: `tried port ${name} on ${seen.count}${seen.isCut ? ' or more' : ''} addresses in ${saySpan(seen.spanMs)} and found nobody`,
        figures: { addresses: seen.count, port, spanMs: seen.spanMs },
      }
    },
  )
}

export function createVerticalScan(options: { readonly maxKeys?: number } = {}): Detector {
  return scanDetector(
    'scan.vertical',
    options.maxKeys,
    countsAsAttempt,
    (batch, row, source, target, ends, tally) => {
      if (!ends.is(target, End.group))
        tally.add(pairKey(source, target), service(batch, row), batch.end[row]!, isProven(batch, row))
    },
    (key, seen, ends) => {
      let ports = 0
      for (const thing of seen.things) ports += thing % 256 === Proto.udp ? 1 / UDP_FACTOR : 1
      if (ports < LEAST_PORTS) return null
      const peer = ends.text(lowOf(key))
      return {
        peer,
        ratio: ports / LEAST_PORTS,
        why: `tried ${seen.count}${seen.isCut ? ' or more' : ''} ports of ${peer} in ${saySpan(seen.spanMs)} and was let in at none of them`,
        figures: { ports: seen.count, spanMs: seen.spanMs },
      }
    },
  )
}

const ECHO_REQUEST = 8
const ECHO_REQUEST_6 = 128
/** Timestamp, information and address mask requests (RFC 792, RFC 950): no program of today asks them of its neighbours. */
const ODD_REQUESTS: ReadonlyMap<number, string> = new Map([
  [13, 'timestamp'],
  [15, 'information'],
  [17, 'address mask'],
])
/** Slips (modules/network_discovery): 5 targets. */
const LEAST_ODD = 5
/** Monitoring pings many and is answered; two fifths of one network within a minute, answered or not, is worth a look. */
const LEAST_SWEPT = 100
/** What is tallied of a source, beside the types of odd requests. */
const SILENT = 0
const ANY = 1

export function createIcmpScan(options: { readonly maxKeys?: number } = {}): Detector {
  return scanDetector(
    'scan.icmp',
    options.maxKeys,
    (batch, row) => batch.proto[row] === Proto.icmp || batch.proto[row] === Proto.icmp6,
    (batch, row, source, target, ends, tally) => {
      const type = requestType(batch, row)
      if (type < 0 || batch.phase[row] === Phase.opened || ends.is(target, End.group)) return
      const at = batch.end[row]!
      const kind = type === ECHO_REQUEST ? ANY : type
      tally.add(pairKey(source, kind), target, at, isProven(batch, row))
      if (kind === ANY && !isAnswered(batch, row)) tally.add(pairKey(source, SILENT), target, at, isProven(batch, row))
    },
    (key, seen, ends) => judgeIcmp(lowOf(key), seen, ends),
  )
}

/** ICMP's type when it asks for something, as of IPv4; −1 else. */
function requestType(batch: FlowBatch, row: number): number {
  const type = batch.sourcePort[row]!
  if (batch.proto[row] === Proto.icmp6) return type === ECHO_REQUEST_6 ? ECHO_REQUEST : -1
  if (batch.proto[row] !== Proto.icmp) return -1
  return type === ECHO_REQUEST || ODD_REQUESTS.has(type) ? type : -1
}

function judgeIcmp(kind: number, seen: Seen, ends: Ends): Judgement | null {
  const many = `${seen.count}${seen.isCut ? ' or more' : ''} addresses in ${saySpan(seen.spanMs)}`
  const odd = ODD_REQUESTS.get(kind)
  const said = (ratio: number, why: string): Judgement => ({
    peer: ends.network(seen.things),
    ratio,
    why,
    figures: { addresses: seen.count, spanMs: seen.spanMs },
  })
  if (odd !== undefined)
    return seen.count < LEAST_ODD ? null : said(seen.count / (2 * LEAST_ODD), `sent ICMP ${odd} requests to ${many}`)
  if (kind === ANY)
    return seen.recent < LEAST_SWEPT || ends.network(seen.things) === null ? null : said(0.5, `pinged ${many}`)
  const ratio = seen.count / LEAST_PINGED
  if (ratio < 1 && seen.recent < LEAST_IN_A_MINUTE) return null
  return said(ratio, `pinged ${many} that did not answer`)
}

type Seen = ReturnType<Tally['read']>
type Judgement = { peer: string | null; ratio: number; why: string; figures: Record<string, number> }

function scanDetector(
  kind: 'scan.horizontal' | 'scan.vertical' | 'scan.icmp',
  maxKeys: number | undefined,
  isOfInterest: (batch: FlowBatch, row: number) => boolean,
  take: (batch: FlowBatch, row: number, source: number, target: number, ends: Ends, tally: Tally) => void,
  judge: (key: number, seen: Seen, ends: Ends) => Judgement | null,
): Detector {
  const tally = createTally({ spanMs: SPAN_MS, maxKeys: maxKeys ?? 65_536, maxThings: 1_024 })
  return {
    name: kind,
    spanMs: SPAN_MS,
    get held() {
      return tally.size
    },
    get refused() {
      return tally.refused
    },
    add(batch, ends) {
      for (let row = 0; row < batch.count; row++)
        if (ends.source[row]! >= 0 && isOfInterest(batch, row))
          take(batch, row, ends.source[row]!, ends.target[row]!, ends, tally)
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const key of tally.takeNews()) {
        const seen = tally.read(key)
        const judged = judge(key, seen, ends)
        if (judged !== null) found.push(toEvidence(kind, ends.text(highOf(key)), seen, judged))
      }
      return found
    },
    forget: (before, after) => tally.forget(before, after),
    drop: (sources) => tally.drop((key) => sources.has(highOf(key))),
  }
}

function toEvidence(kind: Evidence['kind'], subject: string, seen: Seen, judged: Judgement): Evidence {
  return {
    kind,
    subject,
    peer: judged.peer,
    // 3.0 at Zeek's threshold (σ(0.4) = 0.60), one more per doubling, at most 4.5; 1.5 for a burst below it.
    weight: judged.ratio < 1 ? 1.5 : Math.min(4.5, 3 + Math.log2(judged.ratio)),
    halfLifeMs: HALF_LIFE_MS,
    at: seen.last,
    authenticated: seen.isProven,
    source: `detector ${kind}/1`,
    why: judged.why,
    figures: judged.figures,
  }
}

const service = (batch: FlowBatch, row: number) => batch.targetPort[row]! * 256 + batch.proto[row]!

const isProven = (batch: FlowBatch, row: number) => (batch.marks[row]! & (Mark.antispoofed | Mark.handshake)) !== 0

function isAnswered(batch: FlowBatch, row: number): boolean {
  return batch.packetsIn[row]! > 0 || batch.bytesIn[row]! > 0 || (batch.marks[row]! & Mark.handshake) !== 0
}

/** A TCP attempt that was refused or ignored; a UDP one that nobody answered, to a service that is usually answered. */
function countsAsAttempt(batch: FlowBatch, row: number): boolean {
  if (!FAILED_STATES.has(batch.state[row]!)) return false
  if (batch.proto[row] === Proto.tcp) return true
  return batch.proto[row] === Proto.udp && !isAnswered(batch, row) && !CHATTY_UDP.has(batch.targetPort[row]!)
}
