/**
 * The `packages` facet: Debian packages in the workload's own root, by name, or by name and version, which pins it there. Guise
 * only adds packages and only changes what it added; what was there before it stays as it is.
 */
import { type Static, Type } from 'typebox'

/** Debian Policy 5.6.1 and 5.6.12; a name that ends in `-` would mean removal to apt. */
export const PACKAGE = '^[a-z0-9][a-z0-9.+-]{0,62}[a-z0-9+](?:=[A-Za-z0-9][A-Za-z0-9.+:~-]{0,63})?$'

export const Packages = Type.Array(Type.String({ pattern: PACKAGE, description: 'name, or name=version' }), {
  minItems: 1,
  maxItems: 50,
})
export type Packages = Static<typeof Packages>

export function packagesWish(said: Packages): Packages {
  return [...said].sort()
}

/** `version` null = any that is there, else the newest. */
export function packageOf(text: string): { readonly name: string; readonly version: string | null } {
  const [name = '', version = null] = text.split('=')
  return { name, version }
}

/** May a host whose floor lists `allowed` hold this one? */
export function isListed(allowed: readonly string[], name: string, version: string | null): boolean {
  return allowed.includes(name) || (version !== null && allowed.includes(`${name}=${version}`))
}
