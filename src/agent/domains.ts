/**
 * The domains of this host's libvirt as workloads, found without being named: those whose link leads here. One that stands
 * stays a workload, with the link it had, until libvirt forgets it; what is known of them is kept in `HOME/domains.json`.
 * libvirt is asked beside everything else: one that does not answer holds nothing up, and changes nothing.
 */
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { forgetLease } from '../enforce/drivers/leases.ts'
import { adoptRunning, adoptStopped, letGo } from '../enforce/drivers/libvirt/adopt.ts'
import type { Domain } from '../enforce/drivers/libvirt/domain.ts'
import { UUID } from '../enforce/drivers/libvirt/door.ts'
import { domainsMark, listDomains } from '../enforce/drivers/libvirt/list.ts'
import { libvirtHere } from '../enforce/drivers/libvirt/virsh.ts'
import { domainKey } from '../enforce/drivers/places.ts'
import { inside } from '../enforce/step.ts'
import { WorkloadReport } from '../model/wire.ts'
import { keep, readKept } from './kept-file.ts'

type Known = ReadonlyMap<string, WorkloadReport>
/** Name of each link of ours, and whether it is part of a bridge. */
type Links = ReadonlyMap<string, { readonly bridged: boolean }>

const LOOK_MS = 2_000
/** A link that was plugged in changes nothing in libvirt's list. */
const WHOLE_LOOK_MS = 30_000
const isKept = Compile(Type.Record(Type.String({ pattern: UUID.source }), WorkloadReport))
const isLinks = Compile(Type.Array(Type.Object({ ifname: Type.String(), master: Type.Optional(Type.String()) })))

/** `named`: what the inventory says already; whoever stands behind one of its links is not told twice. */
export function foundDomains(home: string, named: readonly WorkloadReport[]): WorkloadReport[] {
  const [keys, faces] = [named.map(({ key }) => key), named.flatMap((one) => one.interface ?? [])]
  return [...read(home).values()].filter(
    ({ key, interface: face }) => !keys.includes(key) && (face === null || !faces.includes(face)),
  )
}

/** Calls `changed` when one comes, starts, stops or goes. */
export function watchDomains(home: string, changed: () => void): () => void {
  let [mark, wholeAt, ended] = ['', 0, false]
  const look = async () => {
    const uri = libvirtHere()
    if (uri === null) return
    const now = await domainsMark(uri)
    if (now === mark && performance.now() - wholeAt < WHOLE_LOOK_MS) return
    const didChange = await lookAtDomains(home, uri)
    ;[mark, wholeAt] = [now, performance.now()]
    if (didChange && !ended) changed()
  }
  let timer: NodeJS.Timeout
  const again = () => {
    if (!ended)
      timer = setTimeout(
        () =>
          void look()
            .catch(() => {})
            .finally(again),
        LOOK_MS,
      )
  }
  void look()
    .catch(() => {})
    .finally(again)
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

/** True when what is known of them changed. */
export async function lookAtDomains(home: string, uri: string): Promise<boolean> {
  const before = read(home)
  const [domains, links] = [await listDomains(uri), await linksHere()]
  const after = new Map<string, WorkloadReport>()
  for (const [uuid, domain] of domains) {
    const report = domain === null ? before.get(uuid) : (here(domain, links, before.get(uuid)) ?? undefined)
    if (report !== undefined) after.set(uuid, report)
    if (domain === null || report?.driver !== 'libvirt') continue
    if (domain.id === null) adoptStopped(uuid)
    else adoptRunning(domain, uri)
  }
  for (const uuid of before.keys()) if (!after.has(uuid)) letGo(uuid)
  // Whoever serves a link that is gone would serve whatever gets its name next. A name that can have no lease has none.
  for (const face of leftLinks(before, after, links)) await forgetLease(face).catch(() => {})
  const [old, now] = [Object.fromEntries(before), Object.fromEntries(after)]
  if (JSON.stringify(old) === JSON.stringify(now)) return false
  keep(pathOf(home), now)
  return true
}

/** Links that a domain had which stands or is gone: libvirt took them along, or nobody is behind them. */
export function leftLinks(before: Known, after: Known, links: Links): string[] {
  const held = new Set([...after.values()].map((one) => one.interface))
  const faces = new Set([...before.values()].flatMap((one) => one.interface ?? []))
  return [...faces].filter((face) => !links.has(face) || !held.has(face))
}

/** Null when no link of it leads here, as far as is known. */
export function here(domain: Domain, links: Links, before: WorkloadReport | undefined): WorkloadReport | null {
  const { uuid, name, addresses, link } = domain
  if (domain.id === null) return before === undefined ? null : { ...before, name }
  const end = link === null ? undefined : links.get(link.name)
  if (link === null || end === undefined) return null
  const kind = 'vm' as WorkloadReport['kind']
  // On somebody's bridge nothing can be worn: it is watched.
  const isCarried = !link.bridged && !end.bridged
  const [driver, face] = isCarried ? (['libvirt', link.name] as const) : (['recording', null] as const)
  return { key: domainKey(uuid), name, kind, driver, interface: face, addresses: [...addresses], labels: {} }
}

async function linksHere(): Promise<Links> {
  const links: unknown = JSON.parse(await inside(null, 'ip', ['-j', 'link']))
  if (!isLinks.Check(links)) throw new Error('ip -j link listed something else than links')
  return new Map(links.map(({ ifname, master }) => [ifname, { bridged: master !== undefined }]))
}

const pathOf = (home: string) => join(home, 'domains.json')

function read(home: string): Known {
  const kept = readKept(pathOf(home))
  return new Map(isKept.Check(kept) ? Object.entries(kept) : [])
}
