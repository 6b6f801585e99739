/**
 * Captures beside the conn.log Zeek made of each: rows of plain TCP, UDP and ICMP must be equal in duration (±1 ms), payload
 * bytes each way and conn_state. What is not compared is told with the reason, which is read off the row, the capture or
 * the command in manifest.json, never off a name.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { Checksums } from '../../src/observe/pcap/network.ts'
import { SERVER_PORTS, TUNNEL_PORTS } from '../../src/observe/pcap/server-ports.ts'
import { type CapturedFlow, captureIn, readCapture } from './captures.ts'
import type { Section } from './section.ts'

type Case = { readonly test: string; readonly zeek_command: string }
type Row = Readonly<Record<string, string>>
type Log = { readonly fields: readonly string[]; readonly rows: readonly Row[] }

const COMPARED = [
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
]
const PLAIN: ReadonlySet<string> = new Set(['tcp', 'udp', 'icmp'])
const TOLERANCE_MS = 1
/** IP in IP, IPv6 in IP, GRE. */
const TUNNELS: ReadonlySet<number> = new Set([4, 41, 47])

export async function run(folder: string): Promise<Section | null> {
  if (!existsSync(`${folder}/manifest.json`)) return null
  const cases: readonly Case[] = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'))
  const excludedWhy: Record<string, number> = {}
  const failures: string[] = []
  let expected = 0
  let passed = 0
  const exclude = (why: string, rows: number) => {
    if (rows > 0) excludedWhy[why] = (excludedWhy[why] ?? 0) + rows
  }
  for (const one of cases) {
    const capture = existsSync(`${folder}/${one.test}`) ? captureIn(`${folder}/${one.test}`) : null
    if (capture === null || !existsSync(`${folder}/${one.test}/conn.log`)) {
      exclude('there is no capture or no log in the folder', 1)
      continue
    }
    const log = readLog(readFileSync(`${folder}/${one.test}/conn.log`, 'utf8'))
    const missing = COMPARED.filter((field) => !log.fields.includes(field))
    if (missing.length > 0) {
      exclude(
        `the log was cut down to columns without ${missing.includes('id.orig_h') ? 'addresses' : missing.join(' ')}`,
        log.rows.length,
      )
      continue
    }
    const read = readLike(one, capture, log)
    const left = [...read]
    for (const row of log.rows) {
      const why = notComparedWhy(row, log, read)
      if (why !== null) {
        exclude(why, 1)
        continue
      }
      expected++
      const at = left.findIndex((flow) => isEqual(row, flow))
      if (at >= 0) {
        passed++
        left.splice(at, 1)
      } else failures.push(`${one.test}: ${tellRow(row)}; ours ${tellFlows(row, read)}`)
    }
  }
  const excluded = Object.values(excludedWhy).reduce((sum, n) => sum + n, 0)
  return { expected, passed, excluded, excludedWhy, failures }
}

/**
 * `-C` ignores checksums, and so may the test's script, which the manifest does not hold; `-b` loads no scripts but those
 * the test names, so that Zeek may not know the ports of servers. Which it was is seen by the packets it counted, which
 * are not compared: the way that gives most of its rows with as many packets, the command's own before the others.
 */
function readLike(one: Case, capture: string, log: Log): readonly CapturedFlow[] {
  const words = one.zeek_command.split(/\s+/)
  const isScripted = words.includes('%INPUT')
  const checksums: Checksums[] = words.includes('-C')
    ? ['ignored']
    : isScripted
      ? ['verified', 'ignored']
      : ['verified']
  const ports = words.includes('-b') ? [SERVER_PORTS, TUNNEL_PORTS] : [SERVER_PORTS]
  const ways = checksums.flatMap((checksum) => ports.map((known) => readCapture(capture, checksum, known).flows))
  const found = ways.map(
    (flows) => log.rows.filter((row) => flows.some((flow) => isSame(row, flow) && hasPackets(row, flow))).length,
  )
  return ways[found.indexOf(Math.max(...found))]!
}

function hasPackets(row: Row, flow: CapturedFlow): boolean {
  return flow.packetsOut === number(row.orig_pkts) && flow.packetsIn === number(row.resp_pkts)
}

