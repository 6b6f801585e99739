/**
 * Two compiled tables → one nft transaction. How a change lives and ends:
 *
 *     compileDelta(before, after, {pendingMs, now})   chains, sets; entries into *_pending, interfaces into the sets of
 *       │                                             what they will wear (classes.ts), with a timeout
 *       ├─ nobody does anything  → the kernel drops the timed entries: `before` holds again, to the packet
 *       ├─ confirmDelta(before, after, now)           entries become permanent, what `before` alone needed goes
 *       └─ revertDelta(before, after, now)            entries go, what `after` alone needed goes
 *
 * `pendingMs: null` writes the permanent maps at once. `before: null` means that no table is there (or that nobody
 * knows what it holds): the text then replaces the table as a whole, and undoing means that our interfaces become
 * foreign again. While a change is pending, removals from sets and of interfaces wait for the confirmation, because the
 * kernel can forget an entry by itself but not remember one. Containment is never pending: it is written with what is
 * left of its own time, and a release waits for the confirmation.
 *
 * Every text assumes that the pending maps hold nothing of a third plan: revert or confirm that first.
 */
import { baseText, CONTAIN, DISPATCH, type DispatchMap, MEMBER_SETS, MOST_SHIFTED, TABLE } from './base.ts'
import { classOf } from './classes.ts'
import type { Compiled, CompiledSet, Contained } from './nft.ts'

const MAPS = Object.keys(DISPATCH) as DispatchMap[]
/** nft reads a line of any length; this only keeps texts readable and its parser's stack small. */
const ELEMENTS_PER_LINE = 2_000
/** Interfaces are ours only while these hold them, so their timeout undoes a first load. */
const MEMBERSHIP = ['ours', 'ours_host', 'shared', 'state']

export function compileDelta(
  before: Compiled | null,
  after: Compiled,
  options: { readonly pendingMs: number | null; readonly now: number },
): string {
  const { pendingMs, now } = options
  if (before === null || before.enforce !== after.enforce) return fullText(after, options)
  const text = [flushPending(before), structures(before, after)]
  if (pendingMs === null) {
    text.push(permanent(before, after), containments(after.contained, now), prune(before, after))
  } else {
    text.push(additions(before, after, pendingMs), pendingEntries(before, after, pendingMs))
    text.push(containments(joined(before.contained, after.contained), now))
  }
  return text.join('')
}

/** Makes what is pending permanent. With `before: null` it loads the whole table anew: use it when history is lost. */
export function confirmDelta(before: Compiled | null, after: Compiled, now: number): string {
  if (before === null || before.enforce !== after.enforce) return fullText(after, { pendingMs: null, now })
  return [
    flushPending(before, after),
    permanent(before, after),
    containments(after.contained, now),
    prune(before, after),
  ].join('')
}

/** Takes back what is pending, before or after its time. A confirmed change is undone by `compileDelta(after, before)`. */
export function revertDelta(before: Compiled | null, after: Compiled, now: number): string {
  if (before === null) return removeText()
  if (before.enforce !== after.enforce) return fullText(before, { pendingMs: null, now })
  const text = [flushPending(before, after)]
  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old === undefined) continue
    const added = missing(set, old)
    // The kernel may have dropped them already: adding what is there does nothing, and then the delete cannot fail.
    text.push(elements('add', name, added), elements('delete', name, added))
  }
  text.push(containments(before.contained, now), prune(after, before))
  return text.join('')
}

/** The table as a whole, in one transaction. Loses counters and reflex entries; nothing passes in between. */
export function fullText(
  after: Compiled,
  options: { readonly pendingMs: number | null; readonly now: number },
): string {
  const { pendingMs, now } = options
  const text = [removeText(), baseText(after.enforce), declareNew(new Set(), after)]
  for (const [name, set] of after.sets)
    text.push(elements('add', name, [...set.elements], MEMBERSHIP.includes(name) ? pendingMs : null))
  for (const map of MAPS) {
    const name = pendingMs === null ? map : `${map}_pending`
    text.push(mapElements(name, [...after.maps[map]], pendingMs))
  }
  text.push(containments(after.contained, now))
  return text.join('')
}

