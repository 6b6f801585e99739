/**
 * formats/nfdump: the records nfdump's own tests expect, as `nfdump -o raw` prints them, through the reader of nfdump's lines:
 * each is put the way nfdump prints it when the product asks, and each column must come out as the record has it. Records are
 * of one direction, so no pairing is involved.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { formatAddress } from '../../src/model/address.ts'
import { createFlowBatch, type FlowBatch } from '../../src/model/flow.ts'
import { createNfdumpRows } from '../../src/observe/sources/nfdump-rows.ts'
import type { RunSection } from './section.ts'

type Record_ = Readonly<Record<string, string>>

export const run: RunSection = async (folder) => {
  const paths = globSync(`${folder}/*.out`).sort()
  if (paths.length === 0) return null
  const failures: string[] = []
  let expected = 0
  let passed = 0
  let without = 0
  for (const path of paths) {
    const rows = createNfdumpRows()
    const batch = createFlowBatch(1)
    for (const record of recordsOf(readFileSync(path, 'latin1'))) {
      if (record['src addr'] === undefined || record.first === undefined) {
        without++
        continue
      }
      batch.count = 0
      const line = Buffer.from(lineOf(record))
      const refused = rows.take(batch, line, 0, line.length)
      const wrong = refused === null ? differing(batch, record) : [refused.why]
      expected++
      if (wrong.length === 0) passed++
      else failures.push(`${basename(path)} record ${record.RecordCount}: ${wrong.join(', ')}`)
    }
  }
  const why = 'records without addresses or times: nfdump prints zeros for them'
  return { expected, passed, excluded: without, excludedWhy: { [why]: without }, failures }
}

function recordsOf(text: string): Record_[] {
  return text
    .split(/^Flow Record:.*$/m)
    .slice(1)
    .map((part) =>
      Object.fromEntries(
        [...part.matchAll(/^ {2}(\S.*?)\s*=\s+(.*?)\s*$/gm)].map(([, name, value]) => [name!, value!]),
      ),
    )
}

const first = (text: string | undefined) => (text ?? '0').split(' ')[0]!
/** The product asks for UTC; the text beside the number is in the zone of whoever made it. */
const inUtc = (ms: string | undefined) => new Date(Number(first(ms))).toISOString().replace('T', ' ').slice(0, -1)

/** As NFDUMP_FORMAT asks; ICMP's type and code stand where the port does (raw text puts the code first). */
function lineOf(record: Record_): string {
  const [code, type] = first(record.ICMP).split('.')
  const target = record.ICMP === undefined ? first(record['dst port']) : `${type}.${code}`
  return [
    inUtc(record.first),
    inUtc(record.last),
    first(record.proto),
    record['src addr'],
    first(record['src port']),
    record['dst addr'],
    target,
    record['tcp flags']?.split(' ')[1] ?? '........',
    first(record['in packets']),
    first(record['in bytes']),
    first(record['out packets']),
    first(record['out bytes']),
  ].join(', ')
}

function differing(batch: FlowBatch, record: Record_): string[] {
  const isIcmp = record.ICMP !== undefined
  const pairs: Readonly<Record<string, readonly [unknown, unknown]>> = {
    first: [batch.start[0], Number(first(record.first))],
    last: [batch.end[0], Number(first(record.last))],
    proto: [batch.proto[0], Number(first(record.proto))],
    source: [formatAddress(batch.source), record['src addr']],
    target: [formatAddress(batch.target), record['dst addr']],
    ports: [
      isIcmp ||
        (batch.sourcePort[0] === Number(first(record['src port'])) &&
          batch.targetPort[0] === Number(first(record['dst port']))),
      true,
    ],
    packets: [batch.packetsOut[0], Number(first(record['in packets']))],
    bytes: [batch.bytesOut[0], Number(first(record['in bytes']))],
    packetsBack: [batch.packetsIn[0], Number(first(record['out packets']))],
    bytesBack: [batch.bytesIn[0], Number(first(record['out bytes']))],
    flags: [batch.marks[0], first(record.proto) === '6' ? Number(first(record['tcp flags'])) : 0],
  }
  return Object.entries(pairs)
    .filter(([, [is, should]]) => is !== should)
    .map(([name, [is, should]]) => `${name} ${is} instead of ${should}`)
}
