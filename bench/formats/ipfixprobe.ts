/**
 * Captures beside what CESNET's ipfixprobe exports of them: per pair of ends the packets and bytes each way, and what its
 * plugins read (TLS name, JA3 and JA4, DNS names, HTTP requests, the name in QUIC). It cuts a conversation where we do not
 * (timeouts, plugins that flush), so sums are compared; columns of plugins we have nothing like are not.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { canonicalText, formatAddress } from '../../src/model/address.ts'
import type { Hint } from '../../src/model/hint.ts'
import { type CapturedFlow, type CaptureRead, readCapture } from './captures.ts'
import type { Section } from './section.ts'

/** Outputs made of a capture of another name, as upstream's CMakeLists pairs them. */
const INPUTS: Readonly<Record<string, string>> = {
  basic: 'mixed',
  phists: 'mixed',
  pstats: 'mixed',
  nettisa: 'mixed',
  passivedns: 'dns',
  basicplus: 'http',
  ssadetector: 'ovpn',
  quic: 'quic_initial-sample',
}
const ENDS = ['SRC_IP', 'DST_IP', 'SRC_PORT', 'DST_PORT', 'PROTOCOL', 'TIME_FIRST', 'TIME_LAST']
const COUNTED = [...ENDS, 'BYTES', 'BYTES_REV', 'PACKETS', 'PACKETS_REV']
type Exported = Readonly<Record<string, string>>
type Sum = { bytes: number; packets: number }
type Tally = {
  expected: number
  passed: number
  readonly excludedWhy: Record<string, number>
  readonly failures: string[]
}

export async function run(folder: string): Promise<Section | null> {
  if (!existsSync(`${folder}/outputs`)) return null
  const tally: Tally = { expected: 0, passed: 0, excludedWhy: {}, failures: [] }
  const reads = new Map<string, CaptureRead>()
  const read = (name: string) => {
    const known = reads.get(name)
    if (known !== undefined) return known
    const fresh = readCapture(`${folder}/inputs/${name}.pcap`, 'ignored')
    reads.set(name, fresh)
    return fresh
  }
  for (const file of readdirSync(`${folder}/inputs`)) {
    if (!file.endsWith('.pcap')) continue
    const { troubles, counts } = read(file.slice(0, -5))
    check(
      tally,
      troubles.length === 0 && counts.malformed === 0,
      `${file}: ${troubles[0] ?? `${counts.malformed} malformed`}`,
    )
  }
  for (const output of readdirSync(`${folder}/outputs`)) {
    const input = existsSync(`${folder}/inputs/${output}.pcap`) ? output : INPUTS[output]
    if (input === undefined || !existsSync(`${folder}/inputs/${input}.pcap`)) {
      exclude(tally, `the capture of ${output} is not there`, 1)
      continue
    }
    const records = readRecords(readFileSync(`${folder}/outputs/${output}`, 'utf8'))
    compareSums(tally, output, records, read(input).flows)
    compareHints(tally, output, records, read(input).hints)
  }
  const excluded = Object.values(tally.excludedWhy).reduce((sum, n) => sum + n, 0)
  return { ...tally, excluded, figures: { captures: reads.size } }
}

function check(tally: Tally, isEqual: boolean, failure: string): void {
  tally.expected++
  if (isEqual) tally.passed++
  else tally.failures.push(failure)
}

function exclude(tally: Tally, why: string, count: number): void {
  if (count > 0) tally.excludedWhy[why] = (tally.excludedWhy[why] ?? 0) + count
}

/** Unirec CSV: lines of values and, sorted among them, one of `type NAME` columns. */
function readRecords(text: string): Exported[] {
  const lines = text.split('\n').filter((line) => line !== '')
  const head = lines.find((line) => line.startsWith('ipaddr ') || line.startsWith('uint') || line.startsWith('bytes '))
  if (head === undefined) return []
  const names = head.split(',').map((column) => column.split(' ')[1]!)
  return lines
    .filter((line) => line !== head)
    .map((line) => {
      const values = splitValues(line)
      return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
    })
}

function splitValues(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|\[[^\]]*\]|[^,]*)(?:,|$)/g)]
    .map((match) => match[1]!)
    .map((value) => (value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value))
}

/** Bytes and packets from one end to the other, by direction. */
function addSum(sums: Map<string, Sum>, key: string, bytes: number, packets: number): void {
  const sum = sums.get(key) ?? { bytes: 0, packets: 0 }
  sum.bytes += bytes
  sum.packets += packets
  sums.set(key, sum)
}