/** Removes everything of ours and nothing else; also when there is nothing (nft 1.0.6 knows no `destroy`). */
export function removeText(): string {
  return `add table ${TABLE}\ndelete table ${TABLE}\n`
}

/** What `keep` does not need of `present` (`presentNames`): what a change that the kernel undid leaves behind. */
export function collectGarbage(
  keep: Compiled,
  present: { readonly chains: Iterable<string>; readonly sets: Iterable<string> },
): string {
  const chains = [...present.chains].filter((name) => !keep.chains.has(name))
  const sets = [...present.sets].filter((name) => !keep.sets.has(name))
  return chains.length + sets.length === 0 ? '' : flushPending(keep) + removeStructures(chains, sets)
}

/** Of tables whose sets are all there: those of a change to come are not. */
function flushPending(...tables: readonly Compiled[]): string {
  const classes = new Set(tables.flatMap((table) => [...table.classes.values()]))
  return [
    ...MAPS.map((map) => `flush map ${TABLE} ${map}_pending\n`),
    ...['shifted', ...classes].map((name) => `flush set ${TABLE} ${name}\n`),
  ].join('')
}

function structures(before: Compiled, after: Compiled): string {
  return declareNew(new Set([...before.chains.keys(), ...before.sets.keys()]), after, before)
}

/** New chains and sets are emptied first: a change that the kernel undid may have left them behind. */
function declareNew(known: ReadonlySet<string>, after: Compiled, before?: Compiled): string {
  const sets = [...after.sets].filter(([name]) => !known.has(name) && !(name in MEMBER_SETS))
  const chains = [...after.chains].filter(([name]) => !known.has(name))
  if (sets.length + chains.length === 0) return ''
  const text = sets.map(([name, set]) => `add set ${TABLE} ${name} { ${setFlags(set)} }\n`)
  if (before !== undefined) {
    text.push(...sets.map(([name]) => `flush set ${TABLE} ${name}\n`))
    text.push(...chains.map(([name]) => `add chain ${TABLE} ${name}\nflush chain ${TABLE} ${name}\n`))
    for (const [name, set] of sets) text.push(elements('add', name, [...set.elements]))
  }
  if (chains.length > 0) {
    const blocks = chains.map(
      ([name, lines]) => `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }`,
    )
    text.push(`table ${TABLE} {\n${blocks.join('\n')}\n}\n`)
  }
  return text.join('')
}

/** Rates of an interface that was quiet for a minute are full again anyway. */
function setFlags({ type, holds }: CompiledSet): string {
  return holds === 'members'
    ? `type ${type}; flags timeout;`
    : `type ${type}; size 65535; flags dynamic,timeout; timeout 1m;`
}

function additions(before: Compiled, after: Compiled, pendingMs: number): string {
  const text: string[] = []
  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old !== undefined) text.push(elements('add', name, missing(set, old), pendingMs))
  }
  return text.join('')
}

function pendingEntries(before: Compiled, after: Compiled, pendingMs: number): string {
  const { maps, classes } = after
  const differing = new Map(MAPS.map((map) => [map, changed(before, after, map)]))
  const shifts = new Map<string, string[]>()
  const quick = new Set<string>()
  for (const [face] of [...differing.get('eg')!, ...differing.get('ing')!]) {
    const name = classes.get(classOf(maps.eg.get(face)!, maps.ing.get(face)!))
    if (name === undefined || quick.has(face) || quick.size === MOST_SHIFTED) continue
    quick.add(face)
    const faces = shifts.get(name)
    if (faces === undefined) shifts.set(name, [face])
    else faces.push(face)
  }
  const text = [...shifts].map(([name, faces]) => elements('add', name, faces, pendingMs))
  text.push(elements('add', 'shifted', [...quick], pendingMs))
  for (const [map, entries] of differing) {
    const rest = map === 'eg' || map === 'ing' ? entries.filter(([face]) => !quick.has(face)) : entries
    text.push(mapElements(`${map}_pending`, rest, pendingMs))
  }
  return text.join('')
}

