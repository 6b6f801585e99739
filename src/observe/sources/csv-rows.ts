/**
 * Rows of a CSV file into the columns of a batch: the header says which column is where, a mapping what it means. Commas,
 * tabs or semicolons; values may be quoted (RFC 4180), without newlines in them. Times without a zone are taken as UTC.
 */
import { parseAddress } from '../../model/address.ts'
import { type FlowBatch, Proto, stateCode } from '../../model/flow.ts'
import { plainText } from '../../model/plain-text.ts'
import { tcpState } from '../netflow/tcp-state.ts'
import type { ServiceNames } from '../source.ts'
import { argusIcmp, argusState, flagsOf } from './argus-state.ts'
import { type CsvField, type CsvFormat, type CsvMap, knownCsv } from './csv-map.ts'
import { countOf, durationOf, portOf, timeOf } from './csv-values.ts'
import { fillRow } from './fill-row.ts'
import { protoOf } from './hint-fields.ts'
import { countKind, type LineRows, type Refused, refusedFile, refusedLine } from './line-rows.ts'

/** Carried over UDP, and named instead of it by Argus. */
const OVER_UDP = new Set(['rtp', 'rtcp', 'udt'])
/** Not flows between addresses: passed over. */
const NO_FLOWS = new Set(['arp', 'rarp', 'llc', 'man', 'lldp', 'ether', 'stp'])

type Columns = { readonly [field in CsvField]?: number }
type Values = {
  text(field: CsvField): string
  has(field: CsvField): boolean
  format(field: CsvField): CsvFormat | null
}

/** `map` null = only headers that are known. */
export function createCsvRows(services: ServiceNames, map: CsvMap | null): LineRows {
  const passed = new Map<string, number>()
  let separator = ','
  let width = 0
  let mapping: CsvMap = {}
  let columns: Columns | null = null

  const takeHeader = (line: string): Refused => {
    separator = separatorOf(line)
    const header = splitCsv(line, separator).map((name) => name.trim())
    width = header.length
    const known = map ?? knownCsv(header)?.map
    if (known === undefined)
      return refusedFile(
        `the header is not known: it has ${plainText(header.join(', '), 160)}; give --csv-map start=COLUMN,source=COLUMN,…`,
      )
    const found: { [field in CsvField]?: number } = {}
    for (const [field, { column }] of Object.entries(known)) {
      const at = header.indexOf(column)
      if (at < 0)
        return refusedFile(
          `no column "${plainText(column, 40)}" for ${field}; the header has ${plainText(header.join(', '), 160)}`,
        )
      found[field as CsvField] = at
    }
    mapping = known
    columns = found
    return null
  }
  const takeRow = (batch: FlowBatch, line: string, at: Columns): Refused => {
    const cells = splitCsv(line, separator)
    if (cells.length !== width) return refusedLine(`not ${width} columns as the header says`)
    const values: Values = {
      text: (field) => cells[at[field] ?? -1]?.trim() ?? '',
      has: (field) => at[field] !== undefined,
      format: (field) => mapping[field]?.format ?? null,
    }
    const proto = values.text('proto').toLowerCase()
    if (!NO_FLOWS.has(proto)) return fillCsvRow(batch, values, protoNumber(proto), services)
    countKind(passed, proto)
    return null
  }
  return {
    passed,
    take(batch, bytes, from, to) {
      const line = bytes.toString('utf8', from, to)
      if (line === '' || line.startsWith('#')) return null
      return columns === null ? takeHeader(line.replace(/^\ufeff/, '')) : takeRow(batch, line, columns)
    },
  }
}

function protoNumber(name: string): number {
  if (/^\d{1,3}$/.test(name)) return Number(name) <= 255 ? Number(name) : 0
  return OVER_UDP.has(name) ? Proto.udp : protoOf(name)
}

