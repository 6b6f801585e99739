/** The facets that name secrets: the newest version of each, or the reason why what was worn before stays. */
import type { DesiredState } from '../model/desired.ts'
import { type SecretBook, withSecrets } from '../model/facets/secret.ts'
import { tlsFaults } from '../model/facets/tls.ts'
import { vpnFaults } from '../model/facets/vpn.ts'
import type { Profile } from '../model/persona.ts'
import type { Why } from '../model/why.ts'

type Facets = Pick<DesiredState, 'vpn' | 'tls'>

/** `missing` names secrets that are not there (any more); the facet stays as it is in force, if it is. */
export function secretFacets(
  profile: Profile | undefined,
  before: DesiredState | null,
  book: SecretBook,
): { readonly facets: Facets; readonly missing: readonly Why[] } {
  const vpn = resolved<NonNullable<Facets['vpn']>>(profile?.vpn, before?.vpn, book)
  const tls = resolved<NonNullable<Facets['tls']>>(profile?.tls, before?.tls, book)
  return {
    facets: {
      ...(vpn.facet === undefined ? {} : { vpn: vpn.facet }),
      ...(tls.facet === undefined ? {} : { tls: tls.facet }),
    },
    missing: [...vpn.missing, ...tls.missing].map((name) => ({
      rule: 'secret-missing',
      text: `there is no secret ${name}, so what needs it stays as it is; make it with guise secret set ${name}`,
    })),
  }
}

function resolved<Facet>(wish: unknown, before: Facet | undefined, book: SecretBook) {
  if (wish === undefined) return { facet: undefined, missing: [] }
  const found = withSecrets<Facet>(wish, book)
  return found.ok ? { facet: found.value, missing: [] } : { facet: before, missing: found.missing }
}

type Add = (path: readonly (string | number)[], why: string, cure: string) => void

/** What a schema cannot say of them. */
export function checkSecretFacets({ vpn, tls }: Profile, add: Add): void {
  for (const { path, why, cure } of vpn === undefined ? [] : vpnFaults(vpn))
    add(['spec', 'profile', 'vpn', ...path], why, cure)
  for (const { path, why, cure } of tls === undefined ? [] : tlsFaults(tls))
    add(['spec', 'profile', 'tls', ...path], why, cure)
}
