/**
 * After a boot, before the network: the table of the generation that was confirmed last, from the journal alone. No server, no
 * inventory, no workload is there yet; what an interface wears waits for it by name. Everything else is the agent's, later.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { bootId, notBefore, openJournal } from './journal.ts'
import { convergeTable } from './nft.ts'
import { isPanicked } from './panic-marker.ts'
import { compileSnapshot, snapshotFrom } from './snapshot.ts'

export type Restored =
  | { readonly restored: number; readonly hash: string }
  /** Nothing was written, and why. */
  | { readonly restored: null; readonly why: string }

/** A host that starts everything at once may not answer the first time; without rules its network comes up open. */
const TRIES = 3
const PAUSE_MS = 1_000

/** `now`: epoch ms, as wrong as it may be before the network. Throws when the kernel refuses, each time. */
export async function restoreBase(home: string, now: number): Promise<Restored> {
  if (isPanicked(home)) return { restored: null, why: 'a panic holds: guise panic --lift' }
  const found = openJournal(home).recover(bootId())
  if (found.hold === 'nothing') return { restored: null, why: 'nothing was confirmed here' }
  // Of this very boot: its agent has it in hand, or its supervisor takes it back.
  if (found.hold === 'before') return { restored: null, why: 'a change is under way' }
  const compiled = compileSnapshot(snapshotFrom(found.snapshot))
  if (compiled === null) return { restored: null, why: 'what was confirmed last enforces nothing' }
  for (let tries = 1; ; tries++)
    try {
      await convergeTable(compiled, notBefore(found.confirmed, bootId(), now))
      break
    } catch (error) {
      if (tries === TRIES) throw error
      await wait(PAUSE_MS)
    }
  return { restored: found.confirmed.generation.n, hash: compiled.hash }
}
