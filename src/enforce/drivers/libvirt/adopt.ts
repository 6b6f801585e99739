/**
 * A domain as libvirt says it is comes in; what Guise keeps of it on this host goes out: the door to its guest agent while it
 * runs, and a cgroup of its own where libvirt keeps it in none. Nothing of its definition is changed.
 */
import { joinCgroup, removeCgroup } from '../qemu/cgroup.ts'
import type { Domain } from './domain.ts'
import { closeDoor, domainCgroup, findPlace, forgetDomain, keepPlace, openDoor } from './door.ts'
import { isInLibvirtCgroup, processOfDomain } from './process.ts'

/** Again and again the same: whoever was here before may have died half way. */
export function adoptRunning(domain: Domain, uri: string): void {
  const { uuid, link, agent } = domain
  keepPlace(uuid, { cgroup: link === null ? null : ownCgroup(uuid, link.name), agent })
  if (agent) openDoor(uuid, uri)
  else closeDoor(uuid)
}

/** Where it is stays known: what it wears waits there for its next start. */
export function adoptStopped(uuid: string): void {
  if (findPlace(uuid) !== null) closeDoor(uuid)
}

export function letGo(uuid: string): void {
  removeCgroup(domainCgroup(uuid))
  forgetDomain(uuid)
}

function ownCgroup(uuid: string, link: string): string | null {
  const pid = processOfDomain(uuid, link)
  if (pid === null || isInLibvirtCgroup(pid)) return null
  joinCgroup(domainCgroup(uuid), pid)
  return domainCgroup(uuid)
}
