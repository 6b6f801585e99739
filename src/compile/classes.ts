/**
 * Quick shifts. A verdict in a map that changes makes the kernel walk every chain that any element of the table leads to
 * (nf_tables_api.c, nft_table_validate): a few milliseconds for 5,000 workloads, however little changed. So each pair of
 * rule lists that is worn has a set besides, empty at rest, and chains with one rule per set: a pending shift to a worn pair
 * is the interface as an element of that set, a plain value, which costs the same in a table of any size. The confirmation
 * writes the map, when nobody waits for it.
 */
import { type DispatchMap, SHIFTS, type ShiftMap } from './base.ts'
import { type Chains, classChain } from './chains.ts'
import { digest } from './words.ts'

/** One rule each, which a packet of a shifting workload may have to pass; beyond, a shift is a verdict in the pending maps. */
const MOST_CLASSES = 64

/** `EGRESS INGRESS`, verdicts as the maps hold them → name of the set. */
export type Classes = ReadonlyMap<string, string>

export function classOf(egress: string, ingress: string): string {
  return `${egress} ${ingress}`
}

/** Fills the maps that lead to the chains. By name and not by use, so that a shift alone never changes them. */
export function compileClasses(chains: Chains, maps: Readonly<Record<DispatchMap, Map<string, string>>>): Classes {
  const seen = new Map<string, Set<string>>()
  for (const [element, egress] of maps.eg) {
    const ingress = maps.ing.get(element)!
    const partners = seen.get(egress)
    if (partners === undefined) seen.set(egress, new Set([ingress]))
    else partners.add(ingress)
  }
  const pairs = new Map<string, { readonly set: string; readonly egress: string; readonly ingress: string }>()
  for (const [egress, all] of seen)
    for (const ingress of all) {
      const pair = classOf(egress, ingress)
      pairs.set(pair, { set: `class_${digest(pair)}`, egress, ingress })
    }
  const kept = [...pairs].sort(([, a], [, b]) => (a.set < b.set ? -1 : 1)).slice(0, MOST_CLASSES)
  if (kept.length === 0) return new Map()
  for (const map of Object.keys(SHIFTS) as ShiftMap[]) {
    const end = map.startsWith('shift_eg') ? 'egress' : 'ingress'
    const lines = kept.map(([, pair]) => `${SHIFTS[map]} @${pair.set} ${pair[end]}`)
    for (const family of ['ipv4', 'ipv6']) maps[map].set(family, `goto ${classChain(chains, lines)}`)
  }
  return new Map(kept.map(([pair, { set }]) => [pair, set]))
}
