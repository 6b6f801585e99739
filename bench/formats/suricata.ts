/**
 * Captures beside checks on the events Suricata makes of them (OISF suricata-verify): every capture must be read whole, and
 * every check on events we have something like (flow, netflow, dns, tls, http, ssh, quic) with fields we tell must count the
 * same. Checks on rules, alerts, logs of Suricata's own, or fields we do not keep are left out and told.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parse } from 'yaml'
import { canonicalText, formatAddress } from '../../src/model/address.ts'
import type { Hint } from '../../src/model/hint.ts'
import { type CapturedFlow, type CaptureRead, captureIn, readCapture } from './captures.ts'
import type { Section } from './section.ts'

type Match = Readonly<Record<string, unknown>>
type Check = {
  readonly filter?: {
    readonly count?: number
    readonly filename?: string
    readonly match?: Match
    readonly requires?: Requires
  }
}
type Requires = { readonly 'lt-version'?: unknown }
type Spec = {
  readonly checks?: readonly Check[]
  readonly args?: readonly string[]
  readonly pcap?: string
  readonly requires?: Requires
}
type Event = Readonly<Record<string, unknown>>

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
}
const CODES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']
/** Fields of each event that we tell. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  flow: ['app_proto', 'flow.pkts_toserver', 'flow.pkts_toclient'],
  netflow: ['app_proto', 'netflow.pkts'],
  dns: ['dns.type', 'dns.rrname', 'dns.rrtype', 'dns.rcode', 'dns.answers.__len'],
  tls: ['tls.sni', 'tls.version', 'tls.ja3.hash', 'tls.ja3s.hash', 'tls.ja4', 'tls.client_alpns[0]'],
  http: ['http.hostname', 'http.url', 'http.http_method', 'http.http_user_agent', 'http.status'],
  ssh: ['ssh.client.proto_version', 'ssh.client.software_version'],
  quic: ['quic.sni', 'quic.ja4', 'quic.ja3.hash'],
}
const ENDS = ['event_type', 'src_ip', 'src_port', 'dest_ip', 'dest_port', 'proto']

export async function run(folder: string): Promise<Section> {
  const excludedWhy: Record<string, number> = {}
  const failures: string[] = []
  let expected = 0
  let passed = 0
  let captures = 0
  const check = (isRight: boolean, failure: string) => {
    expected++
    if (isRight) passed++
    else failures.push(failure)
  }
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('test.yaml'))
  for (const file of files.sort()) {
    const spec: Spec = parse(readFileSync(`${folder}/${file}`, 'utf8')) ?? {}
    const capture = captureOf(`${folder}/${dirname(file)}`, spec)
    if (capture === null) {
      excludedWhy['there is no capture beside the checks'] =
        (excludedWhy['there is no capture beside the checks'] ?? 0) + (spec.checks?.length ?? 0)
      continue
    }
    const isLax = (spec.args ?? []).some((arg) => /-k\s+none/.test(arg))
    const read = readCapture(capture, isLax ? 'ignored' : 'verified')
    captures++
    check(read.troubles.length === 0 && read.counts.packets > 0, `${dirname(file)}: ${read.troubles[0] ?? 'no packet'}`)
    const events = eventsOf(read)
    for (const one of spec.checks ?? []) {
      const why = notComparedWhy(one, spec)
      if (why !== null) {
        excludedWhy[why] = (excludedWhy[why] ?? 0) + 1
        continue
      }
      const { match = {}, count = 0 } = one.filter!
      const found = events.filter((event) => fits(event, match)).length
      check(found === count, `${dirname(file)}: ${JSON.stringify(match)} ${count} times, ours ${found}`)
    }
  }
  const excluded = Object.values(excludedWhy).reduce((sum, n) => sum + n, 0)
  return { expected, passed, excluded, excludedWhy, failures, figures: { captures } }
}

/** The capture may be named by the test, and then lies somewhere near. */
function captureOf(folder: string, spec: Spec): string | null {
  const own = captureIn(folder)
  if (own !== null) return own
  const named = typeof spec.pcap === 'string' ? `${folder}/${spec.pcap}` : null
  return named !== null && existsSync(named) ? named : null
}