function fillCsvRow(batch: FlowBatch, values: Values, proto: number, services: ServiceNames): Refused {
  const ends = orient(values)
  const source = parseAddress(ends.source)
  const target = parseAddress(ends.target)
  if (source === null) return refusedLine('the source is no address')
  if (target === null) return refusedLine('the target is no address')
  batch.source.set(source, batch.count * 4)
  batch.target.set(target, batch.count * 4)
  const startMs = timeOf(values.text('start'), values.format('start'))
  const amounts = amountsOf(values)
  const [out, into] = ends.isSwapped ? [amounts.into, amounts.out] : [amounts.out, amounts.into]
  const isIcmp = proto === Proto.icmp || proto === Proto.icmp6
  const icmp = isIcmp ? argusIcmp(portOf(ends.sourcePort), ends.sourcePort !== '', values.text('state')) : null
  const service = values.text('service')
  return fillRow(batch, {
    startMs,
    durationMs: values.has('end')
      ? timeOf(values.text('end'), values.format('end')) - startMs
      : durationOf(values.text('duration'), values.format('duration')),
    sourcePort: icmp === null ? portOf(ends.sourcePort) : icmp.type,
    targetPort: icmp === null ? portOf(ends.targetPort) : icmp.code,
    proto,
    service: service === '' || service === '-' ? 0 : services.intern(service.slice(0, 256)),
    state: stateOf(values, proto, into.bytes > 0 || into.packets > 0, ends.isSure),
    bytesOut: out.bytes,
    bytesIn: into.bytes,
    packetsOut: out.packets,
    packetsIn: into.packets,
  })
}

function stateOf(values: Values, proto: number, isAnswered: boolean, isSure: boolean): number {
  // Flags of one direction tell no more than that somebody asked.
  if (!values.has('state') && values.has('flags') && proto === Proto.tcp)
    return isAnswered ? stateCode.none : tcpState(flagsOf(values.text('flags')), 0)
  return argusState(values.text('state'), proto, isAnswered, isSure)
}

/** Argus' arrow points at the responder, and has a question mark where that is a guess. */
function orient(values: Values) {
  const arrow = values.text('direction')
  const isSwapped = arrow.startsWith('<') && !arrow.endsWith('>')
  const isSure = !arrow.includes('?')
  const [source, target] = [values.text('source'), values.text('target')]
  const [sourcePort, targetPort] = [values.text('sourcePort'), values.text('targetPort')]
  return isSwapped
    ? { source: target, target: source, sourcePort: targetPort, targetPort: sourcePort, isSwapped, isSure }
    : { source, target, sourcePort, targetPort, isSwapped, isSure }
}

type Amount = { readonly bytes: number; readonly packets: number }

/** What a total leaves for the other direction. Packets known only together are shared out as the bytes are. */
function amountsOf(values: Values): { readonly out: Amount; readonly into: Amount } {
  const bytes = countOf(values.text('bytes'))
  const bytesOut = values.has('bytesOut') ? countOf(values.text('bytesOut')) : bytes
  const bytesIn = values.has('bytesIn')
    ? countOf(values.text('bytesIn'))
    : values.has('bytes')
      ? Math.max(0, bytes - bytesOut)
      : 0
  const packets = countOf(values.text('packets'))
  const share = bytesIn > 0 ? Math.max(1, Math.round((packets * bytesIn) / (bytesOut + bytesIn))) : 0
  const packetsOut = values.has('packetsOut') ? countOf(values.text('packetsOut')) : Math.max(0, packets - share)
  const packetsIn = values.has('packetsIn')
    ? countOf(values.text('packetsIn'))
    : values.has('packets')
      ? Math.max(0, packets - packetsOut)
      : 0
  return { out: { bytes: bytesOut, packets: packetsOut }, into: { bytes: bytesIn, packets: packetsIn } }
}

export function separatorOf(header: string): string {
  const counts = [',', '\t', ';'].map((separator) => [separator, header.split(separator).length] as const)
  return counts.reduce((best, one) => (one[1] > best[1] ? one : best))[0]
}

export function splitCsv(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator)
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (c === '"' && isQuoted && line[i + 1] === '"') cell += line[i++]
    else if (c === '"') isQuoted = !isQuoted
    else if (c === separator && !isQuoted) {
      cells.push(cell)
      cell = ''
    } else cell += c
  }
  cells.push(cell)
  return cells
}
