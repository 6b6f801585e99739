/** The domains of a libvirt come out, each as it is now. */
import { type Domain, readDomains } from './domain.ts'
import { UUID } from './door.ts'
import { askLibvirt, named } from './virsh.ts'

const MOST = 1_000

/** Changes when a domain comes, starts, stops or goes; costs one question. */
export function domainsMark(uri: string): Promise<string> {
  return askLibvirt(uri, ['list', '--all'])
}

/** By uuid; null = it is there, and what libvirt says of it is not understood. */
export async function listDomains(uri: string): Promise<ReadonlyMap<string, Domain | null>> {
  const said = await askLibvirt(uri, ['list', '--all', '--uuid'])
  const uuids = said
    .split(/\s+/)
    .filter((one) => UUID.test(one))
    .slice(0, MOST)
  if (uuids.length === 0) return new Map()
  const together = await dump(uri, uuids)
  if (together !== null) return together
  // One went in between, or is not understood: each by itself.
  const each = new Map<string, Domain | null>()
  for (const uuid of uuids) each.set(uuid, (await dump(uri, [uuid]))?.get(uuid) ?? null)
  return each
}

async function dump(uri: string, uuids: readonly string[]): Promise<Map<string, Domain> | null> {
  try {
    const text = await askLibvirt(uri, [uuids.map((uuid) => `dumpxml ${named(uuid)}`).join('; ')])
    return new Map(readDomains(text).map((domain) => [domain.uuid, domain]))
  } catch {
    return null
  }
}
