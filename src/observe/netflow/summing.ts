/**
 * A few channels make up most records: a service that one client calls every second or oftener. Rows of one direction come
 * in; those of busy channels are added up here and go out as one row a tick that stands for many conversations, the rest
 * goes on to pairing as it came. A busy channel needs no pairing: which end serves is known by the port that stays the same
 * while the other one changes, and sums need no partner.
 *
 * What is given up, for busy channels alone: sizes and durations are means, and a long UDP conversation that an exporter
 * tells in pieces counts as many.
 */
import { copyFlow, type FlowBatch, Proto, stateCode } from '../../model/flow.ts'
import { TICK_MS } from '../../model/window.ts'
import {
  BUSY,
  type BusyChannels,
  createBusyChannels,
  Double,
  doubleAt,
  giveSums,
  hashOf,
  isChannel,
  putChannel,
  serviceOf,
  WAYS,
  Word,
  wordAt,
} from './busy-channels.ts'
import { addRecords, createLooked, type Looked, lookAtRecords, MOST_FLOWS, type Records } from './channel-records.ts'
import type { Pairing } from './pairing.ts'
import type { Beside } from './records.ts'
import { isOpening, startsConversation } from './tcp-state.ts'

export type Summing = Pairing & {
  /** Rows that were added up, and channels for which that is done now. */
  readonly summed: number
  readonly busy: number
}

/** Changes of the client's port within a span; two records a conversation, mixed with others: about one conversation a second. */
const BUSY_CHANGES = 10
const SPAN_S = 5
/** A channel that was silent for so long begins anew. */
const QUIET_S = 60
const WORD = 4_294_967_296

/** `capacity`: channels watched, a power of two, at least 4; 90 bytes each. */
export function createSumming(pairing: Pairing, capacity: number): Summing {
  return new SumTable(pairing, capacity)
}

class SumTable implements Summing {
  summed = 0
  busy = 0
  readonly #pairing: Pairing
  readonly #channels: BusyChannels
  readonly #list: Int32Array
  #cursor = 0
  #turn = 0
  #nowS = 0
  /** Of no use but that it is kept: what is not kept need not be read. */
  fetched = 0
  /** Epoch ms that the lower words of times are near. */
  #nearMs = 0
  #tick = Number.NaN
  /** By row of the datagram at hand: its channel's service and first slot (−1 = it is of none), 1 = the server sent it. */
  #services = new Uint32Array(0)
  #slots = new Int32Array(0)
  #isAnswer = new Uint8Array(0)
  #looked: Looked = createLooked(0)

  constructor(pairing: Pairing, capacity: number) {
    this.#pairing = pairing
    this.#channels = createBusyChannels(capacity)
    this.#list = new Int32Array(capacity)
  }

  get figures() {
    return this.#pairing.figures
  }

  get waiting() {
    return this.#pairing.waiting
  }

