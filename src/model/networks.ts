/** Sets of networks asked "is this address in there?" on every flow: home networks, never-block lists. */
import { type Cidr, cidrContains, isV4, parseCidr, type Words } from './address.ts'

/** What is "inside" when nobody said so: private (RFC 1918), shared (RFC 6598), link-local, loopback, unique local (RFC 4193). */
export const DEFAULT_HOME_NETWORKS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
] as const

export type Networks = { covers(words: Words | Uint32Array, at?: number): boolean }

/** Text that is no network is passed over: who takes lists from people refuses them before. */
export function createNetworks(cidrs: readonly string[]): Networks {
  const parsed = cidrs.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== null)
  return { covers: (words, at = 0) => parsed.some((cidr) => cidrContains(cidr, words, at)) }
}

/** Multicast, limited broadcast, unspecified: an address that cannot be one peer. */
export function isGroupAddress(words: Words | Uint32Array, at = 0): boolean {
  if (isV4(words, at)) {
    const v = words[at + 3]!
    return v >>> 28 === 0xe || v === 0xffffffff || v === 0
  }
  return words[at]! >>> 24 === 0xff || (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0
}
