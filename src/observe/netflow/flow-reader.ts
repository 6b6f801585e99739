/** Sets of flow records: one data set and its template come in, finished rows go out. The hot loops are in records.ts. */
import type { FlowBatch } from '../../model/flow.ts'
import { Mark, Proto, stateCode } from '../../model/flow.ts'
import type { Reader } from '../reader.ts'
import type { ServiceNames } from '../source.ts'
import type { Domain } from './exporter.ts'
import { Op } from './fields.ts'
import { readText } from './options.ts'
import type { Pairing } from './pairing.ts'
import { type Beside, type Clock, clearRows, createBeside, type Finish, finishRows, readField } from './records.ts'
import { isShaken, tcpState } from './tcp-state.ts'
import { hasFact, MAX_FIELDS, type Plan, type Template, VARIABLE, walkRecord } from './template.ts'

export type FlowReader = {
  readonly beside: Beside
  readonly clock: Clock
  begin(arrivedMs: number): void
  /** Appends the flows of a data set to `rows`; how many records it held. */
  readSet(set: Reader, template: Template, domain: Domain, exportMs: number, uptimeMs: number, rows: FlowBatch): number
  /** Finishes `count` rows from `row` on that were read by other means. */
  finish(domain: Domain, template: Template, rows: FlowBatch, row: number, count: number): void
}

type Figures = { flows: number; others: number; scaled: number; ahead: number }

const FIREWALL_CREATED = 1
const FIREWALL_DENIED = 3

/** `pairing` may take records before they are read. */
export function createFlowReader(services: ServiceNames, figures: Figures, pairing: Pairing | null): FlowReader {
  return new FlowSets(services, figures, pairing)
}

/** Records of a datagram, at most: a record of a layout has more bytes than 20. */
const MOST_RECORDS = 4_096

class FlowSets implements FlowReader {
  beside = createBeside(0)
  readonly clock: Clock = { exportMs: 0, uptimeMs: Number.NaN, startedMs: Number.NaN }
  readonly #services: ServiceNames
  readonly #figures: Figures
  readonly #places = new Uint32Array(MAX_FIELDS * 2)
  readonly #lengths = new Uint32Array(MAX_FIELDS * 2)
  readonly #finish: Finish
  readonly #pairing: Pairing | null
  readonly #rest = new Int32Array(MOST_RECORDS)
  /** Records that were left, side by side. */
  readonly #left = new Uint8Array(1 << 16)
  readonly #leftView = new DataView(this.#left.buffer)
  #domain: Domain | null = null