  takeRecords(records: Records, rest: Int32Array): number {
    const { count, clock, arrivedMs } = records
    if (this.#looked.slots.length < count) this.#looked = createLooked(rest.length)
    // When the exporter sent it: every flow that it tells of ended near that.
    this.#nearMs = clock.exportMs
    this.#nowS = Math.floor(Math.min(arrivedMs, this.#nearMs) / 1_000) & 0xffffff
    lookAtRecords(this.#channels, records, this.#looked)
    const left = addRecords(this.#channels, records, this.#looked, this.#nowS, rest)
    this.summed += count - left
    return left
  }

  take(from: FlowBatch, beside: Beside, arrivedMs: number, to: FlowBatch): void {
    const { flags, direction } = beside
    const { count } = from
    if (count === 0) return
    this.#nearMs = from.end[0]!
    this.#nowS = Math.floor(Math.min(arrivedMs, this.#nearMs) / 1_000) & 0xffffff
    this.#look(from, beside)
    const [slots, isAnswer] = [this.#slots, this.#isAnswer]
    let left = 0
    for (let row = 0; row < count; row++) {
      const slot = slots[row]! < 0 ? -1 : this.#find(from, row, flags[row]!)
      if (slot >= 0) {
        if (isAnswer[row] === 1) this.#addAnswer(slot, from, row)
        else this.#addCall(slot, from, row, flags[row]!, to)
        continue
      }
      if (left !== row) {
        from.count = left
        copyFlow(from, row, from)
        flags[left] = flags[row]!
        direction[left] = direction[row]!
      }
      left++
    }
    from.count = left
    this.summed += count - left
    if (left > 0) this.#pairing.take(from, beside, arrivedMs, to)
  }

  release(untilMs: number, to: FlowBatch): boolean {
    const tick = Math.floor(untilMs / TICK_MS)
    if (tick !== this.#tick) {
      if (!this.#giveAll(to)) return false
      this.#tick = tick
    }
    return this.#pairing.release(untilMs, to)
  }

  /**
   * Which way each row goes, and where its channel is if it is in its first place: a loop by itself, so that the memory is
   * fetched for many rows at once.
   */
  #look(from: FlowBatch, { flags, direction }: Beside): void {
    const { count, source, target, sourcePort, targetPort, proto, bytesIn, packetsIn, state } = from
    if (this.#slots.length < count) {
      this.#services = new Uint32Array(from.capacity)
      this.#slots = new Int32Array(from.capacity)
      this.#isAnswer = new Uint8Array(from.capacity)
    }
    const { capacity } = this.#channels
    for (let row = 0; row < count; row++) {
      const kind = proto[row]!
      const isWhole = bytesIn[row]! > 0 || packetsIn[row]! > 0
      const isOpened = kind === Proto.tcp && isOpening(flags[row]!)
      const isAnswer = !isWhole && !isOpened && sourcePort[row]! < targetPort[row]!
      const client = isAnswer ? target : source
      const server = isAnswer ? source : target
      const service = serviceOf(client, server, row * 4, isAnswer ? sourcePort[row]! : targetPort[row]!, kind)
      const isOfChannel =
        (kind === Proto.tcp || kind === Proto.udp) && direction[row] !== 2 && state[row] !== stateCode.REJ
      this.#isAnswer[row] = isAnswer ? 1 : 0
      this.#services[row] = service
      this.#slots[row] = isOfChannel ? hashOf(client, server, row * 4, service) & (capacity - 1) : -1
    }
    this.#fetch(count)
  }

  /** Asks for the memory of all rows before any of it is needed: it comes while the next is asked for. */
  #fetch(count: number): void {
    const { words } = this.#channels
    const slots = this.#slots
    let seen = 0
    for (let row = 0; row < count; row++) seen ^= words[wordAt(Math.max(0, slots[row]!))]!
    this.fetched = seen
  }

  /** The slot to add the row to; −1 = its channel is not busy (yet). */
  #find(from: FlowBatch, row: number, flags: number): number {
    const isAnswer = this.#isAnswer[row] === 1
    const client = isAnswer ? from.target : from.source
    const server = isAnswer ? from.source : from.target
    const service = this.#services[row]!
    const first = this.#slots[row]!
    const r = row * 4
    const slot = this.#slotOf(first, client, server, r, service)
    if (slot >= 0 && this.#isBusy(slot, isAnswer ? from.targetPort[row]! : from.sourcePort[row]!, from.end[row]!))
      return slot
    const turned = isOpening(flags) && from.proto[row] === Proto.tcp ? -1 : this.#findTurned(from, row)
    if (turned < 0 && slot < 0) this.#watch(first, client, server, r, service, from.end[row]!)
    return turned
  }

  /** As if the other port were the service's: that of a busy channel is (a database's, called from a port below its own). */
  #findTurned(from: FlowBatch, row: number): number {
    if (from.bytesIn[row]! > 0 || from.packetsIn[row]! > 0) return -1
    const isAnswer = this.#isAnswer[row] === 0
    const client = isAnswer ? from.target : from.source
    const server = isAnswer ? from.source : from.target
    const r = row * 4
    const service = serviceOf(client, server, r, (isAnswer ? from.sourcePort : from.targetPort)[row]!, from.proto[row]!)
    const { words, capacity } = this.#channels
    const slot = this.#slotOf(hashOf(client, server, r, service) & (capacity - 1), client, server, r, service)
    if (slot < 0 || (words[wordAt(slot) + Word.state]! & 255) !== BUSY) return -1
    this.#isAnswer[row] = isAnswer ? 1 : 0
    this.#isBusy(slot, (isAnswer ? from.targetPort : from.sourcePort)[row]!, from.end[row]!)
    return slot
  }

  #slotOf(first: number, client: Uint32Array, server: Uint32Array, r: number, service: number): number {
    for (let way = 0; way < WAYS; way++) {
      const slot = (first & ~(WAYS - 1)) | ((first + way) & (WAYS - 1))
      if (isChannel(this.#channels, slot, client, server, r, service)) return slot
    }
    return -1
  }

  #isBusy(slot: number, clientPort: number, endMs: number): boolean {
    const { words } = this.#channels
    const w = wordAt(slot)
    const state = words[w + Word.state]!
    if ((state & 255) === BUSY) {
      words[w + Word.state] = ((this.#nowS << 8) | BUSY) >>> 0
      words[w + Word.lastPort] = clientPort
      return true
    }
    const endS = Math.floor(endMs / 1_000) & 0xffffff
    const isOver = endS - (state >>> 8) >= SPAN_S
    const changes = (isOver ? 0 : state & 255) + (words[w + Word.lastPort] === clientPort ? 0 : 1)
    const isBusy = changes >= BUSY_CHANGES
    const since = isOver ? endS : state >>> 8
    words[w + Word.lastPort] = clientPort
    words[w + Word.state] = ((since << 8) | (isBusy ? BUSY : changes)) >>> 0
    if (isBusy) this.#list[this.busy++] = slot
    return isBusy
  }

  /** Watches a channel in place of one that is not busy; where all of a set are, it goes unwatched. */
  #watch(first: number, client: Uint32Array, server: Uint32Array, r: number, service: number, endMs: number): void {
    const { words } = this.#channels
    const turn = this.#turn++
    let chosen = -1
    for (let way = 0; way < WAYS; way++) {
      const slot = (first & ~(WAYS - 1)) | ((first + way) & (WAYS - 1))
      if (words[wordAt(slot) + Word.service] === 0) {
        chosen = slot
        break
      }
      const isBusy = (words[wordAt(slot) + Word.state]! & 255) === BUSY
      if (!isBusy && (chosen < 0 || ((turn + way) & (WAYS - 1)) === 0)) chosen = slot
    }
    if (chosen < 0) return
    putChannel(this.#channels, chosen, client, server, r, service)
    words[wordAt(chosen) + Word.state] = (Math.floor(endMs / 1_000) << 8) >>> 0
  }

  #addAnswer(slot: number, from: FlowBatch, row: number): void {
    const { words, doubles } = this.#channels
    const w = wordAt(slot)
    words[w + Word.answers]!++
    words[w + Word.packetsIn]! += from.packetsOut[row]!
    doubles[doubleAt(slot) + Double.bytesIn]! += from.bytesOut[row]!
    this.#seeEnd(slot, from, row)
  }

  #addCall(slot: number, from: FlowBatch, row: number, flags: number, to: FlowBatch): void {
    const { words, doubles } = this.#channels
    const w = wordAt(slot)
    const d = doubleAt(slot)
    words[w + Word.packetsOut]! += from.packetsOut[row]!
    doubles[d + Double.bytesOut]! += from.bytesOut[row]!
    if (from.bytesIn[row]! > 0 || from.packetsIn[row]! > 0) {
      words[w + Word.answers]!++
      words[w + Word.packetsIn]! += from.packetsIn[row]!
      doubles[d + Double.bytesIn]! += from.bytesIn[row]!
    }
    this.#seeEnd(slot, from, row)
    // A piece of a long TCP conversation that was told before has no SYN; a template may lack flags altogether.
    if (flags !== 0 && from.proto[row] === Proto.tcp) {
      if (!startsConversation(flags)) return
      if (isOpening(flags)) words[w + Word.failed]!++
    }
    words[w + Word.durationMs]! += from.end[row]! - from.start[row]!
    if (++words[w + Word.flows]! >= MOST_FLOWS) giveSums(this.#channels, slot, this.#endOf(slot), to)
  }

  #seeEnd(slot: number, from: FlowBatch, row: number): void {
    const { words, applications } = this.#channels
    const at = wordAt(slot) + Word.lastEnd
    const end = from.end[row]! | 1
    if (words[at] === 0 || ((end - words[at]!) | 0) > 0) words[at] = end
    if (from.service[row] !== 0) applications[slot] = from.service[row]!
  }

  /** epoch ms */
  #endOf(slot: number): number {
    const low = this.#channels.words[wordAt(slot) + Word.lastEnd]!
    return this.#nearMs + ((low - (this.#nearMs % WORD)) | 0)
  }

  /** False when `to` is full before all is told. */
  #giveAll(to: FlowBatch): boolean {
    const { words } = this.#channels
    for (; this.#cursor < this.busy; this.#cursor++) {
      const slot = this.#list[this.#cursor]!
      const w = wordAt(slot)
      if (words[w + Word.lastEnd] !== 0) {
        if (to.capacity - to.count < 2) return false
        giveSums(this.#channels, slot, this.#endOf(slot), to)
      } else if (this.#nowS - (words[w + Word.state]! >>> 8) > QUIET_S) {
        words[w + Word.service] = 0
        this.#list[this.#cursor--] = this.#list[--this.busy]!
      }
    }
    this.#cursor = 0
    return true
  }
}