function compareSums(tally: Tally, output: string, records: readonly Exported[], flows: readonly CapturedFlow[]): void {
  const theirs = new Map<string, Sum>()
  const told = new Set<string>()
  for (const record of records) {
    if (record.BYTES === undefined || record.SRC_IP === undefined) continue
    // A record for each name found repeats the counters of the one conversation.
    const same = COUNTED.map((name) => record[name]).join(' ')
    if (told.has(same)) continue
    told.add(same)
    const source = `${canonicalText(record.SRC_IP)} ${record.SRC_PORT}`
    const target = `${canonicalText(record.DST_IP!)} ${record.DST_PORT}`
    addSum(theirs, `${record.PROTOCOL} ${source} > ${target}`, Number(record.BYTES), Number(record.PACKETS))
    addSum(theirs, `${record.PROTOCOL} ${target} > ${source}`, Number(record.BYTES_REV), Number(record.PACKETS_REV))
  }
  const ours = new Map<string, Sum>()
  for (const flow of flows) {
    const proto = protoNumber(flow)
    const hasPorts = proto === 6 || proto === 17
    const source = `${flow.source} ${hasPorts ? flow.sourcePort : 0}`
    const target = `${flow.target} ${hasPorts ? flow.targetPort : 0}`
    addSum(ours, `${proto} ${source} > ${target}`, flow.ipBytesOut, flow.packetsOut)
    addSum(ours, `${proto} ${target} > ${source}`, flow.ipBytesIn, flow.packetsIn)
  }
  for (const [key, sum] of theirs) {
    const own = ours.get(key) ?? { bytes: 0, packets: 0 }
    const isEqual = own.bytes === sum.bytes && own.packets === sum.packets
    if (!isEqual && isPlugin(records) && own.packets > sum.packets) {
      exclude(tally, 'a plugin exports only those records of a conversation that hold its protocol', 1)
      continue
    }
    check(tally, isEqual, `${output}: ${key} ${sum.bytes} B ${sum.packets} p, ours ${own.bytes} B ${own.packets} p`)
  }
}

/** Outputs of plugins leave out records in which the plugin found nothing. */
function isPlugin(records: readonly Exported[]): boolean {
  return Object.keys(records[0] ?? {}).some((name) =>
    /^(DNS|TLS|HTTP|QUIC|SIP|RTSP|NTP|NB|MQTT|SSDP|DNSSD|SMTP|IDP|WG|OVPN|SSA|PDNS|S_?)_?/.test(name),
  )
}

function compareHints(tally: Tally, output: string, records: readonly Exported[], hints: readonly Hint[]): void {
  for (const record of records) {
    if (record.TLS_SNI !== undefined) compareTls(tally, output, record, hints)
    else if (record.DNS_NAME !== undefined && record.DNS_NAME !== '') {
      const name = record.DNS_NAME.toLowerCase()
      check(
        tally,
        hints.some((hint) => hint.kind === 'dns' && (hint.query === name || hint.answers.includes(name))),
        `${output}: no DNS name ${name}`,
      )
    } else if (record.HTTP_REQUEST_METHOD !== undefined && record.HTTP_REQUEST_METHOD !== '')
      compareHttp(tally, output, record, hints)
    else if (record.QUIC_SNI !== undefined && record.QUIC_SNI !== '') {
      const name = record.QUIC_SNI
      check(
        tally,
        hints.some((hint) => hint.kind === 'tls' && hint.serverName === name),
        `${output}: no QUIC to ${name}`,
      )
    }
  }
}

function compareTls(tally: Tally, output: string, record: Exported, hints: readonly Hint[]): void {
  const { TLS_SNI: name = '', TLS_JA3_FINGERPRINT: print = '', TLS_JA4: print4 = '' } = record
  if (print === '') return
  const same = hints.filter((hint) => hint.kind === 'tls' && isBetween(hint, record))
  const has = same.some(
    (hint) =>
      hint.kind === 'tls' && hint.serverName === name.toLowerCase() && hint.ja3 === print && hint.ja4 === print4,
  )
  const told = same.map((hint) => (hint.kind === 'tls' ? `${hint.serverName} ${hint.ja3} ${hint.ja4}` : '')).join(', ')
  check(tally, has, `${output}: ${name} ${print} ${print4}, ours ${told || 'none'}`)
}

function compareHttp(tally: Tally, output: string, record: Exported, hints: readonly Hint[]): void {
  const same = hints.filter((hint) => hint.kind === 'http' && isBetween(hint, record))
  const has = same.some(
    (hint) =>
      hint.kind === 'http' &&
      hint.method === record.HTTP_REQUEST_METHOD &&
      hint.host === record.HTTP_REQUEST_HOST!.toLowerCase() &&
      hint.path === record.HTTP_REQUEST_URL!.slice(0, 200) &&
      hint.userAgent === record.HTTP_REQUEST_AGENT &&
      hint.status === Number(record.HTTP_RESPONSE_STATUS_CODE),
  )
  check(
    tally,
    has,
    `${output}: ${record.HTTP_REQUEST_METHOD} ${record.HTTP_REQUEST_HOST}${record.HTTP_REQUEST_URL} ${record.HTTP_RESPONSE_STATUS_CODE}, ours ${JSON.stringify(same)}`,
  )
}

function isBetween(hint: Hint, record: Exported): boolean {
  const ends = (a: string, b: string) => [a, b].sort().join(' ')
  const ours = ends(
    `${formatAddress(hint.source)} ${hint.sourcePort}`,
    `${formatAddress(hint.target)} ${hint.targetPort}`,
  )
  return (
    ours ===
    ends(`${canonicalText(record.SRC_IP!)} ${record.SRC_PORT}`, `${canonicalText(record.DST_IP!)} ${record.DST_PORT}`)
  )
}

function protoNumber(flow: CapturedFlow): number {
  if (flow.proto === 'tcp') return 6
  if (flow.proto === 'udp') return 17
  return flow.proto === 'icmp' ? (flow.source.includes(':') ? 58 : 1) : flow.protoNumber
}
