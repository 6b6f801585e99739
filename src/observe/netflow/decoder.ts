/**
 * NetFlow v5, v9 (RFC 3954) and IPFIX (RFC 7011): datagrams of exporters come in, flow columns go out. What a datagram
 * says of templates, options and sampling is kept per exporter, bounded; whatever is refused or lost is counted.
 */
import { createFlowBatch, type FlowBatch, type SourceCounters } from '../../model/flow.ts'
import { DecodeError, Reader } from '../reader.ts'
import { refuse, type ServiceNames } from '../source.ts'
import {
  addTemplate,
  createExporters,
  type Domain,
  dropTemplate,
  followSequence,
  followUptime,
  holdSet,
  takeHeld,
} from './exporter.ts'
import { createFlowReader, type FlowReader } from './flow-reader.ts'
import { readOptions } from './options.ts'
import type { Pairing } from './pairing.ts'
import { MAX_FIELDS, readTemplatesIpfix, readTemplatesV9, type Template, walkRecord } from './template.ts'
import { readV5 } from './v5.ts'

/** A batch given to `decode` has room for this many rows: no datagram holds more flows (65,507 bytes, two addresses each). */
export const DATAGRAM_ROWS = 8_192

/** Each number is the count of one bound or event; never reset. */
export type NetflowFigures = {
  datagrams: number
  /** Data records that were flows. */
  flows: number
  /** Data records without a flow in them: options, statistics, events. */
  others: number
  templates: number
  /** Data sets that came before their template: kept, and dropped for want of room. */
  held: number
  unheld: number
  /** Templates and exporters beyond the bounds. */
  tooManyTemplates: number
  tooManyExporters: number
  /** Datagrams that were overtaken by later ones. */
  late: number
  restarts: number
  /** Flows whose bytes and packets were scaled up because their exporter samples. */
  scaled: number
  /** Flows from more than an hour ahead of us, moved to now. */
  ahead: number
}

export type NetflowDecoder = {
  readonly counters: SourceCounters
  readonly figures: NetflowFigures
  /** Who has sent so far: shown with the source's health. */
  readonly exporters: ReadonlyMap<string, Readonly<Domain>>
  /**
   * Appends the flows of the datagram `bytes[from, to)` to `batch`, which must have room for `DATAGRAM_ROWS`. `exporter`
   * names who sent it (its address). `arrivedMs`: epoch ms; `Infinity` for a recording, where nothing can be from the
   * future. Never throws for what the bytes hold.
   */
  decode(bytes: Uint8Array, from: number, to: number, exporter: string, arrivedMs: number, batch: FlowBatch): void
  /**
   * Appends flows whose other direction was waited for since before `untilMs` (arrival; `Infinity` at the end of a
   * recording). True when none such is left, false when `batch` is full. To be called every second or so.
   */
  release(untilMs: number, batch: FlowBatch): boolean
}

export type NetflowOptions = {
  readonly services: ServiceNames
  readonly counters: SourceCounters
  /** null: every record is a row of its own, as it was sent. */
  readonly pairing: Pairing | null
}

export function createNetflowDecoder(options: NetflowOptions): NetflowDecoder {
  return new Decoder(options)
}

function createFigures(): NetflowFigures {
  return {
    datagrams: 0,
    flows: 0,
    others: 0,
    templates: 0,
    held: 0,
    unheld: 0,
    tooManyTemplates: 0,
    tooManyExporters: 0,
    late: 0,
    restarts: 0,
    scaled: 0,
    ahead: 0,
  }
}

/** Holds what all datagrams share: buffers that are reused, and the state of every exporter. */
class Decoder implements NetflowDecoder {
  readonly counters: SourceCounters
  readonly figures = createFigures()
  readonly #services: ServiceNames
  readonly #pairing: Pairing | null
  readonly #exporters = createExporters()
  readonly #reader = new Reader()
  readonly #flows: FlowReader
  readonly #places = new Uint32Array(MAX_FIELDS * 2)
  readonly #lengths = new Uint32Array(MAX_FIELDS * 2)
  /** Rows before they are paired. */
  readonly #single: FlowBatch | null
  /** Data records of the datagram at hand. */
  #records = 0

