/**
 * What is known of one exporter: each of its observation domains (NetFlow v9: source ids) has its own templates, sampling
 * and sequence. All of it is bounded, for it is kept on the word of whoever can send us a datagram.
 */
import type { Template } from './template.ts'

/** Per domain; and of all together, so that many domains do not sum up to what one may not have. */
export const MAX_TEMPLATES = 1_024
export const MAX_ALL = { templates: 8_192, fields: 131_072, heldBytes: 4_194_304, told: 65_536 } as const
export const MAX_DOMAINS = 1_024
/** Data sets that wait for their template, per domain. */
const MAX_HELD_BYTES = 32_768
const MAX_HELD_SETS = 32
/** A domain that was silent for so long makes room for another. */
const IDLE_MS = 30 * 60_000

export type HeldSet = {
  readonly templateId: number
  readonly bytes: Uint8Array
  readonly exportMs: number
  readonly uptimeMs: number
}

/** What all domains together hold. */
export type Held = { templates: number; fields: number; heldBytes: number; told: number }

export type Domain = {
  readonly all: Held
  readonly exporter: string
  readonly id: number
  readonly version: number
  readonly templates: Map<number, Template>
  /** One packet in so many, by sampler or selector id. */
  readonly samplers: Map<number, number>
  /** What holds where a record names no sampler; 1 = every packet. */
  sampling: number
  /** Interned service by application id (RFC 6759), told by options data. */
  readonly applications: Map<number, number>
  held: HeldSet[]
  heldBytes: number
  /** Next sequence number, −1 = not known yet. */
  expected: number
  /** ms, as of the last datagram */
  uptimeMs: number
  startedMs: number
  seenMs: number
  datagrams: number
  flows: number
  /** Flows that never came, as far as sequence numbers tell. */
  lost: number
  restarts: number
}

export type Exporters = {
  readonly all: ReadonlyMap<string, Domain>
  /** null when there are too many. */
  of(exporter: string, id: number, version: number, nowMs: number): Domain | null
}

export function createExporters(): Exporters {
  const all = new Map<string, Domain>()
  const sum: Held = { templates: 0, fields: 0, heldBytes: 0, told: 0 }
  let last: Domain | null = null
  return {
    all,
    of(exporter, id, version, nowMs) {
      if (last !== null && last.id === id && last.version === version && last.exporter === exporter) {
        last.seenMs = nowMs
        return last
      }
      const key = `${version} ${id} ${exporter}`
      let domain = all.get(key)
      if (domain === undefined) {
        if (all.size >= MAX_DOMAINS && !dropIdle(all, nowMs)) return null
        domain = createDomain(sum, exporter, id, version)
        all.set(key, domain)
      }
      domain.seenMs = nowMs
      last = domain
      return domain
    },
  }
}

function dropIdle(all: Map<string, Domain>, nowMs: number): boolean {
  for (const [key, domain] of all) {
    if (nowMs - domain.seenMs < IDLE_MS) continue
    forget(domain)
    all.delete(key)
    return true
  }
  return false
}

function createDomain(all: Held, exporter: string, id: number, version: number): Domain {
  return {
    all,
    exporter,
    id,
    version,
    templates: new Map(),
    samplers: new Map(),
    sampling: 1,
    applications: new Map(),
    held: [],
    heldBytes: 0,
    expected: -1,
    uptimeMs: -1,
    startedMs: Number.NaN,
    seenMs: 0,
    datagrams: 0,
    flows: 0,
    lost: 0,
    restarts: 0,
  }
}

/** Keeps a copy; false when there is no room. */
export function holdSet(domain: Domain, templateId: number, bytes: Uint8Array, exportMs: number, uptimeMs: number) {
  const { length } = bytes
  if (domain.held.length >= MAX_HELD_SETS || domain.heldBytes + length > MAX_HELD_BYTES) return false
  if (domain.all.heldBytes + length > MAX_ALL.heldBytes) return false
  domain.held.push({ templateId, bytes: bytes.slice(), exportMs, uptimeMs })
  domain.heldBytes += length
  domain.all.heldBytes += length
  return true
}

