/** Before what a person wrote is kept: every secret it names exists, or its place is told. */
import { secretsIn } from '../model/facets/secret.ts'
import type { TenantId } from '../model/ids.ts'
import type { Manifest } from '../model/manifest.ts'
import { type Fault, Problem } from './problem.ts'
import type { RouteDeps } from './route.ts'

export async function refuseUnknownSecrets(
  deps: Pick<RouteDeps, 'store'>,
  tenant: TenantId,
  set: readonly Manifest[],
  faultAt: (index: number, path: readonly (string | number)[], message: string) => Fault,
): Promise<void> {
  const named = set.flatMap((manifest, index) =>
    secretsIn(manifest.spec, ['spec']).map((found) => ({ ...found, index })),
  )
  if (named.length === 0) return
  const known = await deps.store().secrets.newest(tenant)
  const unknown = named.filter(({ name }) => !known.has(name))
  const [first] = unknown
  if (first === undefined) return
  const errors = unknown
    .slice(0, 50)
    .map(({ index, path, name }) =>
      faultAt(index, path, `there is no secret ${name}; make it: guise secret set ${name}`),
    )
  throw new Problem(
    422,
    'secret-missing',
    `There is no secret ${first.name}; nothing was stored.`,
    `Make it first: guise secret set ${first.name} --from-file FILE.`,
    { errors },
  )
}
