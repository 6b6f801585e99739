/**
 * What somebody else changed of a facet is put back, and what could not be taken off is taken off later. What fails is tried
 * less and less often; with what is worn, where its part asks for that.
 */
import type { Mode } from '../model/policy.ts'
import { facetDrift, type Missed } from './converge.ts'
import type { FacetPart, Place } from './facet.ts'
import { monotonicMs } from './journal.ts'
import type { Inventory, Placed, Snapshot } from './snapshot.ts'

export type FacetRepair = {
  repair(wanted: Snapshot, isAsked: (part: FacetPart, place: Place) => boolean): Promise<void>
  /** It was to come off and could not be reached. */
  readonly owe: Missed
  /** Tries again what is owed, when it is time; true when nothing is owed any more. */
  settled(inventory: Inventory): Promise<boolean>
  /** Something else holds now: nothing of it was tried in vain yet. */
  forget(): void
}

/** `until` by `monotonicMs`. */
type Pause = { readonly ms: number; readonly until: number }

type Owed = { readonly part: FacetPart; readonly placed: Placed; readonly pause: Pause }

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 300_000

export function createFacetRepair(options: {
  readonly mode: () => Mode
  readonly counters: { driftRepairs: number; unreachable: number }
  readonly say: (line: string) => void
}): FacetRepair {
  const { mode, counters, say } = options
  /** What could not be put right, by facet and key. */
  const paused = new Map<string, Pause>()
  const owed = new Map<string, Owed>()
  return {
    async repair(wanted, isAsked) {
      for (const { part, to } of await facetDrift(wanted, isAsked)) {
        // A panic while we looked: it took this off, and nothing is put back.
        if (mode() !== 'enforce') return
        const name = nameOf(part, to)
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
    owe: (part, placed) =>
      void owed.set(nameOf(part, placed), { part, placed, pause: longer(undefined, FIRST_PAUSE_MS) }),
    async settled(inventory) {
      for (const [name, { part, placed, pause }] of owed) {
        const { place, state } = placed
        if (!isWhereItWas(part, place, inventory)) owed.delete(name)
        else if (monotonicMs() >= pause.until)
          await part.converge(place, state).then(
            () => {
              owed.delete(name)
              say(`${part.facet} of ${place.key} is taken off as well`)
            },
            () => {
              counters.unreachable++
              owed.set(name, { part, placed, pause: longer(pause, FIRST_PAUSE_MS) })
            },
          )
      }
      return owed.size === 0
    },
    forget() {
      paused.clear()
      owed.clear()
    },
  }
}

const nameOf = (part: FacetPart, { place }: Placed) => `${part.facet} ${place.key}`

/** Who is gone took it along, and behind its link there may be somebody else by now. */
function isWhereItWas(part: FacetPart, place: Place, { workloads }: Inventory): boolean {
  const report = workloads.find(({ key }) => key === place.key)
  return report !== undefined && (part.onLink?.(place) !== true || report.interface === place.face)
}

function longer(before: Pause | undefined, firstMs: number): Pause {
  const ms = before === undefined ? firstMs : Math.min(2 * before.ms, LONGEST_PAUSE_MS)
  return { ms, until: monotonicMs() + ms }
}
