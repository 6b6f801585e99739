/**
 * The shortest way of a record: where its channel is busy already (summing.ts), it is added up straight from the bytes of
 * the datagram, without ever being a row. Templates with everything that takes in one fixed place have a layout here; what is
 * unusual of a record in any way is left to be read like others.
 */
import { Proto } from '../../model/flow.ts'
import { BUSY, type BusyChannels, Double, doubleAt, hash4, service4, WAYS, Word, wordAt } from './busy-channels.ts'
import { Op } from './fields.ts'
import { type Clock, LATEST_MS, MAX_AHEAD_MS } from './records.ts'
import { isOpening, startsConversation } from './tcp-state.ts'

/** Offsets in a record, all within it. */
export type ChannelLayout = {
  readonly recordBytes: number
  readonly source: number
  readonly target: number
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
  readonly bytes: number
  readonly packets: number
  /** 4 or 8 */
  readonly countBytes: number
  /** −1 = the template has none. */
  readonly flags: number
  readonly start: number
  readonly end: number
  /** 4 bytes of the exporter's uptime, or 8 of epoch ms. */
  readonly times: 'uptime' | 'epoch'
}

const IGNORED = new Set<number>([Op.icmp, Op.icmpType, Op.icmpCode])

/** null when records of this kind must be read field by field. */
export function layoutOf(
  fields: readonly { readonly op: number; readonly width: number; readonly place: number }[],
  recordBytes: number,
): ChannelLayout | null {
  const places = new Map<number, { readonly width: number; readonly place: number }>()
  for (const { op, width, place } of fields) {
    if (IGNORED.has(op)) continue
    if (places.has(op)) return null
    places.set(op, { width, place })
  }
  const at = (op: number, ...widths: readonly number[]) => {
    const found = places.get(op)
    if (found === undefined || !widths.includes(found.width)) return -1
    places.delete(op)
    return found.place
  }
  const countBytes = places.get(Op.bytesOut)?.width ?? 0
  const times = places.has(Op.startUptime) ? 'uptime' : 'epoch'
  const timeBytes = times === 'uptime' ? 4 : 8
  const layout: ChannelLayout = {
    recordBytes,
    source: at(Op.source4, 4),
    target: at(Op.target4, 4),
    sourcePort: at(Op.sourcePort, 2),
    targetPort: at(Op.targetPort, 2),
    proto: at(Op.proto, 1),
    bytes: at(Op.bytesOut, 4, 8),
    packets: at(Op.packetsOut, countBytes),
    countBytes,
    flags: -1,
    start: at(times === 'uptime' ? Op.startUptime : Op.startMillis, timeBytes),
    end: at(times === 'uptime' ? Op.endUptime : Op.endMillis, timeBytes),
    times,
  }
  const { flags: _, recordBytes: __, countBytes: ___, times: ____, ...needed } = layout
  if (Object.values(needed).some((place) => place < 0)) return null
  const flags = at(Op.flags, 1)
  // Whatever else the template tells is somebody else's to read.
  return places.size === 0 ? { ...layout, flags } : null
}

/** Records of one data set, `recordBytes` apart, all within the view. */
export type Records = {
  readonly view: DataView
  readonly at: number
  readonly count: number
  readonly layout: ChannelLayout
  readonly clock: Clock
  /** epoch ms, `Infinity` for a recording */
  readonly arrivedMs: number
}

/** What was found of each record before any is added up. */
export type Looked = {
  readonly clients: Uint32Array
  readonly servers: Uint32Array
  readonly services: Uint32Array
  /** First slot of its channel, −1 = it is of none. */
  readonly slots: Int32Array
  readonly isAnswer: Uint8Array
  /** Of no use but that it is kept: what is not kept need not be read. */
  fetched: number
}

export function createLooked(count: number): Looked {
  return {
    clients: new Uint32Array(count),
    servers: new Uint32Array(count),
    services: new Uint32Array(count),
    slots: new Int32Array(count),
    isAnswer: new Uint8Array(count),
    fetched: 0,
  }
}

/** A loop by itself, so that the memory of all channels is asked for before any of it is needed. */
export function lookAtRecords(channels: BusyChannels, { view, at, count, layout }: Records, looked: Looked): void {
  const { words, capacity } = channels
  const { source, target, sourcePort, targetPort, proto, flags, recordBytes } = layout
  const { clients, servers, services, slots, isAnswer } = looked
  let fetched = 0
  for (let i = 0, r = at; i < count; i++, r += recordBytes) {
    const from = view.getUint16(r + sourcePort)
    const to = view.getUint16(r + targetPort)
    const kind = view.getUint8(r + proto)
    // Whoever opened it is no server, or who serves could look into every port of its clients unseen.
    const answers = from < to && !(kind === Proto.tcp && flags >= 0 && isOpening(view.getUint8(r + flags)))
    const client = view.getUint32(r + (answers ? target : source))
    const server = view.getUint32(r + (answers ? source : target))
    const service = service4(answers ? from : to, kind)
    const isOfChannel = kind === Proto.tcp || kind === Proto.udp
    const slot = hash4(client, server, service) & (capacity - 1)
    clients[i] = client
    servers[i] = server
    services[i] = service
    slots[i] = isOfChannel ? slot : -1
    isAnswer[i] = answers ? 1 : 0
    fetched ^= words[wordAt(slot)]!
  }
  looked.fetched = fetched
}

