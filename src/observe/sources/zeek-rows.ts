/**
 * Rows of one Zeek conn.log, TSV (its `#fields` header says what is where, in any order) or JSON lines, into the columns of
 * a batch. What is refused is told with its reason; nothing a line holds can stop the ones after it.
 */
import type { FlowBatch } from '../../model/flow.ts'
import type { ServiceNames } from '../source.ts'
import { fillRow } from './fill-row.ts'
import type { LineRows, Refused } from './line-rows.ts'
import { isUnset, keyOf, PROTO_BY_KEY, readAddress, readDecimal, STATE_BY_KEY, shortKey } from './zeek-fields.ts'

const ROLES = [
  'ts',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'service',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
] as const
type Role = (typeof ROLES)[number]
const ROLE: Record<Role, number> = Object.fromEntries(ROLES.map((name, i) => [name, i])) as Record<Role, number>
const REQUIRED: readonly Role[] = ['ts', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'proto']

export function createZeekRows(services: ServiceNames): LineRows {
  let separator = 9
  let roles: Int8Array | null = null
  const from = new Int32Array(ROLES.length)
  const to = new Int32Array(ROLES.length)
  const serviceByKey = new Map<number, number>()

  const serviceOf = (bytes: Buffer, start: number, end: number): number => {
    if (start >= end || isUnset(bytes, start, end)) return 0
    const key = shortKey(bytes, start, end)
    const known = key < 0 ? undefined : serviceByKey.get(key)
    if (known !== undefined) return known
    const code = services.intern(bytes.toString('utf8', start, Math.min(end, start + 256)))
    if (key >= 0 && serviceByKey.size < 1_000) serviceByKey.set(key, code)
    return code
  }
  const number = (bytes: Buffer, role: number) => {
    const start = from[role]!
    const end = to[role]!
    return start === end || isUnset(bytes, start, end) ? 0 : readDecimal(bytes, start, end)
  }

  const takeHeader = (bytes: Buffer, start: number, end: number): Refused => {
    const text = bytes.toString('latin1', start, end)
    if (text.startsWith('#separator')) {
      const hex = /^#separator\s+\\x([0-9a-fA-F]{2})\s*$/.exec(text)
      if (hex !== null) separator = Number.parseInt(hex[1]!, 16)
      return null
    }
    const words = text.split(String.fromCharCode(separator))
    if (words[0] === '#path' && words[1] !== undefined && words[1] !== 'conn')
      return { why: 'another kind of Zeek log, not conn', scope: 'file' }
    if (words[0] !== '#fields') return null
    const names = words.slice(1).map((name) => name.replace(/^id_/, 'id.'))
    const missing = REQUIRED.filter((role) => !names.includes(role))
    if (missing.length > 0) return { why: `#fields lacks ${missing.join(', ')}`, scope: 'file' }
    roles = Int8Array.from(names, (name) => ROLE[name as Role] ?? -1)
    return null
  }

  const split = (bytes: Buffer, start: number, end: number): boolean => {
    from.fill(0)
    to.fill(0)
    let column = 0
    let at = start
    for (let i = start; i <= end; i++) {
      if (i < end && bytes[i] !== separator) continue
      const role = roles![column]
      if (role === undefined) return false
      if (role >= 0) {
        from[role] = at
        to[role] = i
      }
      column++
      at = i + 1
    }
    return column === roles!.length
  }

  const takeTsv = (batch: FlowBatch, bytes: Buffer, start: number, end: number): Refused => {
    if (roles === null) return { why: 'no #fields header before the first row', scope: 'file' }
    if (!split(bytes, start, end)) return { why: `not ${roles.length} fields as #fields says`, scope: 'line' }
    const row = batch.count
    const seconds = readDecimal(bytes, from[ROLE.ts]!, to[ROLE.ts]!)
    if (!readAddress(bytes, from[1]!, to[1]!, batch.source, row * 4))
      return { why: 'id.orig_h is no address', scope: 'line' }
    if (!readAddress(bytes, from[3]!, to[3]!, batch.target, row * 4))
      return { why: 'id.resp_h is no address', scope: 'line' }
    const proto = PROTO_BY_KEY.get(shortKey(bytes, from[5]!, to[5]!)) ?? 0
    const state = STATE_BY_KEY.get(shortKey(bytes, from[10]!, to[10]!)) ?? 0
    const payloadOut = number(bytes, ROLE.orig_bytes)
    const payloadIn = number(bytes, ROLE.resp_bytes)
    return fillRow(batch, {
      startMs: seconds * 1_000,
      sourcePort: readDecimal(bytes, from[2]!, to[2]!),
      targetPort: readDecimal(bytes, from[4]!, to[4]!),
      proto,
      service: serviceOf(bytes, from[6]!, to[6]!),
      durationMs: number(bytes, ROLE.duration) * 1_000,
      state,
      bytesOut: number(bytes, ROLE.orig_ip_bytes) || payloadOut,
      bytesIn: number(bytes, ROLE.resp_ip_bytes) || payloadIn,
      packetsOut: number(bytes, ROLE.orig_pkts),
      packetsIn: number(bytes, ROLE.resp_pkts),
    })
  }

  return {
    passed: new Map(),
    take(batch, bytes, start, end) {
      let first = start
      while (first < end && (bytes[first] === 32 || bytes[first] === 9)) first++
      if (first === end) return null
      if (bytes[first] === 35) return takeHeader(bytes, first, end)
      if (bytes[first] === 123 && roles === null) return takeJson(batch, bytes.toString('utf8', first, end), services)
      return takeTsv(batch, bytes, start, end)
    },
  }
}

