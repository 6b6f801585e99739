/** Lines of nfdump's own output, as `NFDUMP_FORMAT` asks for it, into rows of one direction and their TCP flags. */
import { parseAddress } from '../../model/address.ts'
import { type FlowBatch, Proto, stateCode } from '../../model/flow.ts'
import { flagsOf } from './argus-state.ts'
import { decimalOf, timeOf } from './csv-values.ts'
import { fillRow } from './fill-row.ts'
import { protoOf } from './hint-fields.ts'
import { type LineRows, refusedLine } from './line-rows.ts'

/** nfdump(1), "fmt": times with ms, ports, flags as letters; with -N plain numbers, with -6 whole addresses. */
export const NFDUMP_FORMAT = 'fmt:%ts,%te,%pr,%sa,%sp,%da,%dp,%flg,%pkt,%byt,%opkt,%obyt'
const COLUMNS = 12

/** TCP flags go into the column `marks`, until the halves are put together. */
export function createNfdumpRows(): LineRows {
  return {
    passed: new Map(),
    take(batch, bytes, from, to) {
      const cells = bytes.toString('latin1', from, to).split(',', COLUMNS + 1)
      if (cells.length !== COLUMNS) return refusedLine(`not ${COLUMNS} columns as nfdump was asked for`)
      for (let i = 0; i < COLUMNS; i++) cells[i] = cells[i]!.trim()
      return takeCells(batch, cells)
    },
  }
}

function takeCells(batch: FlowBatch, cells: readonly string[]) {
  const [began, ended, name, from, fromPort, to, toPort, letters, packets, bytes, packetsBack, bytesBack] =
    cells as string[]
  const source = parseAddress(from!)
  const target = parseAddress(to!)
  if (source === null || target === null) return refusedLine('an end is no address')
  const row = batch.count
  batch.source.set(source, row * 4)
  batch.target.set(target, row * 4)
  const startMs = timeOf(began!, null)
  const proto = /^\d{1,3}$/.test(name!) ? Number(name) & 255 : protoOf(name!)
  const isIcmp = proto === Proto.icmp || proto === Proto.icmp6
  const [type, code] = isIcmp ? toPort!.split('.') : [fromPort, toPort]
  const refused = fillRow(batch, {
    startMs,
    durationMs: Math.max(0, timeOf(ended!, null) - startMs),
    sourcePort: decimalOf(type!),
    targetPort: decimalOf(code ?? '0'),
    proto,
    service: 0,
    state: stateCode.none,
    bytesOut: decimalOf(bytes!),
    bytesIn: decimalOf(bytesBack!),
    packetsOut: decimalOf(packets!),
    packetsIn: decimalOf(packetsBack!),
  })
  if (refused === null) batch.marks[row] = proto === Proto.tcp ? flagsOf(letters!) : 0
  return refused
}