/** A channel's row goes out before it stands for more conversations than this, in summing.ts. */
export const MOST_FLOWS = 32_768

/**
 * Adds up the records of busy channels; the indices of all others go into `rest`. Returns how many those are. `nowS`: as
 * channels note when they were last seen. The lower port is taken for the service's first; where nobody calls it, the higher
 * one is, if that is a busy service (a database's, called from a port below its own).
 */
export function addRecords(
  { words, doubles, capacity }: BusyChannels,
  records: Records,
  looked: Looked,
  nowS: number,
  rest: Int32Array,
): number {
  const { view, at, count, layout, clock, arrivedMs } = records
  const { recordBytes, bytes, packets, countBytes, flags: flagsAt, sourcePort, targetPort } = layout
  const { clients, servers, services, slots, isAnswer } = looked
  const isUptime = layout.times === 'uptime'
  const latest = Math.min(LATEST_MS, arrivedMs + MAX_AHEAD_MS)
  const state = ((nowS << 8) | BUSY) >>> 0
  let left = 0
  for (let i = 0, r = at; i < count; i++, r += recordBytes) {
    let answers = isAnswer[i] === 1
    let slot = slots[i]! < 0 ? -1 : busySlot(words, slots[i]!, clients[i]!, servers[i]!, services[i]!)
    if (slot < 0 && slots[i]! >= 0 && (answers || flagsAt < 0 || !isOpening(view.getUint8(r + flagsAt)))) {
      const [client, server] = [servers[i]!, clients[i]!]
      const service = service4(view.getUint16(r + (answers ? targetPort : sourcePort)), (services[i]! >>> 8) & 255)
      slot = busySlot(words, hash4(client, server, service) & (capacity - 1), client, server, service)
      answers = !answers
    }
    const end = isUptime ? uptimeAt(view, r + layout.end, clock) : number8(view, r + layout.end)
    const start = isUptime ? uptimeAt(view, r + layout.start, clock) : number8(view, r + layout.start)
    const w = wordAt(slot)
    if (slot < 0 || !(start > 0 && end > 0 && end <= latest) || words[w + Word.flows]! + 1 >= MOST_FLOWS) {
      rest[left++] = i
      continue
    }
    const size = countBytes === 4 ? view.getUint32(r + bytes) : number8(view, r + bytes)
    const n = countBytes === 4 ? view.getUint32(r + packets) : Math.min(0xffffffff, number8(view, r + packets))
    words[w + Word.state] = state
    words[w + Word.lastPort] = view.getUint16(r + (answers ? targetPort : sourcePort))
    const last = words[w + Word.lastEnd]!
    const low = end | 1
    if (last === 0 || ((low - last) | 0) > 0) words[w + Word.lastEnd] = low
    if (answers) {
      words[w + Word.answers]!++
      words[w + Word.packetsIn]! += n
      doubles[doubleAt(slot) + Double.bytesIn]! += size
      continue
    }
    words[w + Word.packetsOut]! += n
    doubles[doubleAt(slot) + Double.bytesOut]! += size
    const flags = flagsAt < 0 ? 0 : view.getUint8(r + flagsAt)
    // A piece of a long TCP conversation that was told before has no SYN.
    if (flags !== 0 && ((services[i]! >>> 8) & 255) === Proto.tcp) {
      if (!startsConversation(flags)) continue
      if (isOpening(flags)) words[w + Word.failed]!++
    }
    words[w + Word.durationMs]! += Math.max(0, end - start)
    words[w + Word.flows]!++
  }
  return left
}

/** −1 when the channel is not there, or not busy. */
function busySlot(words: Uint32Array, first: number, client: number, server: number, service: number): number {
  for (let way = 0; way < WAYS; way++) {
    const slot = (first & ~(WAYS - 1)) | ((first + way) & (WAYS - 1))
    const w = wordAt(slot)
    if (words[w + Word.service] === service && words[w] === client && words[w + Word.server] === server)
      return (words[w + Word.state]! & 255) === BUSY ? slot : -1
  }
  return -1
}

/** Epoch ms; as in records.ts. */
function uptimeAt(view: DataView, at: number, { exportMs, uptimeMs }: Clock): number {
  return exportMs - ((uptimeMs - view.getUint32(at)) | 0)
}

function number8(view: DataView, at: number): number {
  return view.getUint32(at) * 4_294_967_296 + view.getUint32(at + 4)
}
