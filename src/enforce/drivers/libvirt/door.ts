/**
 * The way into a domain: a file that is there while it runs and says whose libvirt to ask, since libvirt keeps the guest
 * agent's own socket for itself (one client a port). Below /run, because it ends with this boot. `node:` only: the supervisor
 * goes through it too.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { effectSync } from '../../fault.ts'

const ROOT = '/run/guise/domains'
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export const DOMAIN_DOOR = /^\/run\/guise\/domains\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/agent$/

export function domainDoor(uuid: string): string {
  return join(folderOf(uuid), 'agent')
}

/** Throws when it does not run. */
export function behindDoor(path: string): { readonly uuid: string; readonly uri: string } {
  const uuid = DOMAIN_DOOR.exec(path)?.[1]
  if (uuid === undefined) throw new Error(`not the door of a domain: ${JSON.stringify(path)}`)
  try {
    return { uuid, uri: readFileSync(path, 'utf8') }
  } catch {
    throw new Error(`domain ${uuid} does not run`)
  }
}

export function openDoor(uuid: string, uri: string): void {
  keep(domainDoor(uuid), uri)
}

export function closeDoor(uuid: string): void {
  effectSync('domain remove', () => rmSync(domainDoor(uuid), { force: true }))
}

/** `cgroup`: null where libvirt keeps it in one of its own, another with every start. `agent`: it has a port for one. */
export type DomainPlace = { readonly cgroup: string | null; readonly agent: boolean }

export function keepPlace(uuid: string, place: DomainPlace): void {
  keep(join(folderOf(uuid), 'place.json'), JSON.stringify(place))
}

/** Null when nobody has looked at it since this host was started. */
export function findPlace(uuid: string): DomainPlace | null {
  try {
    const { cgroup, agent } = JSON.parse(readFileSync(join(folderOf(uuid), 'place.json'), 'utf8')) as DomainPlace
    return { cgroup: cgroup === domainCgroup(uuid) ? cgroup : null, agent: agent === true }
  } catch {
    return null
  }
}

export function forgetDomain(uuid: string): void {
  effectSync('domain remove', () => rmSync(folderOf(uuid), { recursive: true, force: true }))
}

export function domainCgroup(uuid: string): string {
  return `/guise/libvirt-${uuid}`
}

function folderOf(uuid: string): string {
  if (!UUID.test(uuid)) throw new Error(`not the uuid of a domain: ${JSON.stringify(uuid)}`)
  return join(ROOT, uuid)
}

function keep(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  effectSync('domain mkdir', () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
  effectSync('domain write', () => writeFileSync(`${path}.new`, text, { mode: 0o600 }))
  effectSync('domain rename', () => renameSync(`${path}.new`, path))
}