/** Hands over what waited for this template. */
export function takeHeld(domain: Domain, templateId: number): readonly HeldSet[] {
  if (domain.held.length === 0) return []
  const taken = domain.held.filter((set) => set.templateId === templateId)
  if (taken.length === 0) return taken
  const bytes = taken.reduce((sum, set) => sum + set.bytes.length, 0)
  domain.held = domain.held.filter((set) => set.templateId !== templateId)
  domain.heldBytes -= bytes
  domain.all.heldBytes -= bytes
  return taken
}

export function addTemplate(domain: Domain, template: Template): boolean {
  const { all, templates } = domain
  const fields = template.fields.length
  dropTemplate(domain, template.id)
  if (templates.size >= MAX_TEMPLATES || all.templates >= MAX_ALL.templates || all.fields + fields > MAX_ALL.fields)
    return false
  templates.set(template.id, template)
  all.templates++
  all.fields += fields
  return true
}

export function dropTemplate(domain: Domain, id: number): void {
  const known = domain.templates.get(id)
  if (known === undefined) return
  domain.templates.delete(id)
  domain.all.templates--
  domain.all.fields -= known.fields.length
}

export function setSampler(domain: Domain, sampler: number, factor: number): void {
  if (!(factor >= 1 && factor <= 4_294_967_296)) return
  if (sampler === 0) domain.sampling = factor
  else setTold(domain, domain.samplers, sampler, factor)
}

export function setApplication(domain: Domain, application: number, service: number): void {
  setTold(domain, domain.applications, application, service)
}

function setTold(domain: Domain, table: Map<number, number>, key: number, value: number): void {
  if (!table.has(key)) {
    if (domain.all.told >= MAX_ALL.told) return
    domain.all.told++
  }
  table.set(key, value)
}

/** All that the exporter has told us of itself. */
function forget(domain: Domain): void {
  for (const id of [...domain.templates.keys()]) dropTemplate(domain, id)
  domain.all.told -= domain.samplers.size + domain.applications.size
  domain.all.heldBytes -= domain.heldBytes
  domain.samplers.clear()
  domain.applications.clear()
  domain.sampling = 1
  domain.held = []
  domain.heldBytes = 0
}

/** Further ahead than this is another count, not a gap. */
const MAX_GAP = 1_000_000
/** Further behind than this is another count, not a datagram that was overtaken. */
const MAX_LATE = 4_096

/**
 * Compares a datagram's sequence number with the one expected and returns how many units (flows for v5 and IPFIX,
 * datagrams for v9) are missing before it: negative when it is one that was thought missing.
 */
export function followSequence(domain: Domain, sequence: number, units: number): number {
  const expected = domain.expected
  const next = (sequence + units) >>> 0
  if (expected < 0) {
    domain.expected = next
    return 0
  }
  const ahead = (sequence - expected) >>> 0
  if (ahead <= MAX_GAP) {
    domain.expected = next
    return ahead
  }
  const behind = (expected - sequence) >>> 0
  if (behind <= MAX_LATE && sequence !== 0) return -units
  domain.restarts++
  domain.expected = next
  return 0
}

/** The exporter's uptime went back: it has restarted, and numbers its templates anew (RFC 3954 §9). */
export function followUptime(domain: Domain, uptimeMs: number): boolean {
  const before = domain.uptimeMs
  domain.uptimeMs = uptimeMs
  const back = before - uptimeMs
  // Half the range back is a wrap of the 32-bit counter; a few seconds back is a datagram that was overtaken.
  if (before < 0 || back < 60_000 || back > 0x8000_0000) return false
  domain.restarts++
  domain.expected = -1
  forget(domain)
  return true
}
