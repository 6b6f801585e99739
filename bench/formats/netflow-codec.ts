/** Records as our decoder describes them come in; events as logstash-codec-netflow 4 makes them go out, its arithmetic included. */
import type { DescribedRecord, Description, FieldValue } from '../../src/observe/netflow/describe.ts'
import { elementOf } from '../../src/observe/netflow/element-names.ts'
import { type Field, VARIABLE } from '../../src/observe/netflow/template.ts'
import { instant } from './netflow-values.ts'

export type CodecEvent = {
  readonly '@timestamp': unknown
  readonly '@version': '1'
  readonly netflow: Readonly<Record<string, unknown>>
}

const NTP_EPOCH_S = 2_208_988_800n

export function codecEvent(record: DescribedRecord): CodecEvent {
  const netflow: Record<string, unknown> = { ...record.header }
  if (record.version !== 5) netflow.flowset_id = record.setId
  for (const { name, value } of record.fields) netflow[name] = codecValue(record, name, value)
  return { '@timestamp': instant(record.exportNs), '@version': '1', netflow }
}

function codecValue(record: DescribedRecord, name: string, value: FieldValue): unknown {
  if (typeof value !== 'bigint' && !Number.isInteger(value)) return value
  const whole = BigInt(value as number | bigint)
  if (record.version !== 10) return name.endsWith('_switched') ? switched(record, whole) : value
  const unit = /^flow(?:Start|End)(Seconds|Milliseconds|Microseconds|Nanoseconds)$/.exec(name)?.[1]
  if (unit === undefined) return value
  if (unit === 'Seconds') return instant(whole * 1_000_000_000n)
  if (unit === 'Milliseconds') return instant(whole * 1_000_000n)
  // Micro- and nanoseconds are NTP timestamps (RFC 7011 §6.1.9).
  const seconds = (whole >> 32n) - NTP_EPOCH_S
  return instant(seconds * 1_000_000_000n + (((whole & 0xffffffffn) * 1_000_000_000n) >> 32n))
}

/** The codec borrows a second that it does not give back (v5: when the fraction is negative; v9: always). */
function switched(record: DescribedRecord, uptime: bigint): unknown {
  const millis = BigInt(record.uptimeMs!) - uptime
  const wholeSeconds = millis >= 0n ? millis / 1_000n : -((-millis + 999n) / 1_000n)
  const rest = millis - wholeSeconds * 1_000n
  const seconds = record.exportNs / 1_000_000_000n - wholeSeconds
  const fraction = (record.exportNs % 1_000_000_000n) - rest * 1_000_000n
  const borrowed = record.version === 9 || fraction < 0n ? fraction + 1_000_000_000n : fraction
  return instant(seconds * 1_000_000_000n + borrowed)
}

/** The codec's cache file: BinData type, name and size of every field, by domain and template. */
export function codecTemplates(description: Description): Record<string, unknown> {
  const cache: Record<string, unknown> = {}
  for (const [key, template] of description.templates) {
    const fields = template.fields.map(codecField)
    if (!fields.includes(null)) cache[key] = fields
  }
  return cache
}

function codecField(field: Field): unknown[] | null {
  const element = elementOf(field, 10)
  if (element === null) return null
  const { name, kind } = element
  const { length } = field
  if (kind === 'x') return length === VARIABLE ? ['VarSkip', name] : ['skip', null, { length }]
  if (kind === 's') return length === VARIABLE ? ['VarString', name] : ['string', name, { length, trim_padding: true }]
  if (kind === 'o') return ['OctetArray', name, { initial_length: length }]
  if (kind === '4') return ['ip4_addr', name]
  if (kind === '6') return ['ip6_addr', name]
  if (kind === 'm') return ['mac_addr', name]
  if (kind === 'a') return [`Application_Id${length * 8}`, name]
  if (kind === 'f') return [length === 4 ? 'float' : 'double', name]
  return [`uint${length * 8}`, name]
}
