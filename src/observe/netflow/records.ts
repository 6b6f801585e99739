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

/** Empties rows: whatever a template does not hold reads as not known. A loop over rows, because they are often few. */
export function clearRows(plan: Plan, batch: FlowBatch, beside: Beside, row: number, count: number): void {
  const { source, target, start, end, sourcePort, targetPort, proto, bytesOut, bytesIn, packetsOut, packetsIn } = batch
  const { phase, state, marks, sourceWorkload, targetWorkload, service } = batch
  const { flags, direction, durationMs, reverseFlags } = beside
  for (let i = row; i < row + count; i++) {
    for (let word = i * 4; word < i * 4 + 4; word++) {
      source[word] = 0
      target[word] = 0
    }
    start[i] = 0
    end[i] = 0
    sourcePort[i] = 0
    targetPort[i] = 0
    proto[i] = 0
    bytesOut[i] = 0
    bytesIn[i] = 0
    packetsOut[i] = 0
    packetsIn[i] = 0
    phase[i] = Phase.whole
    state[i] = 0
    marks[i] = 0
    sourceWorkload[i] = -1
    targetWorkload[i] = -1
    service[i] = 0
    flags[i] = 0
    direction[i] = 0
    durationMs[i] = 0
    reverseFlags[i] = 0
  }
  if (!hasRareFacts(plan)) return
  const last = row + count
  beside.icmp.fill(-1, row, last)
  beside.sampler.fill(0, row, last)
  beside.interval.fill(0, row, last)
  beside.event.fill(0, row, last)
  beside.application.fill(0, row, last)
}

const RARE = [Op.icmp, Op.icmpType, Op.icmpCode, Op.sampler, Op.samplingInterval, Op.event, Op.application]
const RARE_BITS = RARE.reduce((bits, op) => bits | (1 << op), 0)
const hasRareFacts = (plan: Plan) => (plan.facts & RARE_BITS) !== 0

/**
 * Reads one field of `count` records, `stride` bytes apart, the first value at `at`, into rows from `row` on. `first`: the
 * column holds nothing yet; else what is there and not zero is kept.
 */
export function readField(
  op: number,
  width: number,
  first: number,
  view: DataView,
  at: number,
  stride: number,
  count: number,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  clock: Clock,
): void {
  const end = row + count
  if (op <= Op.target6) {
    const words = op === Op.source4 || op === Op.source6 ? batch.source : batch.target
    if (width === 4) readAddress4(words, view, at, stride, count, row)
    else readAddress6(words, view, at, stride, count, row)
    return
  }
  if (first === 1 && readColumn(op, width, view, at, stride, batch, beside, row, end)) return
  const values = beside.values
  readNumbers(values, width, view, at, stride, row, end)
  if (op >= Op.startSeconds) keepTimes(op, values, batch, beside, row, end, clock)
  else if (op >= Op.icmp) keepBeside(op, values, beside, row, end)
  else keepValues(op, first, values, batch, beside, row, end)
}

/** The usual widths go straight into their column; false = another width. */
function readColumn(
  op: number,
  width: number,
  view: DataView,
  at: number,
  stride: number,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  end: number,
): boolean {
  if (op === Op.sourcePort && width === 2) read16(batch.sourcePort, view, at, stride, row, end)
  else if (op === Op.targetPort && width === 2) read16(batch.targetPort, view, at, stride, row, end)
  else if (op === Op.proto && width === 1) read8(batch.proto, view, at, stride, row, end)
  else if (op === Op.flags && width === 1) read8(beside.flags, view, at, stride, row, end)
  else if (op === Op.packetsOut && width === 4) read32(batch.packetsOut, view, at, stride, row, end)
  else if (op === Op.bytesOut) readNumbers(batch.bytesOut, width, view, at, stride, row, end)
  else if (op === Op.bytesIn) readNumbers(batch.bytesIn, width, view, at, stride, row, end)
  else return false
  return true
}

