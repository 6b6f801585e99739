/**
 * Looks at a host from inside its router's namespace, once per line on stdin: what every facet of every workload is after
 * `normalise()`, whether the journal is at rest, and whether the kernel is what the journal says. One line of JSON each.
 * `nsenter --net=… node look.ts INVENTORY HOME`.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readInventory } from '../../src/agent/inventory.ts'
import type { Place } from '../../src/enforce/facet.ts'
import { findEngine } from '../../src/enforce/facets/vpn/engine.ts'
import { PARTS } from '../../src/enforce/facets.ts'
import { openJournal } from '../../src/enforce/journal.ts'
import { keepSecretsIn } from '../../src/enforce/secret-files.ts'
import { verify } from '../../src/enforce/verify.ts'
import { CARRIES } from '../../src/model/facets.ts'
import type { WorkloadReport } from '../../src/model/wire.ts'
import { lingers } from './lingers.ts'
import { rawLook } from './raw.ts'

export type Look = {
  /** `facet of workload` → its normalised state. */
  readonly facets: Readonly<Record<string, string>>
  /** Tables, queues, addresses, routes and files as others see them, without what `REMOVED` names. */
  readonly outside: Readonly<Record<string, string>>
  readonly intent: boolean
  /** Something lingered when the look began. */
  readonly draining: boolean
  /** Sentences of `guise verify`. */
  readonly differences: readonly string[]
}

const [inventoryPath, home] = process.argv.slice(2) as [string, string]
keepSecretsIn(home)
const inventory = readInventory(inventoryPath, 'host', home)

function placeOf({ key, interface: face, addresses }: WorkloadReport): Place {
  const { cgroup = null, root = null, monitor = null } = inventory.places?.get(key) ?? {}
  const bare = addresses.map((text) => text.split('/')[0]!)
  return { key, namespace: inventory.namespaces.get(key) ?? null, face, addresses: bare, cgroup, root, monitor }
}

async function look(): Promise<Look> {
  // Before the facets are looked at, which takes a while: none of them saw an old address when it is over already.
  const draining = lingers(home)
  const facets: Record<string, string> = {}
  const outside: Record<string, string> = {}
  for (const report of inventory.workloads) {
    const place = placeOf(report)
    const carries: readonly string[] = CARRIES[report.driver]
    // What a package manager holds takes seconds to read, and no persona of the range asks for packages.
    for (const part of PARTS)
      if (carries.includes(part.facet) && part.facet !== 'packages')
        facets[`${part.facet} of ${report.name}`] = await part
          .capture(place)
          .then(part.normalise, (error: Error) => `cannot be looked at: ${error.message}`)
    if (place.namespace === null) continue
    outside[`certificates of ${report.name}`] = certificatesIn(`/etc/guise/tls/${place.namespace.split('/').at(-1)!}`)
    const engine = findEngine({ key: place.key, namespace: place.namespace })
    outside[`tunnel of ${report.name}`] = engine === null ? 'no process' : 'a process'
  }
  Object.assign(outside, await rawLook(inventory))
  const { differences, ok } = await verify(home, Date.now())
  const intent = openJournal(home).intent() !== null
  return {
    facets,
    outside,
    intent,
    draining,
    differences: ok ? [] : differences.length > 0 ? differences : ['it is not ok'],
  }
}

/** Byte for byte what a reader of `current` gets. */
function certificatesIn(folder: string): string {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  if (names.length === 0) return 'none'
  return names
    .map((name) => {
      const path = join(folder, name, 'current')
      try {
        const current = join(folder, name, readlinkSync(path))
        const files = readdirSync(current).filter((file) => file.endsWith('.pem'))
        const sums = files.sort().map((file) => `${file} ${sumOf(join(current, file))}`)
        return `${name}: ${sums.join(', ')}`
      } catch (error) {
        return `${name}: ${(error as NodeJS.ErrnoException).code}`
      }
    })
    .join('\n')
}

const sumOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('base64url').slice(0, 12)

for await (const _ of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await look().catch((error: Error) => ({ failed: error.message })))}\n`)
