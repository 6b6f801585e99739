/**
 * Whose answers may say what a name in a rule stands for: the resolvers that somebody wrote into a persona, and those of the
 * settings. What a workload asks elsewhere says nothing, or it would write its own rules.
 */
import { formatAddress, parseAddress, parseCidr } from '../model/address.ts'
import type { Persona } from './effective.ts'

export function trustedResolvers(personas: Iterable<Persona>, resolvers: readonly string[] = []): string[] {
  const servers = [...personas].flatMap(({ spec }) => spec.profile?.dns?.servers ?? [])
  const found = servers.flatMap((text) => {
    const words = parseAddress(text)
    return words === null ? [] : [formatAddress(words)]
  })
  return [...new Set([...found, ...resolvers.filter((text) => parseCidr(text) !== null)])].sort().slice(0, 256)
}
