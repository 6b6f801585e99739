/**
 * The `dns` facet: of a namespace `/etc/netns/NAME/resolv.conf`, which `ip netns exec` binds over /etc/resolv.conf; of a
 * guest its own /etc/resolv.conf; of a container the file that its runtime binds over that.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { DesiredState } from '../../model/desired.ts'
import { findContainer, isContainer } from '../drivers/container/container.ts'
import { guestOf } from '../drivers/qemu/guest-agent.ts'
import { readResolver } from '../drivers/qemu/guest-step.ts'
import { doorOf, type FacetPart, type Place } from '../facet.ts'
import { NAMESPACE_PATH, runStep, type Step } from '../step.ts'

/** The file's text; null = no file. */
export type DnsState = string | null

export const dns: FacetPart<NonNullable<DesiredState['dns']>, DnsState> = {
  facet: 'dns',
  noticed: 'look',
  refusal(place) {
    if (isContainer(place.key) && findContainer(place.key)?.resolver == null)
      return 'its runtime keeps no resolver file for it outside of it'
    return doorOf(place) === null ? 'it has no registered namespace, and no guest agent' : null
  },
  capture,
  wanted: (_, __, wish) => dnsText(wish),
  async converge(place, wanted) {
    if ((await capture(place)) !== wanted) await runStep(dnsStep(place, wanted))
  },
  normalise: (state) => JSON.stringify(state?.trimEnd() ?? null),
  undo: (place, from) => [dnsStep(place, from)],
}

async function capture(place: Place): Promise<DnsState> {
  const guest = place.namespace === null ? guestOf(place.monitor) : null
  if (guest !== null) return readResolver(guest)
  try {
    return readFileSync(resolverPath(place), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function resolverPath({ key, namespace }: Place): string {
  if (isContainer(key)) return findContainer(key)?.resolver ?? noResolver(key)
  if (namespace === null || !NAMESPACE_PATH.test(namespace))
    throw new Error(`not a namespace path of ${key}: ${JSON.stringify(namespace)}`)
  return `/etc/netns/${basename(namespace)}/resolv.conf`
}

function noResolver(key: string): never {
  throw new Error(`${key} has no resolver file that its runtime keeps outside of it`)
}

function dnsText(wish: NonNullable<DesiredState['dns']>): string {
  const search = wish.search.length > 0 ? [`search ${wish.search.join(' ')}`] : []
  return ['# written by guise', ...wish.servers.map((server) => `nameserver ${server}`), ...search, ''].join('\n')
}

function dnsStep(place: Place, text: DnsState): Step {
  const guest = place.namespace === null ? guestOf(place.monitor) : null
  if (guest !== null) return { run: 'guest', guest, write: { what: 'resolver', text } }
  return { run: 'resolver', path: resolverPath(place), text }
}
