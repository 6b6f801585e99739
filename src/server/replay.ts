/**
 * The committed lab recording, played again in a loop as if it happened now: for those without root, and off Linux. It goes
 * through the same reducer, detectors and reports as live traffic; there is no kernel behind it, so nothing is worn.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createDetectors } from '../assess/detectors.ts'
import { createIndicatorIndex, createNeverBlock } from '../assess/indicators.ts'
import { copyFlow, createFlowBatch, type FlowBatch } from '../model/flow.ts'
import type { AgentId, TenantId } from '../model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../model/networks.ts'
import { TICK_MS } from '../model/window.ts'
import type { AgentReport, ServerMessage, WorkloadReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { createDirectory } from '../observe/reduce/directory.ts'
import { encodeConversation, encodeWindow } from '../observe/reduce/encode.ts'
import { createReducer } from '../observe/reduce/reducer.ts'
import { createServiceNames, type ServiceNames } from '../observe/source.ts'
import { createFileSource } from '../observe/sources/open.ts'

export type Recording = {
  readonly inventory: readonly WorkloadReport[]
  /** One batch of whole flows, by the time they ended. */
  readonly flows: FlowBatch
  readonly order: Uint32Array
  readonly services: ServiceNames
}

/** Reads all of it before privileges are dropped: a few thousand flows. */
export async function readRecording(dir: string): Promise<Recording> {
  const inventory = JSON.parse(readFileSync(join(dir, 'inventory.json'), 'utf8')) as WorkloadReport[]
  const services = createServiceNames()
  const source = createFileSource({ paths: [dir], services })
  const flows = createFlowBatch(200_000)
  for await (const batch of source.batches(new AbortController().signal)) {
    for (let row = 0; row < batch.count && flows.count < flows.capacity; row++) copyFlow(batch, row, flows)
  }
  const order = Uint32Array.from({ length: flows.count }, (_, i) => i).sort((a, b) => flows.end[a]! - flows.end[b]!)
  return { inventory: inventory.map((report) => ({ ...report, driver: 'recording' })), flows, order, services }
}

type ReplayDeps = {
  readonly recording: Recording
  readonly tenant: TenantId
  readonly clock: () => number
  readonly agentReport: (agent: AgentId, report: AgentReport) => Promise<void>
  readonly desiredStream: (agent: AgentId, signal: AbortSignal) => AsyncIterable<ServerMessage>
  readonly signal: AbortSignal
}

const AGENT = 'recording' as AgentId

export async function replay(deps: ReplayDeps): Promise<void> {
  const { recording, signal, clock } = deps
  const boot = `recording-${clock()}`
  let sequence = 0
  let indicators = await firstIndicators(deps)
  while (!signal.aborted && recording.order.length > 0) {
    const directory = createDirectory()
    for (const report of recording.inventory) directory.put({ ...report, id: workloadId(deps.tenant, report.key) })
    const reducer = createReducer({
      directory,
      homeNetworks: indicators.homeNetworks,
      serviceName: recording.services.nameOf,
      idle: 'every-tick',
    })
    const detectors = createDetectors({
      homeNetworks: indicators.homeNetworks,
      indicators: createIndicatorIndex(indicators.entries),
      neverBlock: createNeverBlock(indicators.neverBlock),
    })
    const shift = clock() - recording.flows.end[recording.order[0]!]!
    let next = 0
    while (next < recording.order.length && !signal.aborted) {
      const until = (Math.floor(clock() / TICK_MS) + 1) * TICK_MS
      await wait(Math.max(0, until - clock()), null, { signal }).catch(() => null)
      const batch = createFlowBatch(4096)
      while (next < recording.order.length && batch.count < batch.capacity) {
        const row = recording.order[next]!
        if (recording.flows.end[row]! + shift > until) break
        copyFlow(recording.flows, row, batch)
        batch.start[batch.count - 1]! += shift
        batch.end[batch.count - 1]! += shift
        next++
      }
      directory.assign(batch)
      reducer.add(batch)
      detectors.add(batch)
      const { ticks, conversations } = reducer.close(until)
      await deps.agentReport(AGENT, {
        boot,
        sequence: sequence++,
        at: until,
        host: hostname(),
        mode: 'observe',
        ...(sequence === 1 ? { workloads: [...recording.inventory] } : {}),
        ticks: ticks.map((tick) => encodeWindow(tick, keyOf(recording, deps.tenant, tick.workload))),
        conversations: conversations.map((c) => encodeConversation(c, keyOf(recording, deps.tenant, c.workload))),
        evidence: detectors.evaluate(until).flatMap(({ subject, evidence }) => {
          const report = recording.inventory.find((candidate) => candidate.addresses.includes(subject))
          return report === undefined ? [] : [{ key: report.key, evidence }]
        }),
        reflexes: [],
        applied: null,
        denies: {},
        counters: { rows: next, lost: 0 },
      })
    }
    indicators = await firstIndicators(deps)
  }
}

async function firstIndicators(deps: ReplayDeps): Promise<Extract<ServerMessage, { type: 'indicators' }>> {
  const leave = new AbortController()
  try {
    for await (const message of deps.desiredStream(AGENT, leave.signal))
      if (message.type === 'indicators') return message
  } finally {
    leave.abort()
  }
  return { type: 'indicators', hash: '', entries: [], neverBlock: [], homeNetworks: [...DEFAULT_HOME_NETWORKS] }
}

function keyOf(recording: Recording, tenant: TenantId, id: string): string {
  return recording.inventory.find((report) => workloadId(tenant, report.key) === id)?.key ?? ''
}
