/**
 * Table `inet guise_nat`: what a workload is seen as, where it is reached, and its band on shared links. The rules never
 * change; what is worn are elements, each named after the link of the workload it belongs to. Translation is decided by a
 * flow's first packet (conntrack keeps it), so live flows keep what they had. No element, no table.
 */
import { listedObjects } from './load.ts'
import { runStep, type Step } from './step.ts'

const TABLE = 'inet guise_nat'

export type SideMap = 'egress4' | 'egress6' | 'except4' | 'except6' | 'publish4' | 'publish6' | 'rank'
/** As nft prints them, without quotes. `owner` is the link; `value` is null in a set. */
export type Entry = {
  readonly map: SideMap
  readonly key: string
  readonly value: string | null
  readonly owner: string
}

const MAPS: Readonly<Record<SideMap, string>> = {
  egress4: 'map egress4 { type ifname : ipv4_addr; }',
  egress6: 'map egress6 { type ifname : ipv6_addr; }',
  except4: 'set except4 { type ifname . ipv4_addr; flags interval; }',
  except6: 'set except6 { type ifname . ipv6_addr; flags interval; }',
  publish4: 'map publish4 { type inet_proto . inet_service : ipv4_addr . inet_service; }',
  publish6: 'map publish6 { type inet_proto . inet_service : ipv6_addr . inet_service; }',
  rank: 'map rank { typeof iifname : meta priority; }',
}
const PUBLISH = ['ip', 'ip6'].map(
  (family, i) => `fib daddr type local dnat ${family} to meta l4proto . th dport map @publish${i === 0 ? 4 : 6}`,
)
/** `-100` = dstnat, a name that nft 1.0.6 does not know at `output`. */
const CHAINS: Readonly<Record<string, readonly [hook: string, rules: readonly string[]]>> = {
  prerouting: ['type nat hook prerouting priority -100', PUBLISH],
  output: ['type nat hook output priority -100', PUBLISH],
  postrouting: [
    'type nat hook postrouting priority 100',
    [
      'iifname . ip daddr @except4 accept',
      'iifname . ip6 daddr @except6 accept',
      'snat ip to iifname map @egress4',
      'snat ip6 to iifname map @egress6',
    ],
  ],
  rank_out: ['type filter hook postrouting priority -150', ['meta priority set iifname map @rank']],
}

const comment = (chain: string, i: number) => `guise/${chain}-${i}`

/** Declares what is missing and writes the rules anew, in the transaction it is part of. */
function baseText(): string {
  const chains = Object.entries(CHAINS)
  return [
    `table ${TABLE} {`,
    ...Object.values(MAPS).map((map) => `  ${map}`),
    ...chains.map(([name, [hook]]) => `  chain ${name} { ${hook}; policy accept; }`),
    '}',
    ...chains.flatMap(([name, [, rules]]) => [
      `flush chain ${TABLE} ${name}`,
      ...rules.map((rule, i) => `add rule ${TABLE} ${name} ${rule} comment "${comment(name, i)}"`),
    ]),
    '',
  ].join('\n')
}

type Found = { readonly entries: readonly Entry[]; readonly rulesHold: boolean }

/** What these maps do for one link: nothing, when somebody changed the rules that read them. */
export async function entriesOf(maps: readonly SideMap[], owner: string): Promise<Entry[]> {
  const found = await read()
  if (found === null || !found.rulesHold) return []
  return found.entries.filter((entry) => maps.includes(entry.map) && entry.owner === owner)
}

/** These maps hold exactly `wanted` for one link afterwards: one transaction. */
export async function writeEntries(maps: readonly SideMap[], owner: string, wanted: readonly Entry[]): Promise<void> {
  const found = await read()
  const all = found?.entries ?? []
  const mine = all.filter((entry) => maps.includes(entry.map) && entry.owner === owner)
  const [gone, fresh] = [without(mine, wanted), without(wanted, mine)]
  if (found !== null && all.length === gone.length && wanted.length === 0)
    return runStep({ run: 'nft', text: `delete table ${TABLE}\n` })
  const isBroken = found === null ? wanted.length > 0 : !found.rulesHold
  if (gone.length + fresh.length === 0 && !isBroken) return
  await runStep({ run: 'nft', text: `${isBroken ? baseText() : ''}${deleteText(gone)}${addText(fresh)}` })
}

