/** A text log read by the product, and its rows and fields read again the plain way: what is not equal is said. */
import { readFileSync } from 'node:fs'
import { gunzipSync, constants as zlib } from 'node:zlib'
import { formatAddress } from '../../src/model/address.ts'
import type { FlowBatch } from '../../src/model/flow.ts'
import { FLOW_STATES } from '../../src/model/flow.ts'
import type { Hint } from '../../src/model/hint.ts'
import { createServiceNames } from '../../src/observe/source.ts'
import { createFileSource } from '../../src/observe/sources/open.ts'

export type LogRead = {
  readonly flows: readonly Said[]
  readonly hints: readonly Said[]
  readonly refusals: readonly string[]
}
/** Names of Zeek's fields → text of their values. */
export type Said = Readonly<Record<string, string>>

export async function readLog(path: string): Promise<LogRead> {
  const services = createServiceNames()
  const source = createFileSource({ paths: [path], services })
  const flows: Said[] = []
  const hints: Said[] = []
  for await (const batch of source.batches(new AbortController().signal)) {
    for (let row = 0; row < batch.count; row++) flows.push(saidOfFlow(batch, row, services.nameOf))
    for (const hint of batch.hints) hints.push(saidOfHint(hint))
  }
  return { flows, hints, refusals: source.counters.refusals.map(({ why }) => why) }
}

const seconds = (ms: number) => (ms / 1_000).toFixed(3)

function saidOfFlow(batch: FlowBatch, row: number, nameOf: (code: number) => string | null): Said {
  return {
    ts: seconds(batch.start[row]!),
    'id.orig_h': formatAddress(batch.source, row * 4),
    'id.orig_p': `${batch.sourcePort[row]}`,
    'id.resp_h': formatAddress(batch.target, row * 4),
    'id.resp_p': `${batch.targetPort[row]}`,
    duration: seconds(batch.end[row]! - batch.start[row]!),
    conn_state: FLOW_STATES[batch.state[row]!]!,
    service: nameOf(batch.service[row]!) ?? '',
    orig_pkts: `${batch.packetsOut[row]}`,
    resp_pkts: `${batch.packetsIn[row]}`,
    orig_ip_bytes: `${batch.bytesOut[row]}`,
    resp_ip_bytes: `${batch.bytesIn[row]}`,
  }
}

function saidOfHint(hint: Hint): Said {
  const ends = {
    ts: seconds(hint.at),
    'id.orig_h': formatAddress(hint.source),
    'id.orig_p': `${hint.sourcePort}`,
    'id.resp_h': formatAddress(hint.target),
    'id.resp_p': `${hint.targetPort}`,
  }
  if (hint.kind === 'dns')
    return {
      ...ends,
      query: hint.query,
      qtype: hint.type === 0 ? '' : `${hint.type}`,
      rcode: hint.code < 0 ? '' : `${hint.code}`,
      answers: hint.answers.join(','),
    }
  if (hint.kind === 'tls')
    return {
      ...ends,
      version: hint.version,
      server_name: hint.serverName,
      next_protocol: hint.protocol,
      ja3: hint.ja3,
      ja3s: hint.ja3s,
    }
  if (hint.kind === 'http')
    return {
      ...ends,
      method: hint.method,
      host: hint.host,
      uri: hint.path,
      user_agent: hint.userAgent,
      status_code: hint.status === 0 ? '' : `${hint.status}`,
    }
  return ends
}

/** Of a gzip file that breaks off, what can be read. */
export function textOf(path: string): string {
  const bytes = readFileSync(path)
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  return (isGzip ? gunzipSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH }) : bytes).toString('utf8')
}

export type PlainLog = { readonly path: string; readonly rows: readonly Said[]; readonly fields: ReadonlySet<string> }

/** Rows as the file has them, unset values empty: split at tabs, or JSON. */
export function plainLog(text: string): PlainLog {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines[0]?.startsWith('{')) return plainJson(lines)
  const fields = /^#fields\t(.*)$/m.exec(text)?.[1]?.split('\t') ?? []
  const rows = lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter((cells) => cells.length === fields.length)
    .map((cells) => Object.fromEntries(fields.map((name, i) => [name, unset(cells[i]!)])))
  return { path: /^#path\t(\S+)/m.exec(text)?.[1] ?? '', rows, fields: new Set(fields) }
}

const unset = (value: string) => (value === '-' || value === '(empty)' ? '' : value)

function plainJson(lines: readonly string[]): PlainLog {
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const rows = records.map((record) =>
    Object.fromEntries(
      Object.entries(record).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : `${value}`]),
    ),
  )
  return { path: `${records[0]?._path ?? ''}`, rows, fields: new Set(rows.flatMap((row) => Object.keys(row))) }
}

/** How a value of the file looks when it is kept: names in lower case and short, counts without their sign of absence. */
export function expectedOf(row: Said, name: string): string {
  const value = row[name] ?? ''
  if (name === 'ts' || name === 'duration') return Number(value === '' ? 0 : value).toFixed(3)
  if (/_pkts$/.test(name)) return value === '' ? '0' : value
  if (name === 'conn_state') return value === '' ? 'none' : value
  if (/_ip_bytes$/.test(name)) {
    const payload = row[name.replace('_ip', '')] ?? ''
    return value === '' || value === '0' ? payload || '0' : value
  }
  if (['query', 'server_name', 'host', 'answers'].includes(name)) return value.toLowerCase()
  return value
}
