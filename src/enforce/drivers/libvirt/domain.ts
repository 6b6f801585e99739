/** The definitions of domains come in, as libvirt writes them (libvirt.org/formatdomain.html); what Guise needs of each goes out. */
import { isIP } from 'node:net'
import { UUID } from './door.ts'
import { at, BadXml, type Element, readXml } from './xml.ts'

export type Domain = {
  readonly uuid: string
  readonly name: string
  /** Changes with every start; null while it stands. */
  readonly id: number | null
  readonly memoryMb: number
  readonly cpus: number
  /** The host's end of its first link; null when it has none, or it has no name until it is started. */
  readonly link: Link | null
  /** What its links may use, where somebody declared it (formatnwfilter.html, `IP`). */
  readonly addresses: readonly string[]
  /** There is a port of the guest agent in it. */
  readonly agent: boolean
  readonly disks: number
}

/** `bridged`: it is part of something else, which carries its neighbours past us; macvtap goes past this host's rules altogether. */
export type Link = { readonly name: string; readonly bridged: boolean }

export const AGENT_PORT = 'org.qemu.guest_agent.0'
const FACE = /^[A-Za-z0-9_.-]{1,15}$/
const MB_PER: Readonly<Record<string, number>> = { KiB: 1 / 1_024, MiB: 1, GiB: 1_024 }

/** Throws `BadXml`: a definition that is not understood is no half of one. */
export function readDomains(text: string): Domain[] {
  return readXml(text).map(domainFrom)
}

function domainFrom(element: Element): Domain {
  if (element.name !== 'domain') throw new BadXml(`<${element.name}> is no domain`)
  const uuid = only(element, 'uuid').text.trim()
  if (!UUID.test(uuid)) throw new BadXml(`${JSON.stringify(uuid.slice(0, 60))} is no uuid`)
  const memory = only(element, 'memory')
  const links = at(element, 'devices', 'interface')
  return {
    uuid,
    name: shown(only(element, 'name').text, uuid),
    id: element.attributes.has('id') ? whole(element.attributes.get('id')!, 'id') : null,
    memoryMb: Math.round(whole(memory.text, 'memory') * unitOf(memory)),
    cpus: whole(only(element, 'vcpu').text, 'vcpu'),
    link: links[0] === undefined ? null : linkOf(links[0]),
    addresses: [...new Set(links.flatMap(declared))].slice(0, 64),
    agent: at(element, 'devices', 'channel', 'target').some(({ attributes }) => attributes.get('name') === AGENT_PORT),
    disks: at(element, 'devices', 'disk').filter(({ attributes }) => attributes.get('device') !== 'cdrom').length,
  }
}

function linkOf(link: Element): Link | null {
  const name = at(link, 'target')[0]?.attributes.get('dev') ?? ''
  return FACE.test(name) ? { name, bridged: link.attributes.get('type') !== 'ethernet' } : null
}

function declared(link: Element): string[] {
  return at(link, 'filterref', 'parameter').flatMap(({ attributes }) => {
    const value = attributes.get('value') ?? ''
    return attributes.get('name') === 'IP' && isIP(value) !== 0 ? [value] : []
  })
}

function unitOf({ attributes }: Element): number {
  const unit = attributes.get('unit') ?? 'KiB'
  const factor = MB_PER[unit]
  if (factor === undefined) throw new BadXml(`memory in ${JSON.stringify(unit.slice(0, 20))}`)
  return factor
}

function only(element: Element, name: string): Element {
  const [found, ...others] = at(element, name)
  if (found === undefined || others.length > 0) throw new BadXml(`a domain has one <${name}>`)
  return found
}

function whole(text: string, what: string): number {
  if (!/^\s*\d{1,15}\s*$/.test(text)) throw new BadXml(`${what} is no number: ${JSON.stringify(text.slice(0, 30))}`)
  return Number(text)
}

/** libvirt lets a name be nearly anything. */
function shown(name: string, uuid: string): string {
  const kept = name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64)
  return /[A-Za-z0-9]/.test(kept) ? kept : uuid
}