/** Is everything that these maps should say for this link said by rules that hold? */
export async function entriesHold(maps: readonly SideMap[], owner: string, wanted: readonly Entry[]): Promise<boolean> {
  const found = await read()
  if (found === null) return wanted.length === 0
  const mine = found.entries.filter((entry) => maps.includes(entry.map) && entry.owner === owner)
  const isEmpty = found.entries.length === 0
  return without(mine, wanted).length + without(wanted, mine).length === 0 && found.rulesHold && !isEmpty
}

/** The change from `from` to `to` was one transaction, so either all of `to` is there or none of it. */
export function undoEntries(from: readonly Entry[], to: readonly Entry[]): Step[] {
  const [gone, back] = [without(to, from), without(from, to)]
  if (gone.length + back.length === 0) return []
  return [
    { run: 'nft', text: deleteText(gone), lenient: true },
    { run: 'nft', text: from.length === 0 ? '' : `${baseText()}${addText(back)}`, lenient: true },
  ]
}

const identity = ({ map, key, value, owner }: Entry) => JSON.stringify([map, key, value, owner])

function without(entries: readonly Entry[], others: readonly Entry[]): Entry[] {
  const there = new Set(others.map(identity))
  return entries.filter((entry) => !there.has(identity(entry)))
}

function deleteText(entries: readonly Entry[]): string {
  return entries.map((entry) => `delete element ${TABLE} ${entry.map} { ${written(entry)} }\n`).join('')
}

function addText(entries: readonly Entry[]): string {
  return entries
    .map((entry) => {
      const { map, value, owner } = entry
      const named = `${written(entry)} comment "${owner}"`
      return `add element ${TABLE} ${map} { ${value === null ? named : `${named} : ${value}`} }\n`
    })
    .join('')
}

/** In nft's language the name of an interface is quoted; addresses, ports and protocols are not. */
function written({ map, key }: Entry): string {
  return map.startsWith('publish') ? key : key.replace(/^[^ ]+/, '"$&"')
}

/** null = no such table. */
async function read(): Promise<Found | null> {
  const objects = await listedObjects<Listed>(TABLE)
  if (objects === null) return null
  const comments = new Map<string, string[]>(Object.keys(CHAINS).map((chain) => [chain, []]))
  const entries: Entry[] = []
  for (const { rule, map, set } of objects) {
    if (rule !== undefined) comments.set(rule.chain!, [...(comments.get(rule.chain!) ?? []), rule.comment ?? ''])
    const elements = map ?? set
    if (elements !== undefined)
      for (const one of elements.elem ?? []) entries.push(entryOf(elements.name as SideMap, one))
  }
  const rulesHold = [...comments].every(
    ([chain, found]) => found.join() === (CHAINS[chain]?.[1] ?? []).map((_, i) => comment(chain, i)).join(),
  )
  return { entries, rulesHold }
}

type Listed = { readonly name?: string; readonly chain?: string; readonly comment?: string; readonly elem?: unknown[] }
type Element = { readonly elem: { readonly val: unknown; readonly comment?: string } }

function entryOf(map: SideMap, listed: unknown): Entry {
  const [key, value] = map.startsWith('except') ? [listed, null] : (listed as [unknown, unknown])
  const { val, comment: owner = '' } = (key as Element).elem ?? { val: key }
  return { map, key: wordOf(val), value: value === null ? null : wordOf(value), owner }
}

function wordOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { concat, prefix } = value as { concat?: unknown[]; prefix?: { addr: string; len: number } }
  if (concat !== undefined) return concat.map(wordOf).join(' . ')
  return prefix === undefined ? JSON.stringify(value) : `${prefix.addr}/${prefix.len}`
}
