/**
 * Any log of Zeek, line by line: conn rows become rows, dns, ssl, http, ssh, smtp and ftp rows hints; the others are counted.
 * Its header (`#path`) or each JSON row (`_path`, else its keys) says which log it is; `name` is what the file is called.
 */
import type { FlowBatch } from '../../model/flow.ts'
import type { ServiceNames } from '../source.ts'
import type { Fields } from './hint-fields.ts'
import { countKind, giveHint, type LineRows, type Refused, refusedFile, refusedLine } from './line-rows.ts'
import { HINT_LOGS, zeekEnds } from './zeek-hints.ts'
import { createZeekRows } from './zeek-rows.ts'

export function createZeekLog(services: ServiceNames, name = 'conn'): LineRows {
  const passed = new Map<string, number>()
  const conn = createZeekRows(services)
  let kind = name
  let separator = '\t'
  let names: readonly string[] | null = null

  const takeHeader = (batch: FlowBatch, bytes: Buffer, from: number, to: number): Refused => {
    const text = bytes.toString('latin1', from, to)
    if (text.startsWith('#separator')) separator = separatorOf(text) ?? separator
    const words = text.split(separator)
    if (words[0] === '#path' && words[1] !== undefined) kind = words[1]
    const wanted = HINT_LOGS[kind]
    if (words[0] === '#fields' && kind !== 'conn') {
      names = words.slice(1).map((word) => word.replace(/^id_/, 'id.'))
      const missing = ['ts', 'id.orig_h', ...(wanted?.needs ?? [])].filter((field) => !names!.includes(field))
      if (wanted !== undefined && missing.length > 0)
        return refusedFile(`#fields of ${kind} lacks ${missing.join(', ')}`)
    }
    return kind === 'conn' || words[0]!.startsWith('#separator') ? conn.take(batch, bytes, from, to) : null
  }
  const give = (batch: FlowBatch, log: string, fields: Fields): Refused => {
    const wanted = HINT_LOGS[log]
    if (wanted === undefined) {
      countKind(passed, log)
      return null
    }
    const ends = zeekEnds(fields)
    if (ends === null) return refusedLine(`a row of ${log} without a time, two addresses and two ports`)
    const hint = wanted.make(fields, ends)
    if (hint === null) countKind(passed, log)
    else giveHint(batch, hint, passed)
    return null
  }
  const takeTsv = (batch: FlowBatch, bytes: Buffer, from: number, to: number): Refused => {
    if (names === null) return refusedFile('no #fields header before the first row')
    const values = bytes.toString('utf8', from, to).split(separator)
    if (values.length !== names.length) return refusedLine(`not ${names.length} fields as #fields says`)
    return give(batch, kind, tsvFields(names, values))
  }
  const takeJson = (batch: FlowBatch, bytes: Buffer, from: number, to: number): Refused => {
    // Only what is no conn row is parsed here; a conn row is parsed once, by its own reader.
    if (kind === 'conn' && !NAMED_OTHER.test(bytes.toString('latin1', from, to)))
      return conn.take(batch, bytes, from, to)
    const record = parseRecord(bytes.toString('utf8', from, to))
    if (record === null) return refusedLine('not a JSON object')
    const log = logOf(record) ?? kind
    return log === 'conn' ? conn.take(batch, bytes, from, to) : give(batch, log, jsonFields(record))
  }
  return {
    passed,
    take(batch, bytes, from, to) {
      let first = from
      while (first < to && (bytes[first] === 32 || bytes[first] === 9)) first++
      if (first === to) return null
      if (bytes[first] === 35) return takeHeader(batch, bytes, first, to)
      if (bytes[first] === 123 && names === null) return takeJson(batch, bytes, first, to)
      return kind === 'conn' ? conn.take(batch, bytes, from, to) : takeTsv(batch, bytes, from, to)
    },
  }
}

const NAMED_OTHER = /"(?:_path|@stream)":\s*"(?!conn")/

/** Which log a JSON row is of: as it says itself, or by keys that only that log has. */
export function logOf(record: Readonly<Record<string, unknown>>): string | null {
  const said = record._path ?? record['@stream']
  if (typeof said === 'string' && said !== '') return said.slice(0, 40)
  for (const [log, keys] of Object.entries(TELLING)) if (keys.every((key) => key in record)) return log
  return null
}

const TELLING: Readonly<Record<string, readonly string[]>> = {
  conn: ['proto', 'conn_state'],
  dns: ['trans_id', 'proto'],
  http: ['trans_depth', 'version', 'method'],
  smtp: ['trans_depth', 'helo'],
  ssl: ['version', 'established'],
  ssh: ['auth_attempts', 'version'],
  ftp: ['command', 'reply_code'],
}

function separatorOf(text: string): string | null {
  const hex = /^#separator\s+\\x([0-9a-fA-F]{2})\s*$/.exec(text)
  return hex === null ? null : String.fromCharCode(Number.parseInt(hex[1]!, 16))
}

export function parseRecord(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function tsvFields(names: readonly string[], values: readonly string[]): Fields {
  const text = (name: string) => {
    const value = values[names.indexOf(name)]
    return value === undefined || value === '-' || value === '(empty)' ? '' : value
  }
  return {
    text,
    number: (name) => numberOf(text(name)),
    list: (name) => (text(name) === '' ? [] : text(name).split(',', 32)),
  }
}

/** As Zeek writes it (`id.orig_h`), and as shippers rename it (`id_orig_h`). */
function jsonFields(record: Readonly<Record<string, unknown>>): Fields {
  const get = (name: string) => record[name] ?? record[name.replace('id.', 'id_')]
  return {
    text(name) {
      const value = get(name)
      return typeof value === 'string'
        ? value
        : typeof value === 'number' || typeof value === 'boolean'
          ? `${value}`
          : ''
    },
    number(name) {
      const value = get(name)
      return typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value) : Number.NaN
    },
    list(name) {
      const value = get(name)
      return Array.isArray(value) ? value.slice(0, 32).filter((one) => typeof one === 'string') : []
    },
  }
}

const numberOf = (text: string): number => (/^\d{1,18}(?:\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN)
