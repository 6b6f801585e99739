/** NetFlow v5: a header and records of one fixed form (Cisco, «NetFlow Export Datagram Format»); it is read as a template. */
import type { FlowBatch } from '../../model/flow.ts'
import type { Reader } from '../reader.ts'
import type { Domain } from './exporter.ts'
import type { FlowReader } from './flow-reader.ts'
import { compileTemplate, type Field, type Template } from './template.ts'

const MAX_RECORDS = 30
const RECORD_BYTES = 48

/** Element and bytes, in the order of the record; element 0 = padding. */
const LAYOUT: readonly (readonly [element: number, bytes: number])[] = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 2],
  [14, 2],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
  [0, 1],
  [6, 1],
  [4, 1],
  [5, 1],
  [16, 2],
  [17, 2],
  [9, 1],
  [13, 1],
  [0, 2],
]
export const V5_FIELDS: readonly Field[] = LAYOUT.map(([element, length]) => ({ enterprise: 0, element, length }))
const V5: Template = compileTemplate(5, V5_FIELDS, 0)

export type V5Header = {
  readonly count: number
  readonly uptimeMs: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly sequence: number
  readonly engineType: number
  readonly engineId: number
  /** Two bits of mode, fourteen of interval. */
  readonly sampling: number
}

/** `reader` is behind the version. */
export function readV5Header(reader: Reader): V5Header {
  const count = reader.u16()
  const header = {
    count,
    uptimeMs: reader.u32(),
    seconds: reader.u32(),
    nanoseconds: reader.u32(),
    sequence: reader.u32(),
    engineType: reader.u8(),
    engineId: reader.u8(),
    sampling: reader.u16(),
  }
  if (count === 0 || count > MAX_RECORDS)
    reader.fail(`a v5 datagram of ${count} records; 1 to ${MAX_RECORDS} are possible`)
  return header
}

export function readV5(
  reader: Reader,
  flows: FlowReader,
  rows: FlowBatch,
  domainOf: (id: number, exportMs: number) => Domain,
): { domain: Domain; sequence: number; count: number } {
  const header = readV5Header(reader)
  const exportMs = header.seconds * 1_000 + Math.floor(header.nanoseconds / 1_000_000)
  const domain = domainOf((header.engineType << 8) | header.engineId, exportMs)
  // Some exporters give the interval without a mode; one in none is one in one.
  domain.sampling = Math.max(1, header.sampling & 0x3fff)
  const records = reader.sub(header.count * RECORD_BYTES)
  flows.readSet(records, V5, domain, exportMs, header.uptimeMs, rows)
  domain.flows += header.count
  return { domain, sequence: header.sequence, count: header.count }
}
