/** What of a lab is there now, read from the kernel and the process table rather than remembered. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { existingNamespaces } from './namespace.ts'
import { labDirectory } from './place.ts'
import { writtenProcesses } from './processes.ts'
import { type LabPlan, namespaceOf } from './topology.ts'

export type LabStatus = {
  readonly state: 'up' | 'down' | 'broken'
  readonly dir: string
  readonly prefix: string | null
  readonly workloads: readonly {
    name: string
    persona: string
    programs: number
    running: number
    namespace: boolean
  }[]
}

export async function labStatus(options: { dir?: string } = {}): Promise<LabStatus> {
  const dir = options.dir ?? labDirectory()
  const plan = readPlan(dir)
  if (!plan) return { state: 'down', dir, prefix: null, workloads: [] }
  const there = await existingNamespaces()
  const running = writtenProcesses(dir)
  const workloads = plan.workloads.map((workload) => ({
    name: workload.name,
    persona: workload.persona,
    programs: workload.programs.length,
    running: running.filter((p) => p.id.startsWith(`${workload.name}-`)).length,
    namespace: there.has(namespaceOf(plan.prefix, workload.name)),
  }))
  const whole = workloads.every((w) => w.namespace && w.running >= w.programs)
  return { state: whole ? 'up' : 'broken', dir, prefix: plan.prefix, workloads }
}

/** The plan of the lab that is up; null when none is. */
export function readPlan(dir: string): LabPlan | null {
  const written = join(dir, 'lab.json')
  if (!existsSync(written)) return null
  try {
    return (JSON.parse(readFileSync(written, 'utf8')) as { plan: LabPlan }).plan
  } catch {
    return null
  }
}