function notComparedWhy(row: Row, log: Log, flows: readonly CapturedFlow[]): string | null {
  if (!PLAIN.has(row.proto!)) return 'the transport is none of TCP, UDP, ICMP'
  const parents = row.tunnel_parents ?? '-'
  if (parents !== '-' && parents !== '(empty)') return 'the conversation runs inside a tunnel (tunnel_parents)'
  if (log.fields.includes('id.vlan')) return 'a script made Zeek tell conversations apart by VLAN too'
  const ours = flows.filter((flow) => isBetween(row, flow))
  const packets = ours.reduce((sum, flow) => sum + flow.packetsOut + flow.packetsIn, 0)
  const theirs = log.rows
    .filter((other) => areSameEnds(row, other))
    .reduce((sum, other) => sum + number(other.orig_pkts) + number(other.resp_pkts), 0)
  if (row.orig_pkts !== undefined && theirs < packets)
    return 'a script made Zeek look away: it counts fewer packets of the conversation than the capture holds'
  if (ours.length === 0 && flows.some((flow) => TUNNELS.has(flow.protoNumber)))
    return 'the conversation runs inside a tunnel whose header a script told Zeek to skip'
  return null
}

function isEqual(row: Row, flow: CapturedFlow): boolean {
  if (!isSame(row, flow) || flow.state !== row.conn_state) return false
  // Zeek leaves out duration and bytes of what took no time.
  if (row.duration === '-') return flow.durationMs === 0
  return (
    Math.abs(flow.durationMs - number(row.duration) * 1_000) <= TOLERANCE_MS &&
    flow.payloadOut === number(row.orig_bytes) &&
    flow.payloadIn === number(row.resp_bytes)
  )
}

function isSame(row: Row, flow: CapturedFlow): boolean {
  return (
    flow.proto === row.proto &&
    flow.source === row['id.orig_h'] &&
    flow.target === row['id.resp_h'] &&
    flow.sourcePort === number(row['id.orig_p']) &&
    flow.targetPort === number(row['id.resp_p'])
  )
}

/** Between the same two ends, whoever began. */
function isBetween(row: Row, flow: CapturedFlow): boolean {
  if (isSame(row, flow)) return true
  const { source, target, sourcePort, targetPort } = flow
  return isSame(row, { ...flow, source: target, target: source, sourcePort: targetPort, targetPort: sourcePort })
}

function areSameEnds(a: Row, b: Row): boolean {
  const ends = (row: Row) =>
    [`${row['id.orig_h']} ${row['id.orig_p']}`, `${row['id.resp_h']} ${row['id.resp_p']}`].sort().join(' ')
  return a.proto === b.proto && ends(a) === ends(b)
}

function number(text: string | undefined): number {
  return text === undefined || text === '-' ? 0 : Number(text)
}

/** TSV with `#fields`, or with the names in the first line where a test cut the log down. */
function readLog(text: string): Log {
  let fields: readonly string[] | null = null
  const rows: Row[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('#')) {
      if (line.startsWith('#fields\t')) fields = line.split('\t').slice(1)
      continue
    }
    const values = line.split('\t')
    if (fields === null) fields = values
    else rows.push(Object.fromEntries(fields.map((field, i) => [field, values[i] ?? '-'])))
  }
  return { fields: fields ?? [], rows }
}

function tellRow(row: Row): string {
  return `Zeek ${row.proto} ${row['id.orig_h']}:${row['id.orig_p']} > ${row['id.resp_h']}:${row['id.resp_p']} ${row.duration} s ${row.orig_bytes}/${row.resp_bytes} B ${row.conn_state}`
}

function tellFlows(row: Row, flows: readonly CapturedFlow[]): string {
  const near = flows.filter((flow) => isBetween(row, flow)).slice(0, 3)
  if (near.length === 0) return 'has none such'
  return near
    .map(
      (flow) =>
        `${isSame(row, flow) ? '' : '(turned) '}${flow.durationMs / 1_000} s ${flow.payloadOut}/${flow.payloadIn} B ${flow.state}`,
    )
    .join(', ')
}
