/**
 * Everything of ours off this host, with nobody's help: no server, no database, no agent. A marker in the agent's home
 * keeps a living or restarted agent from putting it back until the marker is lifted.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { removeText } from '../compile/delta.ts'
import { FACETS } from '../model/persona.ts'
import { converge } from './converge.ts'
import { effectSync } from './fault.ts'
import { bootId, openJournal } from './journal.ts'
import { applyText, readTable } from './nft.ts'
import { panicMarker } from './panic-marker.ts'
import { keepSecretsIn } from './secret-files.ts'
import { bare, NOTHING, type Snapshot } from './snapshot.ts'
import { readSnapshot } from './snapshot-of.ts'

export type PanicReport = {
  /** What was there and is not any more. */
  readonly removed: readonly string[]
  readonly unreachable: readonly string[]
}

/** A disk that is full or broken is when it is needed: what cannot be read or written is told, and the rest is done. */
export async function panic(home: string): Promise<PanicReport> {
  const unreachable: string[] = []
  const tried = async <T>(what: string, act: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await act()
    } catch (error) {
      unreachable.push(`${what}: ${(error as Error).message}`)
      return null
    }
  }
  await tried('stop the agent, or it puts everything back: no panic marker', () => {
    effectSync('mkdir', () => mkdirSync(home, { recursive: true, mode: 0o700 }))
    effectSync('panic write', () => writeFileSync(panicMarker(home), '', { mode: 0o600 }))
  })
  const removed: string[] = []
  const found = await tried('what table inet guise held', readTable)
  if (found !== null) {
    const dispatched = Object.values(found.maps).reduce((sum, map) => sum + map.size, 0)
    removed.push(
      `table inet guise: ${found.chains.size} chains, ${dispatched} dispatch entries, ${found.reflexes.length} reflexes`,
    )
  }
  // The table goes first: whatever else may fail, traffic is free.
  await applyText(removeText())
  const kept = await tried('what workloads wear, which the journal keeps', () => readJournal(home))
  const naked = nakedOf(kept?.snapshots ?? [])
  for (const [facet, worn] of Object.entries(naked.facets))
    removed.push(...Object.keys(worn).map((key) => `${facet} facet of ${key}`))
  unreachable.push(...(await converge(naked)))
  await tried('that it is off, in the journal', () => {
    if (kept === null) return
    const { journal, confirmed } = kept
    if (confirmed !== null) journal.commit({ ...confirmed, boot: bootId(), snapshot: naked })
    journal.clear()
  })
  // A living agent may have been in the middle of a repair; it sees the marker within a second.
  for (let tries = 0; tries < 25; tries++) {
    if ((await readTable()) !== null) await applyText(removeText())
    if (tries >= 6 && (await readTable()) === null) break
    await wait(200)
  }
  return { removed, unreachable }
}

async function readJournal(home: string) {
  keepSecretsIn(home)
  const journal = openJournal(home)
  const [intent, confirmed] = [journal.intent(), journal.confirmed()]
  const kept = [intent?.after, confirmed?.snapshot].filter((snapshot) => snapshot !== undefined)
  return { journal, confirmed, snapshots: await Promise.all(kept.map(readSnapshot)) }
}

function nakedOf(snapshots: readonly Snapshot[]): Snapshot {
  const bared = snapshots.map(bare)
  return {
    ...NOTHING,
    facets: Object.fromEntries(
      FACETS.map((facet) => [facet, Object.assign({}, ...bared.map((snapshot) => snapshot.facets[facet]))]),
    ),
  }
}