function permanent(before: Compiled, after: Compiled): string {
  const text: string[] = []
  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old === undefined) continue
    const added = missing(set, old)
    // Added anew, because re-adding does not lift a timeout; the first add is for entries whose time is over.
    for (const verb of ['add', 'delete', 'add'] as const) text.push(elements(verb, name, added))
    text.push(elements('delete', name, missing(old, set)))
  }
  for (const map of MAPS) {
    const entries = changed(before, after, map)
    const old = before.maps[map]
    const gone = [...old.keys()].filter((key) => !after.maps[map].has(key))
    const replaced = entries.map(([key]) => key).filter((key) => old.has(key))
    text.push(elements('delete', map, [...gone, ...replaced]), mapElements(map, entries, null))
  }
  return text.join('')
}

function changed(before: Compiled, after: Compiled, map: DispatchMap): [string, string][] {
  return [...after.maps[map]].filter(([key, verdict]) => before.maps[map].get(key) !== verdict)
}

function missing(set: CompiledSet, from: CompiledSet): string[] {
  return set === from ? [] : [...set.elements].filter((element) => !from.elements.has(element))
}

/** Flushed and written whole: an entry may have ended meanwhile, and an entry's time cannot be changed in place. */
function containments(contained: readonly Contained[], now: number): string {
  const text = Object.keys(CONTAIN).map((map) => `flush map ${TABLE} ${map}\n`)
  for (const { map, element, chain, until } of contained)
    if (until > now)
      text.push(`add element ${TABLE} ${map} { ${element} timeout ${timeText(until - now)} : jump ${chain} }\n`)
  return text.join('')
}

/** `after` decides; what it would release stays until it is confirmed. */
function joined(before: readonly Contained[], after: readonly Contained[]): Contained[] {
  const held = new Set(after.map(({ map, element }) => `${map} ${element}`))
  return [...after, ...before.filter(({ map, element }) => !held.has(`${map} ${element}`))]
}

function prune(before: Compiled, after: Compiled): string {
  return removeStructures(
    [...before.chains.keys()].filter((name) => !after.chains.has(name)),
    [...before.sets.keys()].filter((name) => !after.sets.has(name)),
  )
}

/** Emptied first, all of them: a chain or set that a rule refers to cannot be deleted. */
function removeStructures(chains: readonly string[], sets: readonly string[]): string {
  return [
    ...chains.map((name) => `flush chain ${TABLE} ${name}\n`),
    ...chains.map((name) => `delete chain ${TABLE} ${name}\n`),
    ...sets.map((name) => `delete set ${TABLE} ${name}\n`),
  ].join('')
}

function elements(
  verb: 'add' | 'delete',
  name: string,
  list: readonly string[],
  timeoutMs: number | null = null,
): string {
  const suffix = timeoutMs === null ? '' : ` timeout ${timeText(timeoutMs)}`
  const text: string[] = []
  for (let i = 0; i < list.length; i += ELEMENTS_PER_LINE) {
    const part = list.slice(i, i + ELEMENTS_PER_LINE).map((element) => element + suffix)
    text.push(`${verb} element ${TABLE} ${name} { ${part.join(', ')} }\n`)
  }
  return text.join('')
}

function mapElements(map: string, entries: readonly (readonly [string, string])[], timeoutMs: number | null): string {
  const time = timeoutMs === null ? '' : ` timeout ${timeText(timeoutMs)}`
  return elements(
    'add',
    map,
    entries.map(([key, verdict]) => `${key}${time} : ${verdict}`),
  )
}

/** Whole milliseconds, at least one: the kernel reads 0 as "no timeout". */
function timeText(ms: number): string {
  return `${Math.max(1, Math.ceil(ms))}ms`
}
