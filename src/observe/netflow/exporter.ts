/**
 * What is known of one exporter: each of its observation domains (NetFlow v9: source ids) has its own templates, sampling
 * and sequence. All of it is bounded, for it is kept on the word of whoever can send us a datagram.
 */
import type { Template } from './template.ts'

export const MAX_TEMPLATES = 1_024
export const MAX_DOMAINS = 1_024
const MAX_SAMPLERS = 1_024
const MAX_APPLICATIONS = 8_192
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

export type Domain = {
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
        domain = createDomain(exporter, id, version)
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
    all.delete(key)
    return true
  }
  return false
}

function createDomain(exporter: string, id: number, version: number): Domain {
  return {
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
  if (domain.held.length >= MAX_HELD_SETS || domain.heldBytes + bytes.length > MAX_HELD_BYTES) return false
  domain.held.push({ templateId, bytes: bytes.slice(), exportMs, uptimeMs })
  domain.heldBytes += bytes.length
  return true
}

/** Hands over what waited for this template. */
export function takeHeld(domain: Domain, templateId: number): readonly HeldSet[] {
  if (domain.held.length === 0) return []
  const taken = domain.held.filter((set) => set.templateId === templateId)
  if (taken.length === 0) return taken
  domain.held = domain.held.filter((set) => set.templateId !== templateId)
  domain.heldBytes = domain.held.reduce((sum, set) => sum + set.bytes.length, 0)
  return taken
}

export function addTemplate(domain: Domain, template: Template): boolean {
  if (domain.templates.size >= MAX_TEMPLATES && !domain.templates.has(template.id)) return false
  domain.templates.set(template.id, template)
  return true
}

export function setSampler(domain: Domain, sampler: number, factor: number): void {
  if (!(factor >= 1 && factor <= 4_294_967_296)) return
  if (sampler === 0) domain.sampling = factor
  else if (domain.samplers.size < MAX_SAMPLERS || domain.samplers.has(sampler)) domain.samplers.set(sampler, factor)
}

export function setApplication(domain: Domain, application: number, service: number): void {
  if (domain.applications.size < MAX_APPLICATIONS || domain.applications.has(application))
    domain.applications.set(application, service)
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
  domain.templates.clear()
  domain.samplers.clear()
  domain.applications.clear()
  domain.sampling = 1
  domain.held = []
  domain.heldBytes = 0
  return true
}
