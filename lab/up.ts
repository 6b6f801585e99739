/** `LabPlan` in, running namespaces out: made, joined, programs started, inventory written. Takes itself back when it fails. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { WorkloadReport } from '../src/model/wire.ts'
import { labDown } from './down.ts'
import { existingNamespaces, makeNamespaces, writeResolver } from './namespace.ts'
import { LAB_PREFIX, LabError, labDirectory, requireRoot } from './place.ts'
import { startProgram, writtenProcesses } from './processes.ts'
import {
  addressOf,
  type LabPlan,
  namespaceOf,
  namespacesOf,
  OUTSIDE,
  RESOLVER,
  standardLab,
  zoneOf,
} from './topology.ts'

export type LabOptions = {
  /** At most 6 characters: namespaces are called `<prefix>-<name>`. */
  readonly prefix?: string
  readonly seed?: number
  readonly dir?: string
  /** Another set of workloads than the standard ten. */
  readonly plan?: (prefix: string, seed: number) => LabPlan
}

export type Lab = {
  readonly dir: string
  readonly prefix: string
  readonly seed: number
  /** Namespace of the router: `guise agent --netns`. */
  readonly router: string
  /** WorkloadReport[]: `guise agent --inventory`. */
  readonly inventory: string
  /** {key: path of its namespace} */
  readonly namespaces: string
  readonly workloads: readonly WorkloadReport[]
  readonly tookMs: number
}

const TOOLS = { ip: 'iproute2', nft: 'nftables', sysctl: 'procps' } as const

function requireTools(): void {
  const folders = (process.env.PATH ?? '').split(':')
  const missing = Object.entries(TOOLS).filter(([tool]) => !folders.some((folder) => existsSync(join(folder, tool))))
  if (missing.length > 0)
    throw new LabError(
      `the lab needs ${missing.map(([tool]) => tool).join(' and ')}. Install ${missing.map(([, name]) => name).join(' and ')}, as root: apt-get install ${missing.map(([, name]) => name).join(' ')}`,
    )
}

export async function labUp(options: LabOptions = {}): Promise<Lab> {
  requireRoot('the lab')
  requireTools()
  const began = performance.now()
  const prefix = options.prefix ?? LAB_PREFIX
  if (!/^[a-z][a-z0-9]{0,11}$/.test(prefix))
    throw new LabError(
      `prefix ${JSON.stringify(prefix)} cannot name a namespace. Use up to 12 lower-case letters and digits`,
    )
  const dir = options.dir ?? labDirectory()
  const plan = (options.plan ?? standardLab)(prefix, options.seed ?? 1)
  const there = await existingNamespaces()
  const taken = namespacesOf(plan).filter((name) => there.has(name))
  if (taken.length > 0 || existsSync(join(dir, 'lab.json')))
    throw new LabError(
      `a lab is already up${taken.length > 0 ? ` (namespace ${taken[0]})` : ` in ${dir}`}. Run guise lab down first`,
    )
  mkdirSync(dir, { recursive: true, mode: 0o755 })
  requireOpen(dir)
  // Written before the first effect, so that `down` finds everything whenever we die.
  writeFileSync(
    join(dir, 'lab.json'),
    JSON.stringify({ prefix, seed: plan.seed, namespaces: namespacesOf(plan), plan }),
  )
  try {
    await makeNamespaces(plan)
    for (const namespace of namespacesOf(plan)) writeResolver(namespace)
    await startPrograms(dir, plan)
    return { ...writeInventory(dir, plan), tookMs: Math.round(performance.now() - began) }
  } catch (error) {
    await labDown({ prefix, dir })
    throw error
  }
}

/** PostgreSQL runs as another user, who must be able to walk to its data. */
function requireOpen(dir: string): void {
  for (let at = resolve(dir); at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) !== 0) continue
    rmSync(dir, { recursive: true, force: true })
    throw new LabError(
      `${at} cannot be entered by the unprivileged user of the lab's database. Choose another folder: --dir or GUISE_LAB_DIR`,
    )
  }
}

/** Servers first; the others try again until their peers answer, as programs do. */
async function startPrograms(dir: string, plan: LabPlan): Promise<void> {
  const base = { dir, namespace: namespaceOf(plan.prefix, 'out') }
  const awaited = ['out', RESOLVER.name]
  startProgram({
    ...base,
    id: 'out',
    program: 'world',
    parameters: { seed: plan.seed, ports: OUTSIDE.ports, clocks: OUTSIDE.clocks },
  })
  startProgram({
    ...base,
    namespace: namespaceOf(plan.prefix, RESOLVER.name),
    id: RESOLVER.name,
    program: 'dns',
    parameters: { seed: plan.seed, listen: [RESOLVER.v4, RESOLVER.v6], names: zoneOf(plan), sites: OUTSIDE.sites },
  })
  plan.workloads.forEach((workload, i) => {
    workload.programs.forEach(({ program, parameters }, j) => {
      const id = `${workload.name}-${j}`
      const data = program === 'database' ? { data: join(dir, 'databases', workload.name) } : {}
      startProgram({
        dir,
        namespace: namespaceOf(plan.prefix, workload.name),
        id,
        program,
        parameters: { seed: plan.seed * 1_000 + i * 10 + j, ...data, ...parameters },
      })
      if (program === 'database' || program === 'api-server' || program === 'kv-store') awaited.push(id)
    })
  })
  await untilReady(dir, awaited)
}

const READY_WITHIN_MS = 30_000

async function untilReady(dir: string, ids: readonly string[]): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS
  for (;;) {
    const missing = ids.filter((id) => !existsSync(join(dir, 'ready', id)))
    if (missing.length === 0) return
    const living = new Set(writtenProcesses(dir).map((p) => p.id))
    const dead = missing.find((id) => !living.has(id))
    if (dead !== undefined || performance.now() > until) {
      const id = dead ?? missing[0]!
      const log = readFileSync(join(dir, 'logs', `${id}.log`), 'utf8')
        .trim()
        .split('\n')
        .slice(-12)
        .join('\n')
      throw new LabError(`${id} ${dead ? 'ended' : `was not ready in ${READY_WITHIN_MS} ms`}. Its log says: ${log}`)
    }
    await wait(25)
  }
}

export function inventoryOf(plan: LabPlan, driver: 'netns' | 'recording'): WorkloadReport[] {
  return plan.workloads.map((workload, i) => ({
    key: namespaceOf(plan.prefix, workload.name),
    name: workload.name,
    kind: 'namespace' as WorkloadReport['kind'],
    driver,
    interface: driver === 'netns' ? workload.name : null,
    addresses: [addressOf(i).v4, addressOf(i).v6],
    labels: { env: 'lab', app: workload.app, role: workload.persona.toLowerCase().replace(' ', '-') },
    ...(workload.declared ? { persona: workload.persona } : {}),
  }))
}

function writeInventory(dir: string, plan: LabPlan): Omit<Lab, 'tookMs'> {
  const workloads = inventoryOf(plan, 'netns')
  const inventory = join(dir, 'inventory.json')
  const namespaces = join(dir, 'namespaces.json')
  writeFileSync(inventory, `${JSON.stringify(workloads, null, 1)}\n`)
  writeFileSync(
    namespaces,
    `${JSON.stringify(Object.fromEntries(workloads.map((w) => [w.key, `/run/netns/${w.key}`])), null, 1)}\n`,
  )
  return {
    dir,
    prefix: plan.prefix,
    seed: plan.seed,
    router: namespaceOf(plan.prefix, 'r'),
    inventory,
    namespaces,
    workloads,
  }
}
