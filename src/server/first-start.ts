/** What only the first start does: the shipped personas, policies and sample feeds, the first sign-in link, the local CLI's token. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFirstRun, writeCliToken } from '../api/auth.ts'
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import type { Builtins } from './builtins.ts'

type FirstStart = {
  readonly store: Store
  readonly tenant: TenantId
  readonly home: string
  readonly builtins: Builtins
  readonly clock: () => number
  /** Where the console is reached, for the link. */
  readonly origin: string
}

export async function firstStart({ store, tenant, home, builtins, clock, origin }: FirstStart): Promise<void> {
  const feeds = join(home, 'feeds')
  mkdirSync(feeds, { recursive: true, mode: 0o700 })
  for (const list of builtins.lists) {
    const path = join(feeds, list.name)
    if (!existsSync(path)) writeFileSync(path, list.text, { mode: 0o600 })
  }
  const audit = {
    actor: 'guise',
    action: 'manifests.builtin',
    object: 'examples',
    summary: 'shipped personas, policies and feeds loaded',
  }
  const personas = await store.manifests.all(tenant, 'Persona')
  if (personas.length === 0) {
    const loaded = await store.manifests.apply(
      tenant,
      builtins.manifests.map((manifest) => ({ manifest, ifVersion: null, builtin: true })),
      audit,
    )
    if (!loaded.ok) throw new Error(`load the shipped manifests: ${loaded.code}`)
  }
  await writeCliToken({ store, tenant, home, clock })
  const signIn = await createFirstRun({ store, tenant, clock })
  if (signIn !== null) process.stderr.write(`First sign-in (works once): ${origin}/ui/#token=${signIn.secret}\n`)
}