function notComparedWhy(one: Check, spec: Spec): string | null {
  const { filter } = one
  if (filter?.match === undefined || filter.count === undefined)
    return 'the check is on files or output of Suricata itself'
  if (filter.requires?.['lt-version'] !== undefined || spec.requires?.['lt-version'] !== undefined)
    return 'the check is for an older Suricata'
  if (filter.filename !== undefined) return 'the check is on one of several logs Suricata was told to write'
  const type = String(filter.match.event_type)
  const told = TOLD[type]
  if (told === undefined) return `events of type ${type} come from rules or from what we do not dissect`
  const field = Object.keys(filter.match).find((name) => !ENDS.includes(name) && !told.includes(name))
  return field === undefined ? null : `${type} events: we do not tell ${field.replace(/\[.*/, '')}`
}

function fits(event: Event, match: Match): boolean {
  return Object.entries(match).every(([name, value]) => {
    const wanted = name.endsWith('_ip') ? canonicalText(String(value)) : value
    return String(event[name]) === String(wanted)
  })
}

function eventsOf({ flows, hints }: CaptureRead): Event[] {
  return [...flows.flatMap(flowEvents), ...hints.flatMap(hintEvents)]
}

function flowEvents(flow: CapturedFlow): Event[] {
  const ends = endsOf(flow.source, flow.sourcePort, flow.target, flow.targetPort, flow.protoNumber)
  const back = endsOf(flow.target, flow.targetPort, flow.source, flow.sourcePort, flow.protoNumber)
  const app_proto = flow.service === 'ssl' ? 'tls' : flow.service
  return [
    {
      ...ends,
      event_type: 'flow',
      app_proto,
      'flow.pkts_toserver': flow.packetsOut,
      'flow.pkts_toclient': flow.packetsIn,
    },
    { ...ends, event_type: 'netflow', app_proto, 'netflow.pkts': flow.packetsOut },
    { ...back, event_type: 'netflow', app_proto, 'netflow.pkts': flow.packetsIn },
  ]
}

function hintEvents(hint: Hint): Event[] {
  const from = formatAddress(hint.source)
  const to = formatAddress(hint.target)
  const ends = endsOf(from, hint.sourcePort, to, hint.targetPort, hint.proto)
  switch (hint.kind) {
    case 'dns': {
      const asked = {
        ...ends,
        event_type: 'dns',
        'dns.rrname': hint.query,
        'dns.rrtype': TYPES[hint.type] ?? String(hint.type),
      }
      const answered = { ...asked, 'dns.rcode': CODES[hint.code], 'dns.answers.__len': hint.answers.length }
      const events: Event[] = []
      if (hint.code < 0 || hint.answeredMs >= 0) events.push({ ...asked, 'dns.type': 'request' })
      if (hint.code >= 0) events.push({ ...answered, 'dns.type': 'response' })
      return events
    }
    case 'tls': {
      const type = hint.proto === 17 ? 'quic' : 'tls'
      const said = {
        [`${type}.sni`]: hint.serverName,
        [`${type}.ja3.hash`]: hint.ja3,
        [`${type}.ja4`]: hint.ja4,
        'tls.ja3s.hash': hint.ja3s,
        'tls.version': hint.version.replace(/^TLSv1(\d)$/, 'TLS 1.$1'),
        'tls.client_alpns[0]': hint.protocol,
      }
      return [{ ...ends, event_type: type, ...said }]
    }
    case 'http': {
      const said = { 'http.hostname': hint.host, 'http.url': hint.path, 'http.http_method': hint.method }
      return [
        { ...ends, event_type: 'http', ...said, 'http.http_user_agent': hint.userAgent, 'http.status': hint.status },
      ]
    }
    case 'login': {
      const banner = /^SSH-([^-]+)-(\S+)/.exec(hint.client)
      if (hint.service !== 'ssh' || banner === null) return []
      return [
        { ...ends, event_type: 'ssh', 'ssh.client.proto_version': banner[1], 'ssh.client.software_version': banner[2] },
      ]
    }
    default:
      return []
  }
}

function endsOf(src_ip: string, src_port: number, dest_ip: string, dest_port: number, proto: number): Event {
  const name =
    proto === 6 ? 'TCP' : proto === 17 ? 'UDP' : proto === 1 ? 'ICMP' : proto === 58 ? 'IPv6-ICMP' : String(proto)
  return { src_ip, src_port, dest_ip, dest_port, proto: name }
}
