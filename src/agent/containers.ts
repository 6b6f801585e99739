/**
 * The containers of this host as workloads, found without being named. What one is reached by is what it had when it was
 * first seen: later it may be what a persona gave it, so that is kept in `HOME/containers.json`, as long as it runs.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { reachOf, runningContainers } from '../enforce/drivers/container/list.ts'
import { WorkloadReport } from '../model/wire.ts'

const isKept = Compile(Type.Record(Type.String(), WorkloadReport))

/** `named`: what the inventory says already; whoever stands behind one of its links is not told twice. */
export function foundContainers(home: string, named: readonly WorkloadReport[]): WorkloadReport[] {
  const kept = read(home)
  const running = runningContainers().filter(({ key }) => !named.some((one) => one.key === key))
  const found = running.flatMap((one) => kept[one.key] ?? reportOf(one) ?? [])
  const now = Object.fromEntries(found.map((report) => [report.key, report]))
  if (JSON.stringify(now) !== JSON.stringify(kept)) write(home, now)
  const faces = new Set(named.flatMap((one) => one.interface ?? []))
  return found.filter((one) => {
    const isNew = one.interface === null || !faces.has(one.interface)
    if (one.interface !== null) faces.add(one.interface)
    return isNew
  })
}

function reportOf({ key, name, namespace }: ReturnType<typeof runningContainers>[number]): WorkloadReport | null {
  const reached = reachOf(namespace)
  if (reached === null) return null
  const kind = 'container' as WorkloadReport['kind']
  // On somebody's bridge nothing can be worn: it is watched.
  const driver = reached.face === null ? 'recording' : 'container'
  return { key, name, kind, driver, interface: reached.face, addresses: [...reached.addresses], labels: {} }
}

const pathOf = (home: string) => join(home, 'containers.json')

function read(home: string): Readonly<Record<string, WorkloadReport>> {
  try {
    const kept: unknown = JSON.parse(readFileSync(pathOf(home), 'utf8'))
    return isKept.Check(kept) ? kept : {}
  } catch {
    return {}
  }
}

function write(home: string, kept: Readonly<Record<string, WorkloadReport>>): void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  writeFileSync(`${pathOf(home)}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${pathOf(home)}.new`, pathOf(home))
}