/** JSON as Zeek writes it (`id.orig_h`), and as shippers rename it (`id_orig_h`); `ts` in seconds or ISO 8601. */
function takeJson(batch: FlowBatch, text: string, services: ServiceNames): Refused {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return { why: 'not one whole JSON object', scope: 'line' }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return { why: 'not a JSON object', scope: 'line' }
  const record = parsed as Record<string, unknown>
  const path = record._path ?? record['@stream']
  if (typeof path === 'string' && path !== 'conn') return { why: 'a row of another Zeek log, not conn', scope: 'line' }
  const get = (name: string) => record[name] ?? record[name.replace('id.', 'id_')]
  const count = (name: string) => {
    const value = get(name)
    return value === undefined || value === null || value === '-' ? 0 : typeof value === 'number' ? value : Number.NaN
  }
  const row = batch.count
  if (!takeAddress(get('id.orig_h'), batch.source, row * 4)) return { why: 'id.orig_h is no address', scope: 'line' }
  if (!takeAddress(get('id.resp_h'), batch.target, row * 4)) return { why: 'id.resp_h is no address', scope: 'line' }
  const ts = get('ts')
  const proto = get('proto')
  const state = get('conn_state')
  const service = get('service')
  const port = (name: string) =>
    typeof get(name) === 'number' && Number.isInteger(get(name)) ? (get(name) as number) : Number.NaN
  return fillRow(batch, {
    startMs: typeof ts === 'number' ? ts * 1_000 : typeof ts === 'string' ? Date.parse(ts) : Number.NaN,
    sourcePort: port('id.orig_p') >= 0 ? port('id.orig_p') : Number.NaN,
    targetPort: port('id.resp_p') >= 0 ? port('id.resp_p') : Number.NaN,
    proto: typeof proto === 'string' && proto.length <= 6 ? (PROTO_BY_KEY.get(keyOf(proto)) ?? 0) : 0,
    service: typeof service === 'string' && service !== '-' ? services.intern(service.slice(0, 256)) : 0,
    durationMs: count('duration') * 1_000,
    state: typeof state === 'string' && state.length <= 6 ? (STATE_BY_KEY.get(keyOf(state)) ?? 0) : 0,
    bytesOut: count('orig_ip_bytes') || count('orig_bytes'),
    bytesIn: count('resp_ip_bytes') || count('resp_bytes'),
    packetsOut: count('orig_pkts'),
    packetsIn: count('resp_pkts'),
  })
}

function takeAddress(value: unknown, out: Uint32Array, at: number): boolean {
  if (typeof value !== 'string' || value.length > 45) return false
  const bytes = Buffer.from(value, 'latin1')
  return readAddress(bytes, 0, bytes.length, out, at)
}
