/**
 * Takes a lab away: its processes (written down, or found inside its namespaces), its namespaces, its files. Works from
 * what is there, so it works after kill -9 of everything, twice in a row, and when `up` died half way.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { existingNamespaces, processesIn, removeNamespace } from './namespace.ts'
import { LAB_PREFIX, labDirectory, requireRoot } from './place.ts'
import { freeSharedMemory, signal, startTime, writtenProcesses } from './processes.ts'
import { namespacesOf, standardLab } from './topology.ts'

export type LabDown = { readonly namespaces: number; readonly processes: number; readonly tookMs: number }

const POLITE_MS = 2_000

/** Idempotent: a lab that is not there is down. */
export async function labDown(options: { prefix?: string; dir?: string } = {}): Promise<LabDown> {
  requireRoot('lab down')
  const began = performance.now()
  const dir = options.dir ?? labDirectory()
  const there = await existingNamespaces()
  const namespaces = namesOf(dir, options.prefix).filter((name) => there.has(name))
  const living = new Map<number, string>()
  for (const { pid, started } of writtenProcesses(dir)) living.set(pid, started)
  for (const namespace of namespaces)
    for (const pid of await processesIn(namespace)) {
      const started = startTime(pid)
      if (started !== null) living.set(pid, started)
    }
  await end(living)
  for (const cluster of clusters(dir)) freeSharedMemory(cluster)
  for (const namespace of namespaces) await removeNamespace(namespace)
  rmSync(dir, { recursive: true, force: true })
  try {
    // Only when empty: another lab, or somebody else, may use it.
    rmdirSync('/etc/netns')
  } catch {
    // In use, or never made.
  }
  return { namespaces: namespaces.length, processes: living.size, tookMs: Math.round(performance.now() - began) }
}

/** What `up` wrote before its first effect; without it, the names the standard lab of that prefix would have. */
function namesOf(dir: string, prefix: string | undefined): string[] {
  const written = join(dir, 'lab.json')
  if (existsSync(written)) {
    try {
      const lab = JSON.parse(readFileSync(written, 'utf8')) as { prefix: string; namespaces: string[] }
      if (prefix === undefined || lab.prefix === prefix) return lab.namespaces
    } catch {
      // Cut short by a crash before the first namespace was made: the standard names are all there can be.
    }
  }
  return namespacesOf(standardLab(prefix ?? LAB_PREFIX, 1))
}

/** First asked, so that PostgreSQL gives its memory back; then killed. */
async function end(living: ReadonlyMap<number, string>): Promise<void> {
  const left = () => [...living].filter(([pid, started]) => startTime(pid) === started).map(([pid]) => pid)
  for (const pid of left()) signal(pid, 'SIGTERM')
  const polite = performance.now() + POLITE_MS
  while (left().length > 0 && performance.now() < polite) await wait(20)
  for (const pid of left()) signal(pid, 'SIGKILL')
  while (left().length > 0 && performance.now() < polite + 2 * POLITE_MS) await wait(20)
}

function clusters(dir: string): string[] {
  const databases = join(dir, 'databases')
  return existsSync(databases) ? readdirSync(databases).map((name) => join(databases, name, 'cluster')) : []
}
