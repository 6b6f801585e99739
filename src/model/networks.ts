/** Sets of networks asked "is this address in there?" on every flow: home networks, never-block lists. */
import { type Cidr, cidrContains, isV4, parseCidr, type Words } from './address.ts'
import { type AddressTable, createAddressTable } from './address-table.ts'

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

export type Networks = {
  covers(words: Words | Uint32Array, at?: number): boolean
  /** Where the answers may change, it does so with them: who keeps answers asks again then. */
  readonly version?: number
}

/** Up to here looking at each is quicker than hashing the address once per prefix length. */
const FEW = 32

/**
 * Text that is no network is passed over: who takes lists from people refuses them before. Families are apart, as they are in
 * the kernel: `::/0` is IPv6 alone, although mapped addresses lie within it.
 */
export function createNetworks(cidrs: readonly string[]): Networks {
  const parsed = cidrs.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== null)
  if (parsed.length > FEW) return hashedNetworks(parsed)
  const others = parsed.filter((cidr) => !isWithinV4(cidr))
  const v4 = parsed.filter(isWithinV4)
  const bases = Uint32Array.from(v4, ({ base }) => base[3])
  const masks = Uint32Array.from(v4, ({ length }) => prefixMasks(length)[3]!)
  return {
    covers(words, at = 0) {
      if (isV4(words, at)) {
        const address = words[at + 3]!
        for (let i = 0; i < bases.length; i++) if ((address & masks[i]!) >>> 0 === bases[i]) return true
        return false
      }
      for (let i = 0; i < others.length; i++) if (cidrContains(others[i]!, words, at)) return true
      return false
    },
  }
}

/** A prefix of IPv4 addresses: the first three words say no more than that. */
const isWithinV4 = ({ base, length }: Cidr) => length >= 96 && isV4(base)

function hashedNetworks(cidrs: readonly Cidr[]): Networks {
  const levels = new Map<number, AddressTable>()
  for (const { base, length } of cidrs) {
    const level = levels.get(length) ?? createAddressTable(cidrs.length)
    levels.set(length, level)
    level.intern(base, 0)
  }
  const tables = [...levels].map(([length, table]) => ({ length, masks: prefixMasks(length), table }))
  const masked = new Uint32Array(4)
  return {
    covers(words, at = 0) {
      const least = isV4(words, at) ? 96 : 0
      for (const { length, masks, table } of tables) {
        if (length < least) continue
        for (let i = 0; i < 4; i++) masked[i] = words[at + i]! & masks[i]!
        if (table.find(masked, 0) >= 0) return true
      }
      return false
    },
  }
}

/** The four words of a prefix's mask; `length` counts in the 128-bit form. */
export function prefixMasks(length: number): Uint32Array {
  return Uint32Array.from([0, 1, 2, 3], (i) => {
    const bits = Math.min(32, Math.max(0, length - i * 32))
    return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  })
}

/** Multicast, limited broadcast, unspecified: an address that cannot be one peer. */
export function isGroupAddress(words: Words | Uint32Array, at = 0): boolean {
  if (isV4(words, at)) {
    const v = words[at + 3]!
    return v >>> 28 === 0xe || v === 0xffffffff || v === 0
  }
  return words[at]! >>> 24 === 0xff || (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0
}
