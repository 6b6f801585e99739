/** Which process a domain is: libvirt does not say. `node:` only. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** It carries the uuid, and holds the tap: the first anybody can say of himself, the second only root gives. */
export function processOfDomain(uuid: string, link: string, proc = '/proc'): number | null {
  for (const pid of readdirSync(proc)) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const argv = readFileSync(join(proc, pid, 'cmdline'), 'utf8').split('\0')
      if (argv.some((one, i) => one === '-uuid' && argv[i + 1] === uuid) && holdsTap(join(proc, pid, 'fdinfo'), link))
        return Number(pid)
    } catch {
      // It went while we looked.
    }
  }
  return null
}

/** Where libvirt keeps its domains apart by cgroups, it is in one of them (libvirt.org/cgroups.html). */
export function isInLibvirtCgroup(pid: number, proc = '/proc'): boolean {
  return /:\/machine(?:\.slice)?(?:\/|$)/m.test(readFileSync(join(proc, `${pid}`, 'cgroup'), 'utf8'))
}

/** drivers/net/tun.c, tun_chr_show_fdinfo. */
function holdsTap(folder: string, link: string): boolean {
  return readdirSync(folder).some((fd) => readFileSync(join(folder, fd), 'utf8').includes(`\niff:\t${link}\n`))
}
