/** What a file is, by its beginning: magic numbers, header lines, JSON keys. Its name decides only where the content leaves it open. */
import { plainText } from '../../model/plain-text.ts'
import { type CsvMap, knownCsv } from './csv-map.ts'
import { separatorOf, splitCsv } from './csv-rows.ts'
import { timeOf } from './csv-values.ts'
import { logOf, parseRecord } from './zeek-log.ts'

export const FILE_KINDS = ['pcap', 'nfdump', 'zeek', 'eve', 'binetflow', 'csv'] as const
export type FileKind = (typeof FILE_KINDS)[number]

export type Sniffed =
  | { readonly kind: FileKind /** of Zeek: which log */; readonly log: string; readonly firstMs: number }
  | { readonly kind: null /** For a person: how it begins. */; readonly found: string }

const PCAP = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a])
/** nfdump's MAGIC in either byte order (nffile.h). */
const NFDUMP = new Set([0x0ca5, 0xa50c])

/** `conn.log`, `conn.00:00:00-01:00:00.log.gz`, `HOST_conn.log`, `conn.log.labeled`. */
const LOG_NAME = /^(?:.*[-_.])?(conn|dns|ssl|http|ssh|smtp|ftp)[._].*log/i

export function sniff(head: Buffer, name: string, map: CsvMap | null): Sniffed {
  const magic = head.length >= 4 ? head.readUInt32BE(0) : 0
  if (PCAP.has(magic)) return { kind: 'pcap', log: '', firstMs: pcapTime(head, magic) }
  if (head.length >= 4 && NFDUMP.has(magic >>> 16))
    return { kind: 'nfdump', log: '', firstMs: Number.NEGATIVE_INFINITY }
  const text = head.toString('latin1')
  return sniffZeekTsv(text, name) ?? sniffJson(text, name) ?? sniffCsv(text, map) ?? sniffName(text, name)
}

function sniffZeekTsv(text: string, name: string): Sniffed | null {
  if (!/^#(?:separator|fields|path)\b/m.test(text.slice(0, 200))) return null
  const path = /^#path[\t ](\S{1,40})/m.exec(text)?.[1]
  return { kind: 'zeek', log: path ?? ownName(name), firstMs: zeekTime(text) }
}

function sniffJson(text: string, name: string): Sniffed | null {
  const start = text.trimStart()
  if (!start.startsWith('{')) return null
  const line = start.slice(0, start.indexOf('\n') < 0 ? start.length : start.indexOf('\n'))
  if (/"event_type":\s*"/.test(line) && /"timestamp":\s*"/.test(line))
    return { kind: 'eve', log: '', firstMs: eveTime(line) }
  const record = parseRecord(line)
  if (record === null || record.ts === undefined) return null
  return { kind: 'zeek', log: logOf(record) ?? ownName(name), firstMs: zeekTime(text) }
}

function sniffCsv(text: string, map: CsvMap | null): Sniffed | null {
  const [first, second] = text.replace(/^\u00ef\u00bb\u00bf/, '').split(/\r?\n/, 2)
  if (first === undefined || !/^[\x20-\x7e\t]+$/.test(first)) return null
  const separator = separatorOf(first)
  const header = splitCsv(first, separator).map((column) => column.trim())
  if (header.length < 4) return null
  const columns = Object.values(map ?? {}).map(({ column }) => column)
  const fits = columns.filter((column) => header.includes(column)).length
  const known = fits > 0 && fits === columns.length ? null : knownCsv(header)
  // A mapping that fits in part is tried, too: its reader says which column is not there.
  if (known === null && fits === 0) return null
  const start = known === null ? map?.start : known.map.start
  const time = splitCsv(second ?? '', separator)[header.indexOf(start?.column ?? '')] ?? ''
  const firstMs = timeOf(time.trim(), start?.format ?? null)
  return {
    kind: known === null ? 'csv' : 'binetflow',
    log: '',
    firstMs: Number.isNaN(firstMs) ? Number.NEGATIVE_INFINITY : firstMs,
  }
}

/** A log whose name says which it is, and whose content does not: its reader says what is wrong with it. */
function sniffName(text: string, name: string): Sniffed {
  const log = nameOf(name)
  if (log === 'conn' || (log !== null && text === '')) return { kind: 'zeek', log, firstMs: zeekTime(text) }
  return { kind: null, found: text === '' ? 'it is empty' : `it begins with ${beginning(text)}` }
}

/** Text as text; of anything else, the bytes by number. */
function beginning(text: string): string {
  const start = text.slice(0, 40)
  const strange = start.replace(/[\x20-\x7e\s]/g, '').length
  if (strange * 4 <= start.length) return `"${plainText(text, 40)}"`
  return `the bytes ${Buffer.from(start.slice(0, 8), 'latin1')
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')}`
}

const nameOf = (name: string): string | null => LOG_NAME.exec(name)?.[1]?.toLowerCase() ?? null

/** What a log that says nothing of itself is called by its file. */
const ownName = (name: string): string =>
  nameOf(name) ?? /^([a-z0-9_]{1,30})[._-]/i.exec(name)?.[1]?.toLowerCase() ?? 'unknown'

/** Seconds of the first packet, behind the header of 24 bytes (draft-ietf-opsawg-pcap); pcapng tells none here. */
function pcapTime(head: Buffer, magic: number): number {
  if (magic === 0x0a0d0d0a || head.length < 28) return Number.NEGATIVE_INFINITY
  const isBig = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d
  return (isBig ? head.readUInt32BE(24) : head.readUInt32LE(24)) * 1_000
}

function eveTime(line: string): number {
  const began = /"start":\s*"([^"]{10,40})"/.exec(line) ?? /"timestamp":\s*"([^"]{10,40})"/.exec(line)
  const at = timeOf(began?.[1] ?? '', null)
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at
}

function zeekTime(text: string): number {
  const at = /^#fields\t(.*)$/m.exec(text)?.[1]?.split('\t').indexOf('ts') ?? -1
  for (const line of text.split('\n', 64)) {
    if (line === '' || line.trimStart().startsWith('#')) continue
    const json = /"ts":\s*(\d+(?:\.\d+)?)/.exec(line)?.[1]
    const seconds = Number(json ?? (at < 0 ? Number.NaN : line.split('\t')[at]))
    if (Number.isFinite(seconds)) return seconds * 1_000
    const iso = Date.parse(/"ts":\s*"([^"]{10,40})"/.exec(line)?.[1] ?? '')
    if (Number.isFinite(iso)) return iso
  }
  return Number.NEGATIVE_INFINITY
}
