/**
 * The containers of this host as workloads, found without being named. What one is reached by is what it had when it was
 * first seen: later it may be what a persona gave it, so that is kept in `HOME/containers.json`, as long as its namespace stands.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Here, lookHere, type Running, reachOf, runningContainers } from '../enforce/drivers/container/list.ts'
import { bootId } from '../enforce/journal.ts'
import { WorkloadReport } from '../model/wire.ts'
import { keep, readKept } from './kept-file.ts'

type Kept = { readonly where: string; readonly report: WorkloadReport }
const isKept = Compile(
  Type.Record(
    Type.String(),
    Type.Object({ where: Type.String(), report: WorkloadReport }, { additionalProperties: false }),
  ),
)

/** `named`: what the inventory says already; whoever stands behind one of its links is not told twice. */
export function foundContainers(
  home: string,
  named: readonly WorkloadReport[],
  running: readonly Running[] = runningContainers(),
): WorkloadReport[] {
  const kept = read(home)
  let here: Here | null = null
  const found = running.flatMap((one): Kept[] => {
    if (named.some(({ key }) => key === one.key)) return []
    const [where, before] = [whereIs(one), kept[one.key]]
    if (where === null) return []
    if (before?.where === where) return [before]
    // Once for all that are new.
    here ??= lookHere()
    const report = reportOf(one, here)
    return report === null ? [] : [{ where, report }]
  })
  const now = Object.fromEntries(found.map((one) => [one.report.key, one]))
  if (JSON.stringify(now) !== JSON.stringify(kept)) keep(pathOf(home), now)
  const faces = new Set(named.flatMap((one) => one.interface ?? []))
  return found.flatMap(({ report }) => {
    const isNew = report.interface === null || !faces.has(report.interface)
    if (report.interface !== null) faces.add(report.interface)
    return isNew ? [report] : []
  })
}

/** Which namespace that is. The kernel gives inodes of namespaces away again at once, but none with the same time of change. */
function whereIs({ namespace }: Running): string | null {
  const stat = statSync(namespace, { throwIfNoEntry: false })
  return stat === undefined ? null : `${bootId()}:${namespace}:${stat.ino}:${stat.ctimeMs}`
}

function reportOf({ key, name, namespace }: Running, here: Here): WorkloadReport | null {
  const reached = reachOf(namespace, here)
  if (reached === null) return null
  const kind = 'container' as WorkloadReport['kind']
  // On somebody's bridge nothing can be worn: it is watched.
  const driver = reached.face === null ? 'recording' : 'container'
  return { key, name, kind, driver, interface: reached.face, addresses: [...reached.addresses], labels: {} }
}

const pathOf = (home: string) => join(home, 'containers.json')

function read(home: string): Readonly<Record<string, Kept>> {
  const kept = readKept(pathOf(home))
  return isKept.Check(kept) ? kept : {}
}