function keepValues(
  op: number,
  first: number,
  values: Float64Array,
  batch: FlowBatch,
  beside: Beside,
  row: number,
  end: number,
): void {
  for (let i = row; i < end; i++) {
    const value = values[i]!
    if (op === Op.flags) beside.flags[i] = first === 1 ? value : beside.flags[i]! | value
    else if (op === Op.reverseFlags) beside.reverseFlags[i] = beside.reverseFlags[i]! | value
    else if (op === Op.proto) batch.proto[i] = value
    else if (op === Op.sourcePort) batch.sourcePort[i] = (first === 0 && batch.sourcePort[i]) || value
    else if (op === Op.targetPort) batch.targetPort[i] = (first === 0 && batch.targetPort[i]) || value
    else if (op === Op.bytesOut) batch.bytesOut[i] = (first === 0 && batch.bytesOut[i]) || value
    else if (op === Op.bytesIn) batch.bytesIn[i] = (first === 0 && batch.bytesIn[i]) || value
    else if (op === Op.packetsOut)
      batch.packetsOut[i] = (first === 0 && batch.packetsOut[i]) || Math.min(0xffffffff, value)
    else if (op === Op.packetsIn)
      batch.packetsIn[i] = (first === 0 && batch.packetsIn[i]) || Math.min(0xffffffff, value)
  }
}

function read8(column: Uint8Array, view: DataView, at: number, stride: number, row: number, end: number): void {
  for (let i = row, from = at; i < end; i++, from += stride) column[i] = view.getUint8(from)
}
function read16(column: Uint16Array, view: DataView, at: number, stride: number, row: number, end: number): void {
  for (let i = row, from = at; i < end; i++, from += stride) column[i] = view.getUint16(from)
}
function read32(column: Uint32Array, view: DataView, at: number, stride: number, row: number, end: number): void {
  for (let i = row, from = at; i < end; i++, from += stride) column[i] = view.getUint32(from)
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
  row: number,
  end: number,
): void {
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

export const LATEST_MS = 7_258_118_400_000
/** A record that lies further ahead than this would drag the clock of everybody along. */
export const MAX_AHEAD_MS = 3_600_000

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
  const isRare = hasRareFacts(plan)
  const usual = finish.factorOf(0, 0)
  for (let i = row; i < row + count; i++) {
    finishTimes(batch, beside, i, clock, finish)
    const factor = isRare ? finish.factorOf(beside.sampler[i]!, beside.interval[i]!) : usual
    if (factor !== 1) scaleRow(batch, i, factor, finish)
    const proto = batch.proto[i]
    if (proto === Proto.icmp || proto === Proto.icmp6) {
      // v5 and most v9 exporters write type and code into the destination port (cisco.com, NetFlow v5 record format).
      const told = isRare && beside.icmp[i]! > 0 ? beside.icmp[i]! : batch.targetPort[i]!
      batch.sourcePort[i] = told >>> 8
      batch.targetPort[i] = told & 255
    }
    if (isRare && beside.application[i] !== 0 && batch.service[i] === 0)
      batch.service[i] = finish.serviceOf(beside.application[i]!)
  }
}

function scaleRow(batch: FlowBatch, i: number, factor: number, finish: Finish): void {
  finish.scaled++
  batch.bytesOut[i] = Math.round(batch.bytesOut[i]! * factor)
  batch.bytesIn[i] = Math.round(batch.bytesIn[i]! * factor)
  batch.packetsOut[i] = Math.min(0xffffffff, Math.round(batch.packetsOut[i]! * factor))
  batch.packetsIn[i] = Math.min(0xffffffff, Math.round(batch.packetsIn[i]! * factor))
}

function finishTimes(batch: FlowBatch, beside: Beside, i: number, clock: Clock, finish: Finish): void {
  let start = batch.start[i]!
  let end = batch.end[i]!
  const duration = Math.max(0, beside.durationMs[i]!)
  if (!(start > 0)) start = 0
  if (!(end > 0)) end = 0
  if (end === 0) end = start > 0 ? start + duration : clock.exportMs
  if (start === 0) start = end - duration
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
