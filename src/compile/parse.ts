/**
 * What the kernel says it holds (`nft -j list table inet guise`) → who is dispatched where, what is still pending or
 * contained and for how long, and what was counted, by rule id. Reads state, never history: after a crash or on another
 * day it tells `equal` from `different` all the same.
 */
import { CONTAIN, type ContainMap, DISPATCH, type DispatchMap } from './base.ts'
import type { Compiled } from './nft.ts'

/** `remainingMs` is null for an entry without end. The kernel tells nft whole seconds in JSON, rounded down. */
export type Entry = { readonly element: string; readonly chain: string; readonly remainingMs: number | null }
export type Count = { packets: number; bytes: number }

export type ReadBack = {
  /** Hash of the compiled state that is permanent; null when nothing was confirmed. */
  readonly confirmed: string | null
  readonly pending: { readonly hash: string; readonly remainingMs: number } | null
  readonly maps: Readonly<Record<DispatchMap, ReadonlyMap<string, Entry>>>
  readonly pendingMaps: Readonly<Record<DispatchMap, ReadonlyMap<string, Entry>>>
  /** Interface → the class set that holds it, for shifts that are pending as an element of one. */
  readonly shifting: ReadonlyMap<string, { readonly set: string; readonly remainingMs: number | null }>
  readonly contained: Readonly<Record<ContainMap, ReadonlyMap<string, Entry>>>
  readonly reflexes: readonly {
    readonly interface: string | null
    /** Of a device, which shares its interface. */
    readonly own?: string
    readonly peer: string
    readonly remainingMs: number | null
  }[]
  /** Name → comment of each rule, in order; '' where it has none. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  /** Name → elements without end, in nft's own words. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>
  /** By rule id as comments carry it (`Compiled.ruleIds` leads back). */
  readonly counters: ReadonlyMap<string, Count>
  readonly denies: ReadonlyMap<string, Count>
}

type Json = { readonly [name: string]: unknown }
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** null when `json` is no listing of our table (it is not there, or something else answered). */
export function readBack(json: unknown): ReadBack | null {
  const items = isObject(json) ? listOf(json.nftables).filter(isObject) : []
  const table = items.some(
    (item) => isObject(item.table) && item.table.name === 'guise' && item.table.family === 'inet',
  )
  if (!table) return null
  const sets = named(items, 'set')
  const maps = named(items, 'map')
  const chains = new Map<string, string[]>()
  const counters = new Map<string, Count>()
  const denies = new Map<string, Count>()
  for (const name of named(items, 'chain').keys()) chains.set(name, [])
  for (const item of items) {
    if (!isObject(item.rule)) continue
    const { chain, comment, expr } = item.rule
    if (typeof chain !== 'string') continue
    chains.get(chain)?.push(typeof comment === 'string' ? comment : '')
    if (typeof comment !== 'string') continue
    // A match and the deny chain it leads to carry the same comment; each is counted in its own place, once.
    addCount(/^(d_|refuse_)/.test(chain) ? denies : counters, comment, listOf(expr))
  }
  const entries = (name: string) => mapEntries(maps.get(name))
  const stamps = [...setEntries(sets.get('state'))]
  const pending = stamps.find(([, remaining]) => remaining !== null)
  return {
    confirmed: stamps.find(([, remaining]) => remaining === null)?.[0].replaceAll('"', '') ?? null,
    pending: pending === undefined ? null : { hash: pending[0].replaceAll('"', ''), remainingMs: pending[1] ?? 0 },
    maps: record(DISPATCH, entries),
    pendingMaps: record(DISPATCH, (name) => entries(`${name}_pending`)),
    shifting: new Map(
      [...sets].flatMap(([set, json]) =>
        set.startsWith('class_')
          ? [...setEntries(json)].map(([element, remainingMs]) => [element, { set, remainingMs }] as const)
          : [],
      ),
    ),
    contained: record(CONTAIN, entries),
    reflexes: reflexes(sets),
    chains,
    sets: new Map(
      [...sets].map(([name, set]) => [
        name,
        new Set([...setEntries(set)].filter(([, remaining]) => remaining === null).map(([element]) => element)),
      ]),
    ),
    counters,
    denies,
  }
}

/** What the kernel holds other than `compiled`, one sentence each; empty when it is equal. Ignores what is pending. */
export function differences(compiled: Compiled, found: ReadBack): string[] {
  const said: string[] = []
  for (const map of Object.keys(DISPATCH) as DispatchMap[]) {
    const wanted = compiled.maps[map]
    for (const [element, verdict] of wanted) {
      const entry = found.maps[map].get(element)
      if (entry === undefined) said.push(`map ${map} has no entry for ${element}`)
      else if (`goto ${entry.chain}` !== verdict)
        said.push(`map ${map} sends ${element} to ${entry.chain}, not ${verdict.slice(5)}`)
    }
    for (const element of found.maps[map].keys())
      if (!wanted.has(element)) said.push(`map ${map} has an entry for ${element} that no plan made`)
  }
  for (const [name, set] of compiled.sets) {
    const present = found.sets.get(name)
    if (present === undefined) said.push(`set ${name} is missing`)
    else if (set.holds === 'rates') continue
    else if (present.size !== set.elements.size || [...set.elements].some((element) => !present.has(element)))
      said.push(`set ${name} holds ${present.size} elements that are not the ${set.elements.size} planned`)
  }
  for (const [name, lines] of compiled.chains) {
    const comments = found.chains.get(name)
    if (comments === undefined) said.push(`chain ${name} is missing`)
    else if (comments.join('\n') !== lines.map(commentOf).join('\n')) said.push(`chain ${name} was changed`)
  }
  return said
}

