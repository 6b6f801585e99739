/**
 * Runs inside a lab's router (`ip netns exec ROUTER node lab/collect.ts LABDIR SECONDS OUT NAME`): live conntrack through the
 * reducer, out goes one dataset run. It only watches.
 */
import { readFileSync } from 'node:fs'
import { observationOf } from '../src/learn/filter.ts'
import type { WorkloadReport } from '../src/model/wire.ts'
import { createServiceNames, type FlowSource, type ServiceNames } from '../src/observe/source.ts'
import { createConntrackSource } from '../src/observe/sources/conntrack.ts'
import { type DatasetRow, writeRun } from './dataset.ts'
import type { LabPlan } from './topology.ts'
import { collectTicks, slide } from './windows.ts'

/** Windows overlap by half: more rows of the same minutes, and the filter's steps are still every second row. */
const STRIDE_TICKS = 3

export async function rowsOfRun(
  source: FlowSource,
  services: ServiceNames,
  workloads: readonly WorkloadReport[],
  plan: LabPlan,
  signal: AbortSignal,
): Promise<DatasetRow[]> {
  const seen = await collectTicks(source, services, workloads, signal)
  const truth = new Map(plan.workloads.map((w) => [w.name, w.persona]))
  return seen.flatMap(({ workload, ticks }) =>
    // The first ticks are programs starting, which happens once in the life of a host.
    [...slide(ticks.slice(1), STRIDE_TICKS)].map((window) => ({
      workload: workload.name,
      persona: truth.get(workload.name)!,
      at: window.start + window.spanMs,
      seen: observationOf(window),
    })),
  )
}

async function main(): Promise<void> {
  const [dir, seconds, out, name] = process.argv.slice(2)
  if (!dir || !seconds || !out || !name) throw new Error('collecting: say LABDIR SECONDS OUT NAME')
  const { plan } = JSON.parse(readFileSync(`${dir}/lab.json`, 'utf8')) as { plan: LabPlan }
  const workloads = JSON.parse(readFileSync(`${dir}/inventory.json`, 'utf8')) as WorkloadReport[]
  const services = createServiceNames()
  const source = createConntrackSource()
  const signal = AbortSignal.timeout(Number(seconds) * 1_000)
  const rows = await rowsOfRun(source, services, workloads, plan, signal)
  writeRun({ name, seed: plan.seed, rows }, out)
  console.log(JSON.stringify({ name, rows: rows.length, lost: source.counters.lost }))
}

if (import.meta.main) await main()
