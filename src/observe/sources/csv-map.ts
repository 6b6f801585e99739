/** Which column of a CSV file is what: a mapping that a person gives, and those of tools whose header is known. */
import { plainText } from '../../model/plain-text.ts'
import type { Outcome } from '../../model/why.ts'

/** What a flow is made of. `bytes` and `packets` are totals of both directions; `flags` the TCP flags as letters. */
export const CSV_FIELDS = [
  'start',
  'end',
  'duration',
  'proto',
  'source',
  'sourcePort',
  'target',
  'targetPort',
  'direction',
  'state',
  'flags',
  'service',
  'bytes',
  'bytesOut',
  'bytesIn',
  'packets',
  'packetsOut',
  'packetsIn',
] as const
export type CsvField = (typeof CSV_FIELDS)[number]
const REQUIRED: readonly CsvField[] = ['start', 'source', 'target', 'proto']

/** How a time or a duration is written: units since 1970 or of length; `dmy`/`mdy` = day or month first. */
export const CSV_FORMATS = ['s', 'ms', 'us', 'ns', 'dmy', 'mdy'] as const
export type CsvFormat = (typeof CSV_FORMATS)[number]

export type CsvColumn = { readonly column: string; readonly format: CsvFormat | null }
export type CsvMap = Readonly<Partial<Record<CsvField, CsvColumn>>>

const as = (column: string): CsvColumn => ({ column, format: null })

/** Argus' ra, as in the binetflow files of CTU-13 (openargus.org, ra.1). */
const ARGUS: CsvMap = {
  start: as('StartTime'),
  duration: as('Dur'),
  proto: as('Proto'),
  source: as('SrcAddr'),
  sourcePort: as('Sport'),
  direction: as('Dir'),
  target: as('DstAddr'),
  targetPort: as('Dport'),
  state: as('State'),
  packets: as('TotPkts'),
  packetsOut: as('SrcPkts'),
  bytes: as('TotBytes'),
  bytesOut: as('SrcBytes'),
}

const KNOWN: readonly { readonly kind: string; readonly telling: readonly string[]; readonly map: CsvMap }[] = [
  { kind: 'binetflow', telling: ['StartTime', 'SrcAddr', 'DstAddr', 'Proto'], map: ARGUS },
]

/** The mapping for a header that is known, without the columns that it happens to lack; null for others. */
export function knownCsv(header: readonly string[]): { readonly kind: string; readonly map: CsvMap } | null {
  const known = KNOWN.find(({ telling }) => telling.every((column) => header.includes(column)))
  if (known === undefined) return null
  const present = Object.entries(known.map).filter(([, { column }]) => header.includes(column))
  return { kind: known.kind, map: Object.fromEntries(present) }
}

const refusal = (why: string, cure: string): Outcome<never> => ({ ok: false, code: 'csv-map', why, cure })

/** `start=StartTime,source=SrcAddr,duration=Dur:ms`; a column's name may hold spaces, not commas or equals signs. */
export function parseCsvMap(text: string): Outcome<CsvMap> {
  const pairs: [string, string][] = []
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    if (at < 1)
      return refusal(
        `"${plainText(part, 60)}" of the mapping names no column`,
        'Write field=Column, such as start=StartTime.',
      )
    pairs.push([part.slice(0, at).trim(), part.slice(at + 1).trim()])
  }
  return csvMapOf(Object.fromEntries(pairs))
}

/** From what a mapping file holds: field → column, or field → `Column:format`. */
export function csvMapOf(value: unknown): Outcome<CsvMap> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refusal('the mapping is no list of field: column', 'Write lines such as `start: StartTime`.')
  const map: Partial<Record<CsvField, CsvColumn>> = {}
  for (const [field, column] of Object.entries(value)) {
    if (!isField(field))
      return refusal(
        `the mapping has "${plainText(field, 40)}", which is no field`,
        `Fields are ${CSV_FIELDS.join(', ')}.`,
      )
    if (typeof column !== 'string' || column === '')
      return refusal(`the mapping of ${field} names no column`, 'Write the column as the file’s header has it.')
    map[field] = columnOf(column)
  }
  const missing = REQUIRED.filter((field) => map[field] === undefined)
  if (missing.length > 0)
    return refusal(
      `the mapping lacks ${missing.join(', ')}`,
      `Add ${missing.map((field) => `${field}=COLUMN`).join(',')}.`,
    )
  return { ok: true, value: map }
}

const isField = (text: string): text is CsvField => (CSV_FIELDS as readonly string[]).includes(text)

function columnOf(text: string): CsvColumn {
  const at = text.lastIndexOf(':')
  const format = CSV_FORMATS.find((one) => one === text.slice(at + 1))
  return at > 0 && format !== undefined ? { column: text.slice(0, at), format } : { column: text, format: null }
}
