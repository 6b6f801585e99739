/**
 * Templates as exporters send them (RFC 3954 §5.2, §6.1; RFC 7011 §3.4): a template set comes in, field lists come out,
 * each compiled once to the flat plan by which its data records are read. What is absurd is refused with its reason.
 */
import type { Reader } from '../reader.ts'
import { type ChannelLayout, layoutOf } from './channel-records.ts'
import { meaningOf, Op } from './fields.ts'

/** Length of a field whose length stands before each value (RFC 7011 §7). */
export const VARIABLE = 0xffff
/** More fields than an exporter of this world sends; a record of them still fits a datagram. */
export const MAX_FIELDS = 512

export type Field = {
  /** 0 = IANA. */
  readonly enterprise: number
  readonly element: number
  /** bytes, or `VARIABLE` */
  readonly length: number
}

export type Template = {
  readonly id: number
  /** Fields that name what an options record speaks of, first in `fields`; 0 in a template of flows. */
  readonly scopes: number
  readonly fields: readonly Field[]
  readonly plan: Plan
}

/** Parallel arrays, one entry per field that says something of a flow, in the order in which they are applied. */
export type Plan = {
  readonly kind: 'flows' | 'options' | 'others'
  readonly ops: Uint8Array
  readonly widths: Uint16Array
  /** 1 = the first field of its column: it may write without looking. */
  readonly firsts: Uint8Array
  /** Offset in the record; in records with variable fields the index of the field. */
  readonly places: Uint16Array
  /** Bytes of every record, 0 when they differ. */
  readonly recordBytes: number
  /** No record is shorter. */
  readonly leastBytes: number
  /** A bit per operation that is no time: which facts the template holds. */
  readonly facts: number
  /** null = its records are always read field by field. */
  readonly channel: ChannelLayout | null
}

export const hasFact = (plan: Plan, op: number): boolean => (plan.facts & (1 << op)) !== 0

export function compileTemplate(id: number, fields: readonly Field[], scopes: number): Template {
  const variable = fields.some((field) => field.length === VARIABLE)
  let offset = 0
  const wanted: { op: number; rank: number; width: number; place: number }[] = []
  for (const [index, field] of fields.entries()) {
    const { op, rank } = meaningOf(field.enterprise, field.element)
    const width = field.length
    if (op !== Op.none && fits(op, width)) wanted.push({ op, rank, width, place: variable ? index : offset })
    offset += field.length === VARIABLE ? 1 : field.length
  }
  wanted.sort((a, b) => a.op - b.op || a.rank - b.rank)
  let facts = 0
  for (const { op } of wanted) if (op < 32) facts |= 1 << op
  const isFlow =
    (facts & ((1 << Op.source4) | (1 << Op.source6))) !== 0 && (facts & ((1 << Op.target4) | (1 << Op.target6))) !== 0
  return {
    id,
    scopes,
    fields,
    plan: {
      kind: scopes > 0 ? 'options' : isFlow ? 'flows' : 'others',
      ops: Uint8Array.from(wanted, (w) => w.op),
      widths: Uint16Array.from(wanted, (w) => w.width),
      firsts: Uint8Array.from(wanted, (w, i) => (i === 0 || wanted[i - 1]!.op !== w.op ? 1 : 0)),
      places: Uint16Array.from(wanted, (w) => w.place),
      recordBytes: variable ? 0 : offset,
      leastBytes: offset,
      facts,
      channel: isFlow && scopes === 0 && !variable ? layoutOf(wanted, offset) : null,
    },
  }
}

/** Addresses have one width, numbers at most 8 bytes (reduced size: RFC 7011 §6.2); a field of another width tells nothing. */
function fits(op: number, width: number): boolean {
  if (op === Op.source4 || op === Op.target4) return width === 4
  if (op === Op.source6 || op === Op.target6) return width === 16
  if (op === Op.service) return width > 0
  return width > 0 && width <= 8
}

