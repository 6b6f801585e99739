/**
 * What others see of a host from its router's namespace, by programs that are not ours, as text without what says nothing
 * (`REMOVED`, golden text beside it): a second opinion on what the facets say of themselves.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Inventory } from '../../src/enforce/snapshot.ts'
import { command, inside } from '../../src/enforce/step.ts'
import { comparable } from '../kill/range.ts'

/** What is removed, from the listing of what, and why it says nothing. */
export const REMOVED: readonly (readonly [listing: string, field: RegExp, why: string])[] = [
  ['tc', /refcnt \d+ ?|direct_packets_stat \d+ ?|index \d+.*|fh \S+ ?/g, 'counts packets and numbers objects'],
  [
    'address',
    /^\d+: |@if\d+|link-netns(id)? \S+|link\/ether \S+ brd \S+|state \S+|qlen \d+|valid_lft \S+| nodad/gm,
    'numbers that the kernel gives',
  ],
  ['address', /^ +inet6 fe80:.*$/gm, "link-local addresses follow from the kernel's own MAC"],
  ['route', /expires \d+sec/g, 'ticks'],
]
const TABLES = ['inet guise', 'inet guise_nat', 'inet guise_redirect']
const LIMITS = ['cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us', 'cpu/cpu.shares', 'memory/memory.limit_in_bytes']
const LIMITS_V2 = ['cpu.max', 'cpu.weight', 'memory.max']

function without(listing: string, text: string): string {
  let left = text
  for (const [of, field] of REMOVED) if (of === listing) left = left.replace(field, '')
  // In the order of the kernel's hash tables, or of making.
  const kept = left
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return kept.sort().join('\n')
}

export async function rawLook(inventory: Inventory): Promise<Record<string, string>> {
  const seen: Record<string, string> = {}
  for (const table of TABLES)
    seen[`table ${table}`] = await command('nft', ['-j', 'list', 'table', ...table.split(' ')]).then(
      (json) => comparable(JSON.parse(json) as { nftables: object[] }),
      (error: Error) => {
        // ENOENT in nft's words; whatever else fails is no look.
        if (error.message.includes('No such file or directory')) return 'none'
        throw error
      },
    )
  const queues = await command('tc', ['qdisc', 'show'])
  const devices = [...new Set([...queues.matchAll(/ dev (\S+) /g)].map((match) => match[1]!))].sort()
  const asked = devices.flatMap((one) => [`class show dev ${one}`, `filter show dev ${one} ingress`])
  seen.queues = without('tc', queues)
  seen.shapes = without('tc', await command('tc', ['-batch', '-'], `${asked.join('\n')}\n`))
  for (const place of [null, ...new Set(inventory.namespaces.values())]) {
    const name = place === null ? 'router' : basename(place)
    const show = (...argv: string[]) => inside(place, 'ip', argv)
    seen[`addresses of ${name}`] = without('address', await show('addr'))
    seen[`routes of ${name}`] = without('route', `${await show('route')}${await show('-6', 'route')}`)
    const resolver = `/etc/netns/${name}/resolv.conf`
    seen[`resolver of ${name}`] = existsSync(resolver) ? readFileSync(resolver, 'utf8') : 'none'
  }
  for (const [key, { cgroup }] of inventory.places ?? [])
    if (cgroup !== undefined && cgroup !== null) seen[`limits of ${key}`] = limitsOf(cgroup)
  return seen
}

function limitsOf(cgroup: string): string {
  const v1 = LIMITS.map((path) => {
    const [controller = '', file = ''] = path.split('/')
    return join('/sys/fs/cgroup', controller, cgroup, file)
  })
  const v2 = LIMITS_V2.map((file) => join('/sys/fs/cgroup', cgroup, file))
  const there = [...v1, ...v2].filter((path) => existsSync(path))
  return there.map((path) => `${path} ${readFileSync(path, 'utf8').trim()}`).join('\n')
}