  constructor(options: NetflowOptions) {
    this.counters = options.counters
    this.#services = options.services
    this.#pairing = options.pairing
    this.#single = options.pairing === null ? null : createFlowBatch(DATAGRAM_ROWS)
    this.#flows = createFlowReader(options.services, this.figures, options.pairing)
  }

  get exporters(): ReadonlyMap<string, Readonly<Domain>> {
    return this.#exporters.all
  }

  decode(bytes: Uint8Array, from: number, to: number, exporter: string, arrivedMs: number, batch: FlowBatch): void {
    if (batch.capacity - batch.count < DATAGRAM_ROWS)
      throw new RangeError(`a batch with room for ${batch.capacity - batch.count} rows was given to a datagram`)
    const reader = this.#reader.reset(bytes, from, to)
    const rows = this.#single ?? batch
    const first = batch.count
    if (this.#single !== null) this.#single.count = 0
    this.figures.datagrams++
    this.counters.read += to - from
    try {
      this.#flows.begin(arrivedMs)
      this.#readDatagram(reader, exporter, arrivedMs, rows)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      refuse(this.counters, { file: exporter, offset: error.offset }, error.message)
    }
    if (this.#pairing !== null && rows !== batch) this.#pairing.take(rows, this.#flows.beside, arrivedMs, batch)
    this.counters.rows += batch.count - first
  }

  release(untilMs: number, batch: FlowBatch): boolean {
    if (this.#pairing === null) return true
    const first = batch.count
    const done = this.#pairing.release(untilMs, batch)
    this.counters.rows += batch.count - first
    return done
  }

  #readDatagram(reader: Reader, exporter: string, arrivedMs: number, rows: FlowBatch): void {
    const version = reader.u16()
    this.#records = 0
    if (version === 5) {
      const header = readV5(reader, this.#flows, rows, (id, seconds) =>
        this.#domain(exporter, id, 5, seconds, arrivedMs),
      )
      this.#follow(header.domain, header.sequence, header.count, header.count)
    } else if (version === 9) this.#readV9(reader, exporter, arrivedMs, rows)
    else if (version === 10) this.#readIpfix(reader, exporter, arrivedMs, rows)
    else reader.fail(`version ${version} of NetFlow; 5, 9 and 10 are known`)
  }

  #domain(exporter: string, id: number, version: number, exportMs: number, arrivedMs: number): Domain {
    const nowMs = arrivedMs === Number.POSITIVE_INFINITY ? exportMs : arrivedMs
    const domain = this.#exporters.of(exporter, id, version, nowMs)
    if (domain !== null) return domain
    this.figures.tooManyExporters++
    return this.#reader.fail('more exporters than are kept apart')
  }

  #readV9(reader: Reader, exporter: string, arrivedMs: number, rows: FlowBatch): void {
    reader.skip(2)
    const uptimeMs = reader.u32()
    const exportMs = reader.u32() * 1_000
    const sequence = reader.u32()
    const domain = this.#domain(exporter, reader.u32(), 9, exportMs, arrivedMs)
    const before = domain.restarts
    followUptime(domain, uptimeMs)
    this.figures.restarts += domain.restarts - before
    try {
      this.#readSets(reader, domain, exportMs, uptimeMs, rows)
    } finally {
      this.#follow(domain, sequence, 1, this.#records)
    }
  }

