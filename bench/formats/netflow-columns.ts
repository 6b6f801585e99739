/** Holds rows of a batch against the same records read by name: the columnar and the slow reader must agree. */
import { formatAddress } from '../../src/model/address.ts'
import type { FlowBatch } from '../../src/model/flow.ts'
import type { DescribedRecord } from '../../src/observe/netflow/describe.ts'

/** Column → what v5 and v9, or IPFIX, call the field it is read from. */
const NAMES = {
  source: ['ipv4_src_addr', 'sourceIPv4Address', 'ipv6_src_addr', 'sourceIPv6Address'],
  target: ['ipv4_dst_addr', 'destinationIPv4Address', 'ipv6_dst_addr', 'destinationIPv6Address'],
  sourcePort: ['l4_src_port', 'sourceTransportPort'],
  targetPort: ['l4_dst_port', 'destinationTransportPort'],
  proto: ['protocol', 'protocolIdentifier'],
  bytesOut: ['in_bytes', 'octetDeltaCount', 'octetTotalCount'],
} as const

/** null when they agree. Each described flow must be found among the rows; ICMP keeps its type in the ports. */
export function compareColumns(batch: FlowBatch, records: readonly DescribedRecord[]): string | null {
  const rows = new Map<string, number>()
  for (let i = 0; i < batch.count; i++) {
    const key = keyOf(
      formatAddress(batch.source, i * 4),
      formatAddress(batch.target, i * 4),
      batch.proto[i]!,
      batch.sourcePort[i]!,
      batch.targetPort[i]!,
    )
    rows.set(key, (rows.get(key) ?? 0) + 1)
  }
  let missing = 0
  let example = ''
  for (const record of records) {
    const fields = new Map(record.fields.map((field) => [field.name, field.value]))
    const first = (names: readonly string[]) =>
      names.map((name) => fields.get(name)).find((value) => value !== undefined)
    const source = address(fields, NAMES.source)
    const target = address(fields, NAMES.target)
    if (source === null || target === null || isAnnouncement(fields)) continue
    const key = keyOf(
      source,
      target,
      Number(first(NAMES.proto) ?? 0),
      Number(first(NAMES.sourcePort) ?? 0),
      Number(first(NAMES.targetPort) ?? 0),
    )
    const left = rows.get(key) ?? 0
    if (left > 0) rows.set(key, left - 1)
    else {
      missing++
      example ||= key
    }
  }
  return missing === 0 ? null : `${missing} records are no row, the first ${example}`
}

type Fields = ReadonlyMap<string, DescribedRecord['fields'][number]['value']>

/** Where both families are there, the one that is not all zero is meant. */
function address(fields: Fields, names: readonly string[]): string | null {
  const found = names.map((name) => fields.get(name)).filter((value) => typeof value === 'string')
  return found.find((value) => value !== '::' && value !== '0.0.0.0') ?? found[0] ?? null
}

/** A firewall's «flow created» with nothing in it yet is no flow (decoder: flow-reader.ts). */
function isAnnouncement(fields: Fields): boolean {
  const event = fields.get('firewallEvent') ?? fields.get('fw_event')
  const bytes = NAMES.bytesOut.map((name) => Number(fields.get(name) ?? 0))
  return event === 1 && bytes.every((count) => count === 0)
}

function keyOf(source: string, target: string, proto: number, sourcePort: number, targetPort: number): string {
  const ports = proto === 1 || proto === 58 ? '' : ` ${sourcePort} ${targetPort}`
  return `${source} ${target} ${proto}${ports}`
}
