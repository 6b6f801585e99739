/**
 * The slow and complete view of the same datagrams: every record comes out with its fields by name, for people and for
 * comparing with other collectors. Templates are read by the same code as on the hot path; nothing here is columnar.
 */
import ipaddr from 'ipaddr.js'
import { DecodeError, Reader } from '../reader.ts'
import { type ElementKind, elementOf } from './element-names.ts'
import { MAX_FIELDS, readTemplatesIpfix, readTemplatesV9, type Template, walkRecord } from './template.ts'
import { readV5Header, V5_FIELDS } from './v5.ts'

/** Text is as the bytes are, one character each: `plainText` before anybody sees it. Numbers beyond 2⁵³ are bigint. */
export type FieldValue = number | bigint | string | Readonly<Record<string, number>>

export type DescribedRecord = {
  readonly version: 5 | 9 | 10
  readonly header: Readonly<Record<string, number>>
  /** ns since the epoch at which it was sent */
  readonly exportNs: bigint
  /** ms since the exporter's start at that time, null = not told */
  readonly uptimeMs: number | null
  readonly setId: number
  readonly fields: readonly { readonly name: string; readonly kind: ElementKind; readonly value: FieldValue }[]
}

export type Description = {
  /** Templates by `domain|id`, as they are known now. */
  readonly templates: ReadonlyMap<string, Template>
  /** Throws a `DecodeError`; records before the fault are in `records`. */
  describe(bytes: Uint8Array, records: DescribedRecord[]): void
}

/** Templates with a field nobody has named are known, but their records come out without it. */
export function createDescription(): Description {
  const templates = new Map<string, Template>()
  return {
    templates,
    describe(bytes, records) {
      const reader = new Reader().reset(bytes)
      const version = reader.u16()
      if (version === 5) describeV5(reader, records)
      else if (version === 9) describeV9(reader, templates, records)
      else if (version === 10) describeIpfix(reader, templates, records)
      else reader.fail(`version ${version} of NetFlow`)
    },
  }
}

type Frame = Pick<DescribedRecord, 'version' | 'header' | 'exportNs' | 'uptimeMs'>

function describeV5(reader: Reader, records: DescribedRecord[]): void {
  const h = readV5Header(reader)
  const frame: Frame = {
    version: 5,
    header: {
      version: 5,
      flow_seq_num: h.sequence,
      engine_type: h.engineType,
      engine_id: h.engineId,
      sampling_algorithm: h.sampling >>> 14,
      sampling_interval: h.sampling & 0x3fff,
      flow_records: h.count,
    },
    exportNs: BigInt(h.seconds) * 1_000_000_000n + BigInt(h.nanoseconds),
    uptimeMs: h.uptimeMs,
  }
  const template = { id: 5, scopes: 0, fields: V5_FIELDS }
  for (let i = 0; i < h.count; i++) describeRecord(reader.sub(48), template, frame, 0, records)
}

function describeV9(reader: Reader, templates: Map<string, Template>, records: DescribedRecord[]): void {
  reader.skip(2)
  const uptimeMs = reader.u32()
  const seconds = reader.u32()
  const sequence = reader.u32()
  const domain = reader.u32()
  const frame: Frame = {
    version: 9,
    header: { version: 9, flow_seq_num: sequence },
    exportNs: BigInt(seconds) * 1_000_000_000n,
    uptimeMs,
  }
  describeSets(reader, domain, templates, frame, records)
}

function describeIpfix(reader: Reader, templates: Map<string, Template>, records: DescribedRecord[]): void {
  const length = reader.u16()
  if (length < 16 || length > reader.left + 4) reader.fail(`a message of ${length} bytes`)
  reader.end = reader.start + length
  const seconds = reader.u32()
  reader.skip(4)
  const domain = reader.u32()
  const frame: Frame = {
    version: 10,
    header: { version: 10 },
    exportNs: BigInt(seconds) * 1_000_000_000n,
    uptimeMs: null,
  }
  describeSets(reader, domain, templates, frame, records)
}