export type TemplateSink = {
  add(template: Template): void
  /** IPFIX: the template is no longer used (RFC 7011 §8.1); ids 2 and 3 stand for all of their kind. */
  withdraw(id: number): void
}

/** NetFlow v9 template flowset (0) or options template flowset (1); `reader` is at its first template. */
export function readTemplatesV9(reader: Reader, kind: 'flows' | 'options', sink: TemplateSink): void {
  while (reader.left >= 4) {
    const id = reader.u16()
    // Padding: RFC 3954 §5.2 lets an exporter align a set.
    if (id === 0) return
    if (kind === 'flows') {
      const count = reader.u16()
      sink.add(checked(reader, id, readFields(reader, count, 'v9'), 0))
      continue
    }
    const scopeBytes = reader.u16()
    const optionBytes = reader.u16()
    if (scopeBytes % 4 !== 0 || optionBytes % 4 !== 0 || scopeBytes + optionBytes === 0)
      reader.fail(`an options template of ${scopeBytes} and ${optionBytes} bytes of fields`)
    const scopes = readFields(reader, scopeBytes / 4, 'v9').map((field) => ({ ...field, enterprise: SCOPE }))
    const fields = readFields(reader, optionBytes / 4, 'v9')
    sink.add(checked(reader, id, [...scopes, ...fields], Math.max(1, scopes.length)))
  }
}

/** Scope types of NetFlow v9 (RFC 3954 §6.1) are numbered apart: they stand under this enterprise, which nobody has. */
export const SCOPE = 0xffff_ffff

/** IPFIX template set (2) or options template set (3). */
export function readTemplatesIpfix(reader: Reader, kind: 'flows' | 'options', sink: TemplateSink): void {
  while (reader.left >= 4) {
    const id = reader.u16()
    if (id === 0) return
    const count = reader.u16()
    if (count === 0) {
      sink.withdraw(id)
      continue
    }
    const scopes = kind === 'options' ? reader.u16() : 0
    if (kind === 'options' && (scopes === 0 || scopes > count))
      reader.fail(`options template ${id} with ${scopes} scopes in ${count} fields`)
    sink.add(checked(reader, id, readFields(reader, count, 'ipfix'), scopes))
  }
}

function readFields(reader: Reader, count: number, format: 'v9' | 'ipfix'): Field[] {
  if (count > MAX_FIELDS) reader.fail(`a template of ${count} fields, more than ${MAX_FIELDS}`)
  const fields: Field[] = []
  for (let i = 0; i < count; i++) {
    const element = reader.u16()
    const length = reader.u16()
    const isVendors = format === 'ipfix' && element >= 0x8000
    fields.push({ enterprise: isVendors ? reader.u32() : 0, element: isVendors ? element & 0x7fff : element, length })
  }
  return fields
}

function checked(reader: Reader, id: number, fields: readonly Field[], scopes: number): Template {
  if (id < 256) reader.fail(`a template numbered ${id}, below 256`)
  const template = compileTemplate(id, fields, scopes)
  const bytes = template.plan.leastBytes
  if (bytes === 0) reader.fail(`template ${id} describes records of no bytes`)
  if (bytes > 65_500) reader.fail(`template ${id} describes records of ${bytes} bytes, more than a datagram holds`)
  return template
}

/**
 * Puts the place and length of every field of the record at `at` into `places` and `lengths`; returns where the next
 * record begins, −1 when this one goes beyond `end`.
 */
export function walkRecord(
  fields: readonly Field[],
  view: DataView,
  at: number,
  end: number,
  places: Uint32Array,
  lengths: Uint32Array,
): number {
  let next = at
  for (let i = 0; i < fields.length; i++) {
    let length = fields[i]!.length
    if (length === VARIABLE) {
      if (next >= end) return -1
      length = view.getUint8(next++)
      if (length === 255) {
        if (end - next < 2) return -1
        length = view.getUint16(next)
        next += 2
      }
    }
    if (end - next < length) return -1
    places[i] = next
    lengths[i] = length
    next += length
  }
  return next
}
