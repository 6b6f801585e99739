/**
 * The hot path: data records come in, columns go out. Every field is read for all records of a set before the next field,
 * so the decision what a field is falls once per set; the caller has checked that all records lie within the datagram.
 */
import { type FlowBatch, Phase, Proto } from '../../model/flow.ts'
import { Op } from './fields.ts'
import type { Plan } from './template.ts'

/** What a record tells beside the columns of a batch, by row of the batch. */
export type Beside = {
  readonly values: Float64Array
  readonly flags: Uint8Array
  readonly reverseFlags: Uint8Array
  /** NetFlow's icmpTypeCode, type in the upper byte; −1 = none. */
  readonly icmp: Int32Array
  /** Selector or sampler of the record, 0 = none. */
  readonly sampler: Float64Array
  /** One packet in so many was looked at, as the record itself says; 0 = it does not. */
  readonly interval: Float64Array
  readonly event: Uint8Array
  readonly direction: Uint8Array
  readonly application: Float64Array
  readonly durationMs: Float64Array
}

export function createBeside(rows: number): Beside {
  return {
    values: new Float64Array(rows),
    flags: new Uint8Array(rows),
    reverseFlags: new Uint8Array(rows),
    icmp: new Int32Array(rows),
    sampler: new Float64Array(rows),
    interval: new Float64Array(rows),
    event: new Uint8Array(rows),
    direction: new Uint8Array(rows),
    application: new Float64Array(rows),
    durationMs: new Float64Array(rows),
  }
}

/** What the header of the datagram says of time. */
export type Clock = {
  /** epoch ms at which the exporter sent it */
  exportMs: number
  /** ms since the exporter's start at that time, NaN = not told (IPFIX) */
  uptimeMs: number
  /** epoch ms at which the exporter started, NaN = not known */
  startedMs: number
}

const MAPPED = 0xffff
const NTP_EPOCH_S = 2_208_988_800

/** Empties rows: whatever a template does not hold reads as not known. */
export function clearRows(batch: FlowBatch, beside: Beside, row: number, count: number): void {
  const end = row + count
  batch.source.fill(0, row * 4, end * 4)
  batch.target.fill(0, row * 4, end * 4)
  for (let i = row; i < end; i++) {
    batch.start[i] = 0
    batch.end[i] = 0
    batch.sourcePort[i] = 0
    batch.targetPort[i] = 0
    batch.proto[i] = 0
    batch.bytesOut[i] = 0
    batch.bytesIn[i] = 0
    batch.packetsOut[i] = 0
    batch.packetsIn[i] = 0
    batch.phase[i] = Phase.whole
    batch.state[i] = 0
    batch.marks[i] = 0
    batch.sourceWorkload[i] = -1
    batch.targetWorkload[i] = -1
    batch.service[i] = 0
    beside.flags[i] = 0
    beside.reverseFlags[i] = 0
    beside.icmp[i] = -1
    beside.sampler[i] = 0
    beside.interval[i] = 0
    beside.event[i] = 0
    beside.direction[i] = 0
    beside.application[i] = 0
    beside.durationMs[i] = 0
  }
}

/** Reads one field of `count` records, `stride` bytes apart, the first value at `at`, into rows from `row` on. */
export function readField(
  op: number,
  width: number,
  view: DataView,
  at: number,
  stride: number,
  count: number,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  clock: Clock,
): void {
  if (op <= Op.target6) {
    const words = op === Op.source4 || op === Op.source6 ? batch.source : batch.target
    if (width === 4) readAddress4(words, view, at, stride, count, row)
    else readAddress6(words, view, at, stride, count, row)
    return
  }
  const values = beside.values
  readNumbers(values, width, view, at, stride, count, row)
  const end = row + count
  switch (op) {
    case Op.sourcePort:
      for (let i = row; i < end; i++) if (values[i] !== 0) batch.sourcePort[i] = values[i]!
      return
    case Op.targetPort:
      for (let i = row; i < end; i++) if (values[i] !== 0) batch.targetPort[i] = values[i]!
      return
    case Op.proto:
      for (let i = row; i < end; i++) batch.proto[i] = values[i]!
      return
    case Op.bytesOut:
      for (let i = row; i < end; i++) if (batch.bytesOut[i] === 0) batch.bytesOut[i] = values[i]!
      return
    case Op.bytesIn:
      for (let i = row; i < end; i++) if (batch.bytesIn[i] === 0) batch.bytesIn[i] = values[i]!
      return
    case Op.packetsOut:
      for (let i = row; i < end; i++)
        if (batch.packetsOut[i] === 0) batch.packetsOut[i] = Math.min(values[i]!, 0xffffffff)
      return
    case Op.packetsIn:
      for (let i = row; i < end; i++)
        if (batch.packetsIn[i] === 0) batch.packetsIn[i] = Math.min(values[i]!, 0xffffffff)
      return
    case Op.flags:
      for (let i = row; i < end; i++) beside.flags[i] = beside.flags[i]! | values[i]!
      return
    case Op.reverseFlags:
      for (let i = row; i < end; i++) beside.reverseFlags[i] = beside.reverseFlags[i]! | values[i]!
      return
    default:
      if (op >= Op.startSeconds) keepTimes(op, values, batch, beside, row, end, clock)
      else keepBeside(op, values, beside, row, end)
  }
}

