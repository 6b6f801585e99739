/** Everything known of who a workload is, as one document: what it wears, how it behaves, how far it is trusted. */
import { DEFAULT_PERSONA } from '../model/belief.ts'
import type { DesiredState } from '../model/desired.ts'
import type { Evidence } from '../model/evidence.ts'
import type { PersonaManifest } from '../model/manifest.ts'
import type { ConversationRecord, HistoryPoint, WorkloadRecord } from '../model/records.ts'
import { WINDOW_MS } from '../model/window.ts'

export type PersonaInputs = {
  readonly workload: WorkloadRecord
  /** The manifest of the persona it is known by, null when that has none. */
  readonly manifest: PersonaManifest | null
  readonly desired: DesiredState | null
  readonly evidence: readonly Evidence[]
  readonly conversations: readonly ConversationRecord[]
  readonly history: readonly HistoryPoint[]
}

/** Where the persona's name comes from, strongest first: what a person assigned, what is believed, the default. */
export function knownAs(workload: WorkloadRecord): { name: string; basis: 'assigned' | 'inferred' | 'default' } {
  if (workload.assigned !== null) return { name: workload.assigned.name, basis: 'assigned' }
  const believed = workload.belief?.believed ?? null
  return believed === null ? { name: DEFAULT_PERSONA, basis: 'default' } : { name: believed, basis: 'inferred' }
}

export function personaDocument(inputs: PersonaInputs): object {
  const { workload, manifest, desired, evidence } = inputs
  const { name, basis } = knownAs(workload)
  return {
    workload: { id: workload.id, key: workload.report.key, name: workload.report.name, kind: workload.report.kind },
    persona: { name, basis, assigned: workload.assigned, worn: workload.worn, worn_since: workload.wornSince },
    belief: workload.belief,
    base_network_config: networkConfig(workload, desired, manifest),
    traffic_profile: trafficProfile(inputs),
    behavioral_signatures: signatures(workload, manifest, evidence),
    risk_score: workload.risk?.value ?? null,
    risk: workload.risk,
    mitigation_rules: (manifest?.spec.mitigationRules ?? []).map((rule) => ({
      ...rule,
      why: `${manifest?.metadata.name} asks for it when ${rule.when}`,
    })),
    containment: desired?.containment ?? null,
    learned_from: {
      windows: inputs.history.length,
      window_ms: WINDOW_MS,
      first_seen: workload.firstSeen,
      last_seen: workload.lastSeen,
    },
    version: workload.version,
  }
}

function networkConfig(
  workload: WorkloadRecord,
  desired: DesiredState | null,
  manifest: PersonaManifest | null,
): object {
  return {
    addresses: workload.report.addresses,
    interface: workload.report.interface,
    agent: workload.agent,
    driver: workload.report.driver,
    fronted_by: workload.report.frontedBy ?? null,
    labels: workload.report.labels,
    worn_network: desired?.network ?? null,
    worn_dns: desired?.dns ?? null,
    profile: manifest?.spec.profile ?? null,
    default_egress: desired?.egress.otherwise ?? null,
    default_ingress: desired?.ingress.otherwise ?? null,
  }
}

function trafficProfile({ workload, conversations, history }: PersonaInputs): object {
  const sum = (pick: (c: ConversationRecord) => number) => conversations.reduce((n, c) => n + pick(c), 0)
  const services = new Map<string, { flows: number; bytes_out: number; bytes_in: number; peers: Set<string> }>()
  for (const c of conversations) {
    const key = `${c.direction} ${c.service ?? `${protocolName(c.proto)}/${c.port}`}`
    const row = services.get(key) ?? { flows: 0, bytes_out: 0, bytes_in: 0, peers: new Set<string>() }
    row.flows += c.flows
    row.bytes_out += c.bytesOut
    row.bytes_in += c.bytesIn
    row.peers.add(c.peer)
    services.set(key, row)
  }
  const spanSeconds = (history.length * WINDOW_MS) / 1_000
  const bytesOut = history.reduce((n, point) => n + point.bytesOut, 0)
  const bytesIn = history.reduce((n, point) => n + point.bytesIn, 0)
  return {
    rate_now: workload.rate,
    mean_rate: spanSeconds === 0 ? null : { out: bytesOut / spanSeconds, in: bytesIn / spanSeconds },
    bytes_out: bytesOut,
    bytes_in: bytesIn,
    flows: sum((c) => c.flows),
    failed_flows: sum((c) => c.failed),
    peers: new Set(conversations.map((c) => c.peer)).size,
    services: [...services]
      .map(([service, row]) => ({ service, ...row, peers: row.peers.size }))
      .sort((a, b) => b.bytes_out + b.bytes_in - (a.bytes_out + a.bytes_in))
      .slice(0, 50),
  }
}

function signatures(workload: WorkloadRecord, manifest: PersonaManifest | null, evidence: readonly Evidence[]): object {
  return {
    recognised_as: manifest?.spec.recognisedAs ?? null,
    believed: workload.belief?.believed ?? null,
    abstains: workload.belief !== null && workload.belief.believed === null,
    probabilities: workload.belief?.personas ?? [],
    unknown: workload.belief?.unknown ?? 1,
    because: workload.belief?.because ?? [],
    model: workload.belief?.model ?? null,
    features: workload.belief?.features ?? null,
    evidence,
  }
}

function protocolName(proto: number): string {
  return { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' }[proto] ?? `ip-${proto}`
}
