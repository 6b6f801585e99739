/** A process goes into a cgroup of its own, so that the facets cpu and memory have something to hold it by. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { effectSync } from '../../fault.ts'

const ROOT = '/sys/fs/cgroup'
const CONTROLLERS = ['cpu', 'memory']

/** As places.json names it: below the mount (v2), or below each controller's (v1). */
export function cgroupOf(uuid: string): string {
  return `/guise/vm-${uuid}`
}

export function joinCgroup(cgroup: string, pid: number): void {
  for (const folder of foldersOf(cgroup)) {
    effectSync('cgroup mkdir', () => mkdirSync(folder, { recursive: true }))
    // Takes every thread of it along, in v1 as well (cgroups(7)).
    effectSync('cgroup join', () => writeFileSync(join(folder, 'cgroup.procs'), `${pid}`))
  }
}

/** Only an empty one can go; one that somebody put a process into stays. */
export function removeCgroup(cgroup: string): void {
  for (const folder of foldersOf(cgroup)) {
    try {
      effectSync('cgroup remove', () => rmdirSync(folder))
    } catch {}
  }
}

function foldersOf(cgroup: string): string[] {
  if (existsSync(join(ROOT, 'cgroup.controllers'))) return [join(ROOT, cgroup)]
  return CONTROLLERS.map((name) => join(ROOT, name)).flatMap((mount) =>
    existsSync(mount) ? [join(mount, cgroup)] : [],
  )
}