function keepBeside(op: number, values: Float64Array, beside: Beside, row: number, end: number): void {
  for (let i = row; i < end; i++) {
    const value = values[i]!
    if (op === Op.icmp) beside.icmp[i] = value & MAPPED
    else if (op === Op.icmpType) beside.icmp[i] = ((value & 255) << 8) | (beside.icmp[i]! & 255)
    else if (op === Op.icmpCode) beside.icmp[i] = (Math.max(0, beside.icmp[i]!) & 0xff00) | (value & 255)
    else if (op === Op.sampler) beside.sampler[i] = value
    else if (op === Op.samplingInterval) beside.interval[i] = beside.interval[i]! || value
    else if (op === Op.event) beside.event[i] = value
    else if (op === Op.direction) beside.direction[i] = value
    else if (op === Op.application) beside.application[i] = value
  }
}

function keepTimes(
  op: number,
  values: Float64Array,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  end: number,
  clock: Clock,
): void {
  if (op >= Op.durationMillis) {
    const scale = op === Op.durationMillis ? 1 : 1_000
    for (let i = row; i < end; i++) beside.durationMs[i] = beside.durationMs[i]! || values[i]! / scale
    return
  }
  const isStart = op < Op.endSeconds
  const column = isStart ? batch.start : batch.end
  const { exportMs, uptimeMs, startedMs } = clock
  switch (isStart ? op : op - Op.endSeconds + Op.startSeconds) {
    case Op.startSeconds:
      for (let i = row; i < end; i++) if (column[i] === 0) column[i] = values[i]! * 1_000
      return
    case Op.startMillis:
      for (let i = row; i < end; i++) if (column[i] === 0) column[i] = values[i]!
      return
    case Op.startNtp:
      for (let i = row; i < end; i++)
        if (column[i] === 0) column[i] = (values[i]! / 4_294_967_296 - NTP_EPOCH_S) * 1_000
      return
    case Op.startBefore:
      for (let i = row; i < end; i++) if (column[i] === 0) column[i] = exportMs - values[i]! / 1_000
      return
    default:
      // Uptimes are 32 bits of ms and wrap after 49.7 days; a flow lies within 2³¹ ms of the datagram that tells of it.
      for (let i = row; i < end; i++)
        if (column[i] === 0 && uptimeMs >= 0) column[i] = exportMs - ((uptimeMs - values[i]!) | 0)
        else if (column[i] === 0 && startedMs >= 0) column[i] = startedMs + values[i]!
        // The exporter's start is not known: the difference of both uptimes is.
        else if (column[i] === 0)
          beside.durationMs[i] = isStart ? -values[i]! : (values[i]! + beside.durationMs[i]!) | 0
  }
}

function readAddress4(words: Uint32Array, view: DataView, at: number, stride: number, count: number, row: number) {
  let from = at
  for (let i = row * 4; i < (row + count) * 4; i += 4) {
    words[i + 2] = MAPPED
    words[i + 3] = view.getUint32(from)
    from += stride
  }
}

