/** What somebody else changed of a facet is put back. What cannot be put right is tried less and less often, where its part asks for that. */
import type { Mode } from '../model/policy.ts'
import { facetDrift } from './converge.ts'
import type { FacetPart, Place } from './facet.ts'
import { monotonicMs } from './journal.ts'
import type { Snapshot } from './snapshot.ts'

export type FacetRepair = {
  repair(wanted: Snapshot, isAsked: (part: FacetPart, place: Place) => boolean): Promise<void>
  /** Another generation holds: nothing of it was tried in vain yet. */
  forget(): void
}

/** `until` by `monotonicMs`. */
type Pause = { readonly ms: number; readonly until: number }

const LONGEST_PAUSE_MS = 300_000

export function createFacetRepair(options: {
  readonly mode: () => Mode
  readonly counters: { driftRepairs: number; unreachable: number }
  readonly say: (line: string) => void
}): FacetRepair {
  const { mode, counters, say } = options
  /** What could not be put right, by facet and key. */
  const paused = new Map<string, Pause>()
  return {
    async repair(wanted, isAsked) {
      for (const { part, to } of await facetDrift(wanted, isAsked)) {
        // A panic while we looked: it took this off, and nothing is put back.
        if (mode() !== 'enforce') return
        const name = `${part.facet} ${to.place.key}`
        const pause = paused.get(name)
        if (pause !== undefined && monotonicMs() < pause.until) continue
        counters.driftRepairs++
        say(`repaired: ${part.facet} of ${to.place.key} was changed by somebody`)
        paused.delete(name)
        await part.converge(to.place, to.state).catch((error: Error) => {
          counters.unreachable++
          if (part.pauseMs !== undefined) paused.set(name, longer(pause, part.pauseMs))
          say(`could not reach ${part.facet} of ${to.place.key}: ${error.message}`)
        })
      }
    },
    forget: () => paused.clear(),
  }
}

function longer(before: Pause | undefined, firstMs: number): Pause {
  const ms = before === undefined ? firstMs : Math.min(2 * before.ms, LONGEST_PAUSE_MS)
  return { ms, until: monotonicMs() + ms }
}