  constructor(services: ServiceNames, figures: Figures, pairing: Pairing | null) {
    this.#services = services
    this.#figures = figures
    this.#pairing = pairing
    this.#finish = {
      factorOf: (sampler, interval) => {
        if (interval > 0) return interval
        const domain = this.#domain!
        return sampler === 0 ? domain.sampling : (domain.samplers.get(sampler) ?? domain.sampling)
      },
      serviceOf: (application) => this.#domain!.applications.get(application) ?? 0,
      arrivedMs: 0,
      scaled: 0,
      ahead: 0,
    }
  }

  begin(arrivedMs: number): void {
    this.#finish.arrivedMs = arrivedMs
  }

  readSet(set: Reader, template: Template, domain: Domain, exportMs: number, uptimeMs: number, rows: FlowBatch) {
    if (this.beside.flags.length < rows.capacity) this.beside = createBeside(rows.capacity)
    this.clock.exportMs = exportMs
    this.clock.uptimeMs = uptimeMs
    this.clock.startedMs = domain.startedMs
    const { recordBytes, leastBytes } = template.plan
    if (recordBytes > 0) {
      const count = Math.floor(set.left / recordBytes)
      const kept = Math.min(count, rows.capacity - rows.count)
      const at = set.need(kept * recordBytes, 'bytes of records')
      const left = this.#takeWhole(set, at, kept, template, domain)
      if (left === kept) this.#readFixed(set.view, at, template, kept, rows)
      else this.#readFixed(this.#leftView, 0, template, left, rows)
      this.finish(domain, template, rows, rows.count, left)
      return count
    }
    let count = 0
    while (set.left >= leastBytes && rows.count < rows.capacity) {
      const next = walkRecord(template.fields, set.view, set.at, set.end, this.#places, this.#lengths)
      if (next < 0) set.fail(`a record of template ${template.id} goes beyond its set`)
      this.#readVariable(set.view, template, rows)
      this.finish(domain, template, rows, rows.count, 1)
      set.at = next
      count++
    }
    return count
  }

  /** Gives records away unread, where that can be; those that are left lie side by side, if any were taken. */
  #takeWhole(set: Reader, at: number, count: number, { plan }: Template, { sampling }: Domain): number {
    const { channel: layout, recordBytes } = plan
    const { clock } = this
    if (layout === null || this.#pairing?.takeRecords === undefined || sampling !== 1 || count > MOST_RECORDS)
      return count
    if (layout.times === 'uptime' && !(clock.uptimeMs >= 0)) return count
    const { arrivedMs } = this.#finish
    const rest = this.#rest
    const left = this.#pairing.takeRecords({ view: set.view, at, count, layout, clock, arrivedMs }, rest)
    this.#figures.flows += count - left
    if (left === count) return count
    for (let i = 0; i < left; i++) {
      const from = at + rest[i]! * recordBytes
      const to = i * recordBytes
      for (let byte = 0; byte < recordBytes; byte++) this.#left[to + byte] = set.bytes[from + byte]!
    }
    return left
  }

  #readFixed(view: DataView, at: number, template: Template, count: number, rows: FlowBatch): void {
    const row = rows.count
    const { ops, widths, firsts, places, recordBytes } = template.plan
    clearRows(template.plan, rows, this.beside, row, count)
    for (let f = 0; f < ops.length; f++) {
      const op = ops[f]!
      const place = at + places[f]!
      if (op !== Op.service) {
        readField(op, widths[f]!, firsts[f]!, view, place, recordBytes, count, rows, this.beside, row, this.clock)
        continue
      }
      for (let i = 0; i < count; i++) this.#readService(view, place + i * recordBytes, widths[f]!, rows, row + i)
    }
  }

  #readVariable(view: DataView, template: Template, rows: FlowBatch): void {
    const row = rows.count
    const { ops, widths, firsts, places } = template.plan
    clearRows(template.plan, rows, this.beside, row, 1)
    for (let f = 0; f < ops.length; f++) {
      const op = ops[f]!
      const width = widths[f]!
      const place = this.#places[places[f]!]!
      if (op === Op.service)
        this.#readService(view, place, width === VARIABLE ? this.#lengths[places[f]!]! : width, rows, row)
      else readField(op, width, firsts[f]!, view, place, 0, 1, rows, this.beside, row, this.clock)
    }
  }

  #readService(view: DataView, at: number, length: number, rows: FlowBatch, row: number): void {
    if (rows.service[row] !== 0) return
    const name = readText(view, at, length).toLowerCase()
    if (name !== '' && name !== 'unknown') rows.service[row] = this.#services.intern(name)
  }

  finish(domain: Domain, template: Template, rows: FlowBatch, row: number, count: number): void {
    this.#domain = domain
    const finish = this.#finish
    finish.scaled = 0
    finish.ahead = 0
    finishRows(template.plan, rows, this.beside, row, count, this.clock, finish)
    this.#figures.scaled += finish.scaled
    this.#figures.ahead += finish.ahead
    rows.count = row + count
    if (hasFact(template.plan, Op.event)) this.#dropAnnouncements(rows, row)
    if (hasFact(template.plan, Op.flags) || hasFact(template.plan, Op.bytesIn)) this.#judge(template.plan, rows, row)
    this.#figures.flows += rows.count - row
  }

  /** A firewall tells when a connection begins, before there is anything in it, and again when it ends (Cisco NSEL). */
  #dropAnnouncements(rows: FlowBatch, row: number): void {
    let kept = row
    for (let i = row; i < rows.count; i++) {
      const isEmpty = rows.bytesOut[i] === 0 && rows.bytesIn[i] === 0 && rows.packetsOut[i] === 0
      if (isEmpty && this.beside.event[i] === FIREWALL_CREATED) continue
      if (kept !== i) this.#move(rows, i, kept)
      if (this.beside.event[kept] === FIREWALL_DENIED) rows.state[kept] = stateCode.REJ
      kept++
    }
    this.#figures.others += rows.count - kept
    rows.count = kept
  }

  #move(rows: FlowBatch, from: number, to: number): void {
    rows.source.copyWithin(to * 4, from * 4, from * 4 + 4)
    rows.target.copyWithin(to * 4, from * 4, from * 4 + 4)
    for (const column of MOVED) rows[column].copyWithin(to, from, from + 1)
    for (const column of MOVED_BESIDE) this.beside[column].copyWithin(to, from, from + 1)
  }

  /** What one record tells of both directions; halves are judged once they are paired. */
  #judge(plan: Plan, rows: FlowBatch, row: number): void {
    const { flags, reverseFlags } = this.beside
    const isBiflow = hasFact(plan, Op.reverseFlags)
    for (let i = row; i < rows.count; i++) {
      if (rows.proto[i] === Proto.tcp) {
        const back = isBiflow ? reverseFlags[i]! : 0
        if (rows.state[i] === 0) rows.state[i] = tcpState(flags[i]!, back)
        if (isShaken(flags[i]!, back)) rows.marks[i] = Mark.handshake
      } else if (rows.bytesIn[i]! > 0) rows.marks[i] = Mark.handshake
    }
  }
}

const MOVED = [
  'start',
  'end',
  'sourcePort',
  'targetPort',
  'proto',
  'bytesOut',
  'bytesIn',
  'packetsOut',
  'packetsIn',
  'state',
  'marks',
  'service',
] as const
const MOVED_BESIDE = ['flags', 'reverseFlags', 'event', 'direction'] as const