/** Some templates hold both families: the one that is all zero is not meant. */
function readAddress6(words: Uint32Array, view: DataView, at: number, stride: number, count: number, row: number) {
  let from = at
  for (let i = row * 4; i < (row + count) * 4; i += 4, from += stride) {
    const a = view.getUint32(from)
    const b = view.getUint32(from + 4)
    const c = view.getUint32(from + 8)
    const d = view.getUint32(from + 12)
    if ((a | b | c | d) === 0 && words[i + 2] === MAPPED) continue
    words[i] = a
    words[i + 1] = b
    words[i + 2] = c
    words[i + 3] = d
  }
}

function readNumbers(
  values: Float64Array,
  width: number,
  view: DataView,
  at: number,
  stride: number,
  count: number,
  row: number,
): void {
  const end = row + count
  let from = at
  if (width === 4) for (let i = row; i < end; i++, from += stride) values[i] = view.getUint32(from)
  else if (width === 2) for (let i = row; i < end; i++, from += stride) values[i] = view.getUint16(from)
  else if (width === 1) for (let i = row; i < end; i++, from += stride) values[i] = view.getUint8(from)
  else if (width === 8)
    for (let i = row; i < end; i++, from += stride)
      values[i] = view.getUint32(from) * 4_294_967_296 + view.getUint32(from + 4)
  else
    for (let i = row; i < end; i++, from += stride) {
      let value = 0
      for (let b = 0; b < width; b++) value = value * 256 + view.getUint8(from + b)
      values[i] = value
    }
}

const LATEST_MS = 7_258_118_400_000
/** A record that lies further ahead than this would drag the clock of everybody along. */
const MAX_AHEAD_MS = 3_600_000

/** How one record of a set is to be read on, once its numbers are there. */
export type Finish = {
  /** Packets looked at one in `factorOf`; 1 = all. */
  factorOf(sampler: number, interval: number): number
  serviceOf(application: number): number
  arrivedMs: number
  scaled: number
  ahead: number
}

/** Makes the rows whole: times in order, sampling scaled up, ICMP into the ports. */
export function finishRows(
  plan: Plan,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  count: number,
  clock: Clock,
  finish: Finish,
): void {
  for (let i = row; i < row + count; i++) {
    finishTimes(plan, batch, beside, i, clock, finish)
    const factor = finish.factorOf(beside.sampler[i]!, beside.interval[i]!)
    if (factor !== 1) {
      finish.scaled++
      batch.bytesOut[i] = Math.round(batch.bytesOut[i]! * factor)
      batch.bytesIn[i] = Math.round(batch.bytesIn[i]! * factor)
      batch.packetsOut[i] = Math.min(0xffffffff, Math.round(batch.packetsOut[i]! * factor))
      batch.packetsIn[i] = Math.min(0xffffffff, Math.round(batch.packetsIn[i]! * factor))
    }
    const proto = batch.proto[i]
    if (proto === Proto.icmp || proto === Proto.icmp6) {
      // v5 and most v9 exporters write type and code into the destination port (cisco.com, NetFlow v5 record format).
      const told = beside.icmp[i]! > 0 ? beside.icmp[i]! : batch.targetPort[i]!
      batch.sourcePort[i] = told >>> 8
      batch.targetPort[i] = told & 255
    }
    if (beside.application[i] !== 0 && batch.service[i] === 0)
      batch.service[i] = finish.serviceOf(beside.application[i]!)
  }
}

function finishTimes(plan: Plan, batch: FlowBatch, beside: Beside, i: number, clock: Clock, finish: Finish): void {
  let start = batch.start[i]!
  let end = batch.end[i]!
  const duration = Math.max(0, beside.durationMs[i]!)
  if (!(start > 0)) start = 0
  if (!(end > 0)) end = 0
  if (end === 0) end = start > 0 ? start + duration : clock.exportMs
  if (start === 0) start = end - duration
  if (!plan.hasEnd && !plan.hasDuration && plan.hasStart && end < start) end = start
  if (end > LATEST_MS || !(start > 0)) {
    start = clock.exportMs
    end = clock.exportMs
  }
  if (start > end) start = end
  if (end > finish.arrivedMs + MAX_AHEAD_MS) {
    finish.ahead++
    start = Math.max(1, finish.arrivedMs - (end - start))
    end = finish.arrivedMs
  }
  batch.start[i] = start
  batch.end[i] = end
}