function describeSets(
  reader: Reader,
  domain: number,
  templates: Map<string, Template>,
  frame: Frame,
  records: DescribedRecord[],
): void {
  const isV9 = frame.version === 9
  while (reader.left >= 4) {
    const id = reader.u16()
    const length = reader.u16()
    if (id === 0 && length === 0) return
    if (length < 4) reader.fail(`a set of ${length} bytes`)
    const set = reader.sub(length - 4)
    if (id >= 256) {
      const template = templates.get(`${domain}|${id}`)
      if (template !== undefined)
        while (set.left >= template.plan.leastBytes) describeRecord(set, template, frame, id, records)
      continue
    }
    const sink = {
      add: (template: Template) => void templates.set(`${domain}|${template.id}`, template),
      withdraw: (gone: number) => void templates.delete(`${domain}|${gone}`),
    }
    const kind = id === (isV9 ? 0 : 2) ? 'flows' : id === (isV9 ? 1 : 3) ? 'options' : null
    if (kind !== null) (isV9 ? readTemplatesV9 : readTemplatesIpfix)(set, kind, sink)
  }
}

const places = new Uint32Array(MAX_FIELDS * 2)
const lengths = new Uint32Array(MAX_FIELDS * 2)

function describeRecord(
  set: Reader,
  template: Pick<Template, 'id' | 'fields'>,
  frame: Frame,
  setId: number,
  records: DescribedRecord[],
): void {
  const next = walkRecord(template.fields, set.view, set.at, set.end, places, lengths)
  if (next < 0) throw new DecodeError(`a record of template ${template.id} goes beyond its set`, set.at)
  const fields: DescribedRecord['fields'][number][] = []
  for (const [i, field] of template.fields.entries()) {
    const element = elementOf(field, frame.version === 10 ? 10 : 9)
    if (element === null || element.kind === 'x' || (field.length === 0 && frame.version !== 10)) continue
    const bytes = set.bytes.subarray(places[i]!, places[i]! + lengths[i]!)
    fields.push({ name: element.name, kind: element.kind, value: readValue(element.kind, bytes) })
  }
  records.push({ ...frame, setId, fields })
  set.at = next
}

function readValue(kind: ElementKind, bytes: Uint8Array): FieldValue {
  const length = bytes.length
  if (kind === 's') return latin1(bytes).replace(/\0+$/, '')
  if (kind === '4' && length === 4) return bytes.join('.')
  if (kind === '6' && length === 16) return ip6(bytes)
  if (kind === 'm') return hexBytes(bytes).join(':')
  if (kind === 'c')
    return hexBytes(bytes)
      .join('')
      .replace(/.{8}(?=.)/g, '$&-')
  if (kind === 'a' && length > 1) return `${bytes[0]}..${unsigned(bytes.subarray(1))}`
  if (kind === 'b' && length === 1) return { status: bytes[0]! >>> 6, reason: bytes[0]! & 63 }
  if (kind === 'l' && length >= 3) return mplsLabel(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  if (kind === 'f' && length === 4) return view.getFloat32(0)
  if (kind === 'f' && length === 8) return view.getFloat64(0)
  if (kind === 'o' || length > 8) return hexBytes(bytes).join('')
  return unsigned(bytes)
}

/** RFC 3032 §2.1; the time to live is not part of what IPFIX calls a label stack entry, but some send it. */
function mplsLabel(bytes: Uint8Array): FieldValue {
  const [a, b, c] = bytes as unknown as [number, number, number]
  return {
    label: (a << 12) | (b << 4) | (c >>> 4),
    experimental: (c >>> 1) & 7,
    bottom_of_stack: c & 1,
    ttl: bytes[3] ?? 0,
  }
}

function unsigned(bytes: Uint8Array): number | bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

const hexBytes = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function ip6(bytes: Uint8Array): string {
  const address = new ipaddr.IPv6([...bytes])
  return address.isIPv4MappedAddress() ? `::ffff:${bytes.subarray(12).join('.')}` : address.toRFC5952String()
}
