/** The `policies` facet: table `inet guise` of the namespace this process is in. Applies compiled text, reads back what holds. */
import { baseText, LIVE, TABLE } from '../compile/base.ts'
import { collectGarbage, fullText, removeText } from '../compile/delta.ts'
import type { Compiled } from '../compile/nft.ts'
import { differences, presentNames, type ReadBack, readBack } from '../compile/parse.ts'
import { load } from './load.ts'
import { command } from './step.ts'

/** A clock that was put right is no reason to write everything anew. */
const TOO_LONG_MS = 3_600_000

/**
 * null = no table of ours. Throws when nft cannot be asked. By the program: it reads what anybody wrote into this kernel,
 * and when that makes it fall over, this process stands.
 */
export async function readTable(): Promise<ReadBack | null> {
  try {
    return readBack(JSON.parse(await command('nft', ['-j', 'list', 'table', ...TABLE.split(' ')])))
  } catch (error) {
    if (/No such file or directory/.test((error as Error).message)) return null
    throw error
  }
}

/** Throws in nft's own words when the kernel refuses; then nothing was changed. */
export async function applyText(text: string): Promise<void> {
  await load(text)
}

/** What the kernel holds other than `wanted`, one sentence each. */
export function tableDrift(wanted: Compiled | null, found: ReadBack | null, now: number): string[] {
  if (wanted === null) return found === null ? [] : ['table inet guise is there and no plan wants it']
  if (found === null) return ['table inet guise is missing']
  const said = differences(wanted, found)
  for (const [name, comments] of baseChains(wanted.enforce))
    if (name !== LIVE && found.chains.get(name)?.join('\n') !== comments.join('\n'))
      said.push(`base chain ${name} was changed`)
  for (const { map, element, chain, until } of wanted.contained) {
    if (until <= now + 1_000) continue
    const held = found.contained[map].get(element)
    if (held?.chain !== chain) said.push(`containment ${map} has no entry for ${element}`)
    else if ((held.remainingMs ?? Number.POSITIVE_INFINITY) > until - now + TOO_LONG_MS)
      said.push(`containment ${map} holds ${element} for longer than it lasts`)
  }
  return said
}

/** Whole and idempotent: afterwards the table is `wanted`, with nothing pending and nothing left over. */
export async function convergeTable(wanted: Compiled | null, now: number): Promise<void> {
  const found = await readTable()
  if (tableDrift(wanted, found, now).length > 0 || (found !== null && found.pending !== null))
    return applyText(wanted === null ? removeText() : fullText(wanted, { pendingMs: null, now }))
  if (wanted !== null && found !== null) await applyText(collectGarbage(wanted, presentNames(found)))
}

const known = new Map<Compiled['enforce'], ReadonlyMap<string, readonly string[]>>()

/** Comment of each rule per base chain, as `readBack` tells them. */
function baseChains(enforce: Compiled['enforce']): ReadonlyMap<string, readonly string[]> {
  let chains = known.get(enforce)
  if (chains === undefined) {
    chains = new Map(
      [...baseText(enforce).matchAll(/^ {2}chain (\w+) \{\n((?: {4}.*\n)*) {2}\}/gm)].map(([, name, body]) => [
        name!,
        body!
          .split('\n')
          .filter((line) => line !== '' && !line.includes('type filter hook'))
          .map((line) => /comment "([^"]*)"$/.exec(line)?.[1] ?? ''),
      ]),
    )
    known.set(enforce, chains)
  }
  return chains
}
