/**
 * Telemetry in: an agent's report becomes evidence and risk (every tick) and beliefs (every window), in memory and in the
 * record, with one batched write each. It decides nothing; it says which workloads moved.
 */
import { driftEvidence } from '../assess/drift-evidence.ts'
import { beliefEvidence, riskOf } from '../assess/risk.ts'
import { isStray } from '../learn/discover/discover.ts'
import { features } from '../learn/features.ts'
import { initialBelief, observationOf, stepObservation } from '../learn/filter.ts'
import type { Model } from '../learn/model.ts'
import { learningRate } from '../learn/watch/rate.ts'
import { driftOf, watchWindows } from '../learn/watch/watch.ts'
import type { Evidence } from '../model/evidence.ts'
import type { AgentId, TenantId, WorkloadId } from '../model/ids.ts'
import type { EvidenceRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { sumAt, type Window } from '../model/window.ts'
import type { AgentReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { decodeConversation, decodeWindow } from '../observe/reduce/encode.ts'
import { addEvidence, addTick, type Fleet, type Live, liveOf, SEEN_WINDOWS } from './fleet.ts'
import { flowSourcesOf, forgetUsual, isUncut } from './usual.ts'

export type IntakeDeps = {
  readonly tenant: TenantId
  readonly store: Store
  readonly fleet: Fleet
  /** Asked at each window: it may be another from one to the next. */
  readonly model: () => Model
  /** Ids of personas that raise risk when believed. */
  readonly alarming: () => ReadonlySet<string>
  /** Told of windows that no persona explains. */
  readonly discovery: { stray(workload: WorkloadId, at: number, x: Float64Array): void }
}

/** What a report changed, for the event stream and to wake the reconciler. */
export type Intake = {
  readonly observed: readonly Live[]
  readonly evidence: readonly EvidenceRecord[]
  readonly beliefs: readonly WorkloadId[]
}

type Row = Parameters<Store['workloads']['observe']>[1][number]

export async function takeReport(deps: IntakeDeps, agent: AgentId, report: AgentReport, now: number): Promise<Intake> {
  const { tenant, store, fleet } = deps
  if (report.workloads !== undefined) {
    const known = await store.workloads.report(tenant, agent, report.workloads, now)
    for (const record of known) liveOf(fleet, record.id, agent, record.report.key, record.report.name)
  }
  // An agent speaks of its own workloads only: a key nobody reported under this agent is passed over.
  const ours = (key: string): Live | null => {
    const live = fleet.live.get(workloadId(tenant, key))
    return live !== undefined && live.agent === agent ? live : null
  }
  const evidence = takeEvidence(deps, report, now, ours)
  noteSources(fleet, agent, report)
  const touched = new Map<WorkloadId, Row>()
  const beliefs: WorkloadId[] = []
  const whole: { live: Live; row: number; window: Window; rate: number }[] = []
  // Sent again because the database failed half-way: memory holds its ticks already.
  const isMerged = fleet.merged.get(agent) === `${report.boot} ${report.sequence}`
  for (const wire of report.ticks) {
    const live = ours(wire.key)
    const tick = live === null ? null : decodeWindow(wire, live.workload)
    if (live === null || tick === null) continue
    const closed = isMerged ? null : addTick(fleet, live, tick)
    if (closed !== null) {
      // With what this very report says against it.
      const rate = learningRate(riskOf([...live.evidence.values()], now))
      beliefs.push(believe(deps, live, closed, rate))
      whole.push({ live, row: live.row, window: closed, rate })
    }
    touched.set(live.workload, rowOf(live, tick))
  }
  const uncut = whole.filter(({ live, window }) => isUncut(live, window))
  watchWindows(fleet.watch, uncut)
  evidence.push(...takeDrift(fleet, new Set(uncut.map(({ live }) => live)), now))
  fleet.merged.set(agent, `${report.boot} ${report.sequence}`)
  for (const { workload } of evidence) {
    const live = fleet.live.get(workload)!
    if (!touched.has(workload))
      touched.set(workload, { workload, at: now, belief: null, risk: null, bytesOut: 0, bytesIn: 0, spanMs: 0 })
    live.risk = null
  }
  // Taken now: whoever is forgotten while this is being written was seen all the same.
  const observed = [...touched.keys()].map((workload) => fleet.live.get(workload)!)
  const rows = [...touched.values()].map((row, i): Row => {
    const live = observed[i]!
    live.risk = riskOf([...live.evidence.values()], now)
    return { ...row, belief: isMerged || beliefs.includes(row.workload) ? live.lastBelief : null, risk: live.risk }
  })
  if (rows.length > 0) await store.workloads.observe(tenant, rows)
  if (evidence.length > 0) await store.evidence.add(tenant, evidence)
  const conversations = report.conversations.flatMap((wire) => {
    const live = ours(wire.key)
    return live === null ? [] : [decodeConversation(wire, live.workload)]
  })
  if (conversations.length > 0) await store.conversations.put(tenant, conversations)
  return { observed, evidence, beliefs }
}

function takeEvidence(
  deps: IntakeDeps,
  report: AgentReport,
  now: number,
  ours: (key: string) => Live | null,
): EvidenceRecord[] {
  const rows: EvidenceRecord[] = []
  for (const { key, evidence: said } of report.evidence) {
    const live = ours(key)
    if (live === null) continue
    // An agent whose clock is ahead of ours would have its evidence stay fresh for as long: a containment would not end.
    const evidence = said.at > now ? { ...said, at: now } : said
    addEvidence(deps.fleet, live, evidence)
    rows.push({ workload: live.workload, evidence })
  }
  return rows
}

/** Who is seen through other sources than before is not like what he was, and that is nobody's doing. */
function noteSources(fleet: Fleet, agent: AgentId, report: AgentReport): void {
  const sources = flowSourcesOf(report)
  if (sources === null) return
  const before = fleet.sources.get(agent)
  fleet.sources.set(agent, sources)
  if (before === undefined || before === sources) return
  for (const live of fleet.live.values()) if (live.agent === agent) forgetUsual(fleet, live)
}

/** In memory it is said anew with every window that it lasts; in the record it stands once. */
function takeDrift(fleet: Fleet, seen: Iterable<Live>, now: number): EvidenceRecord[] {
  const rows: EvidenceRecord[] = []
  for (const live of seen) {
    const drift = driftOf(fleet.watch, live.row)
    const evidence = drift === null ? null : driftEvidence(drift, live.name, now)
    if (evidence === null) continue
    const before = live.evidence.get('drift|')
    addEvidence(fleet, live, evidence)
    if (before?.figures.since !== evidence.figures.since) rows.push({ workload: live.workload, evidence })
  }
  return rows
}

function believe(deps: IntakeDeps, live: Live, window: Window, rate: number): WorkloadId {
  const end = window.start + window.spanMs
  const seen = observationOf(window)
  const model = deps.model()
  const step = stepObservation(model, live.belief ?? initialBelief(model), seen, end)
  live.seen = [...live.seen.slice(1 - SEEN_WINDOWS), { at: end, seen }]
  live.belief = step.state
  live.features = [...(seen.kind === 'active' ? seen.x : features(window))]
  live.lastBelief = step.belief
  // What a suspect does becomes nobody's persona.
  if (rate === 1 && isStray(seen, step.belief)) deps.discovery.stray(live.workload, end, seen.x)
  const own: Evidence | null = beliefEvidence(step.belief, deps.alarming(), end, live.name)
  if (own === null) live.evidence.delete('belief|')
  else addEvidence(deps.fleet, live, own)
  return live.workload
}

function rowOf(live: Live, tick: Window): Row {
  const s = tick.sums
  live.bytesOut = s[sumAt.bytesOutInitiated]! + s[sumAt.bytesOutServed]!
  live.bytesIn = s[sumAt.bytesInInitiated]! + s[sumAt.bytesInServed]!
  return {
    workload: live.workload,
    at: tick.start + tick.spanMs,
    belief: null,
    risk: null,
    bytesOut: live.bytesOut,
    bytesIn: live.bytesIn,
    spanMs: tick.spanMs,
  }
}