  #readIpfix(reader: Reader, exporter: string, arrivedMs: number, rows: FlowBatch): void {
    const length = reader.u16()
    if (length < 16 || length > reader.left + 4) reader.fail(`a message of ${length} bytes in ${reader.left + 4}`)
    // What stands behind the message in the datagram is not ours.
    reader.end = reader.start + length
    const exportMs = reader.u32() * 1_000
    const sequence = reader.u32()
    const domain = this.#domain(exporter, reader.u32(), 10, exportMs, arrivedMs)
    try {
      this.#readSets(reader, domain, exportMs, Number.NaN, rows)
    } finally {
      this.#follow(domain, sequence, this.#records, this.#records)
    }
  }

  #readSets(reader: Reader, domain: Domain, exportMs: number, uptimeMs: number, rows: FlowBatch): void {
    const isV9 = domain.version === 9
    while (reader.left >= 4) {
      const id = reader.u16()
      const length = reader.u16()
      // Exporters fill datagrams up with zeros (Palo Alto).
      if (id === 0 && length === 0) return
      if (length < 4) reader.fail(`a set of ${length} bytes`)
      const set = reader.sub(length - 4)
      if (id === (isV9 ? 0 : 2)) this.#readTemplates(set, 'flows', domain, rows)
      else if (id === (isV9 ? 1 : 3)) this.#readTemplates(set, 'options', domain, rows)
      else if (id < 256) refuse(this.counters, { file: domain.exporter, offset: reader.at }, `a set numbered ${id}`)
      else this.#readData(set, id, domain, exportMs, uptimeMs, rows)
    }
  }

  /** A set that cannot be read does not cost the ones behind it. */
  #readTemplates(set: Reader, kind: 'flows' | 'options', domain: Domain, rows: FlowBatch): void {
    const sink = {
      add: (template: Template) => {
        this.figures.templates++
        if (!addTemplate(domain, template)) {
          this.figures.tooManyTemplates++
          set.fail('more templates than are kept of one exporter')
        }
        for (const held of takeHeld(domain, template.id)) {
          const reader = new Reader().reset(held.bytes)
          this.#readRecords(reader, template, domain, held.exportMs, held.uptimeMs, rows)
        }
      },
      withdraw: (id: number) => {
        if (id >= 256) dropTemplate(domain, id)
        else
          for (const [key, template] of domain.templates)
            if (template.scopes > 0 === (id === 3)) dropTemplate(domain, key)
      },
    }
    try {
      if (domain.version === 9) readTemplatesV9(set, kind, sink)
      else readTemplatesIpfix(set, kind, sink)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      refuse(this.counters, { file: domain.exporter, offset: error.offset }, error.message)
    }
  }

  #readData(set: Reader, id: number, domain: Domain, exportMs: number, uptimeMs: number, rows: FlowBatch): void {
    const template = domain.templates.get(id)
    if (template !== undefined) {
      this.#records += this.#readRecords(set, template, domain, exportMs, uptimeMs, rows)
      return
    }
    const isHeld = holdSet(domain, id, set.bytes.subarray(set.at, set.end), exportMs, uptimeMs)
    if (isHeld) this.figures.held++
    else this.figures.unheld++
  }

  /** How many records the set holds. */
  #readRecords(
    set: Reader,
    template: Template,
    domain: Domain,
    exportMs: number,
    uptimeMs: number,
    rows: FlowBatch,
  ): number {
    if (template.plan.kind === 'flows') {
      const count = this.#flows.readSet(set, template, domain, exportMs, uptimeMs, rows)
      domain.flows += count
      return count
    }
    const { recordBytes, leastBytes, kind } = template.plan
    let count = 0
    if (kind === 'others' && recordBytes > 0) count = Math.floor(set.left / recordBytes)
    else
      while (set.left >= leastBytes) {
        const next = walkRecord(template.fields, set.view, set.at, set.end, this.#places, this.#lengths)
        if (next < 0) set.fail(`a record of template ${template.id} goes beyond its set`)
        if (kind === 'options') readOptions(template, set.view, this.#places, this.#lengths, domain, this.#services)
        set.at = next
        count++
      }
    this.figures.others += count
    return count
  }

  /** `units` is what the exporter counts by: flows or datagrams. */
  #follow(domain: Domain, sequence: number, units: number, flows: number): void {
    domain.datagrams++
    const before = domain.restarts
    const missing = followSequence(domain, sequence, units)
    this.figures.restarts += domain.restarts - before
    if (missing === 0) return
    // v9 numbers datagrams: what they held is estimated by the mean so far.
    const perUnit = domain.version === 9 ? Math.max(1, Math.round(domain.flows / domain.datagrams)) : 1
    if (missing < 0) this.figures.late++
    const lost = missing < 0 ? -Math.min(domain.lost, flows) : missing * perUnit
    domain.lost += lost
    this.counters.lost += lost
  }
}