/**
 * Names of chains and sets that a plan may have made, for `collectGarbage`. A containment outlives the plan that was
 * undone around it, so while one holds, what its chain may refer to is left alone.
 */
export function presentNames(found: ReadBack): { chains: string[]; sets: string[] } {
  const holding = new Set(Object.values(found.contained).flatMap((map) => [...map.values()].map(({ chain }) => chain)))
  const kept = (name: string) => holding.has(name) || (holding.size > 0 && /^(d_|limit_|set_guise_never_)/.test(name))
  return {
    chains: [...found.chains.keys()].filter((name) => /^[cdefiklnrt]_[0-9a-f]{16}$/.test(name) && !kept(name)),
    sets: [...found.sets.keys()].filter((name) => /^(set|limit|class)_/.test(name) && !kept(name)),
  }
}

function commentOf(line: string): string {
  return /comment "([^"]*)"$/.exec(line)?.[1] ?? ''
}

function named(items: readonly Json[], kind: 'set' | 'map' | 'chain'): Map<string, Json> {
  const found = new Map<string, Json>()
  for (const item of items) {
    const object = item[kind]
    if (isObject(object) && typeof object.name === 'string') found.set(object.name, object)
  }
  return found
}

function record<T extends object, V>(names: T, value: (name: keyof T & string) => V): Record<keyof T, V> {
  const keys = Object.keys(names) as (keyof T & string)[]
  return Object.fromEntries(keys.map((name) => [name, value(name)])) as Record<keyof T, V>
}

/** `"a"`, `{elem: {val: "a", expires: 2}}` or a concatenation of either, back into the words that nft reads. */
function readElement(raw: unknown, quoted: readonly boolean[]): [string, number | null] {
  const elem = isObject(raw) && isObject(raw.elem) ? raw.elem : null
  const value = elem === null ? raw : elem.val
  const remaining = typeof elem?.timeout === 'number' ? Number(elem.expires ?? 0) * 1_000 : null
  const parts = isObject(value) && Array.isArray(value.concat) ? value.concat : [value]
  return [parts.map((part, i) => (quoted[i] ? `"${String(part)}"` : String(part))).join(' . '), remaining]
}

function quotedParts(object: Json): boolean[] {
  return (Array.isArray(object.type) ? object.type : [object.type]).map((type) => type === 'ifname')
}

function setEntries(set: Json | undefined): Map<string, number | null> {
  if (set === undefined) return new Map()
  const quoted = quotedParts(set)
  return new Map(listOf(set.elem).map((raw) => readElement(raw, quoted)))
}

function mapEntries(map: Json | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  if (map === undefined) return entries
  const quoted = quotedParts(map)
  for (const pair of listOf(map.elem)) {
    const [raw, verdict] = listOf(pair)
    const jump = isObject(verdict) ? (verdict.goto ?? verdict.jump) : undefined
    const chain = isObject(jump) && typeof jump.target === 'string' ? jump.target : ''
    const [element, remainingMs] = readElement(raw, quoted)
    entries.set(element, { element, chain, remainingMs })
  }
  return entries
}

function reflexes(sets: ReadonlyMap<string, Json>): ReadBack['reflexes'] {
  const forwarded = ['reflex4', 'reflex6'].flatMap((name) =>
    [...setEntries(sets.get(name))].map(([element, remainingMs]) => {
      const [face, peer] = element.split(' . ')
      return { interface: face!.replaceAll('"', ''), peer: peer ?? '', remainingMs }
    }),
  )
  const devices = ['reflex_dev4', 'reflex_dev6'].flatMap((name) =>
    [...setEntries(sets.get(name))].map(([element, remainingMs]) => {
      const [face = '', own = '', peer = ''] = element.split(' . ')
      return { interface: face.replaceAll('"', ''), own, peer, remainingMs }
    }),
  )
  const host = ['reflex_host4', 'reflex_host6'].flatMap((name) =>
    [...setEntries(sets.get(name))].map(([peer, remainingMs]) => ({ interface: null, peer, remainingMs })),
  )
  return [...forwarded, ...devices, ...host]
}

function addCount(counts: Map<string, Count>, id: string, expr: readonly unknown[]): void {
  for (const part of expr) {
    if (!isObject(part) || !isObject(part.counter)) continue
    const count = counts.get(id) ?? { packets: 0, bytes: 0 }
    count.packets += Number(part.counter.packets ?? 0)
    count.bytes += Number(part.counter.bytes ?? 0)
    counts.set(id, count)
  }
}
