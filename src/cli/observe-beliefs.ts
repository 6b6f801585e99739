/** Ticks of a recording come in, merged to 30 s windows and stepped through the belief filter; each workload's last belief goes out. */
import { beliefEvidence } from '../assess/risk.ts'
import { type BeliefState, initialBelief, stepBelief } from '../learn/filter.ts'
import { DEFAULT_MODEL } from '../learn/model.ts'
import type { Belief } from '../model/belief.ts'
import type { Evidence } from '../model/evidence.ts'
import type { WorkloadId } from '../model/ids.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS, type Window } from '../model/window.ts'
import { mergeWindow } from '../observe/reduce/merge.ts'

type Track = { state: BeliefState; window: Window; belief: Belief | null }

export type Beliefs = {
  /** Ticks in the order in which they were closed; one that comes late amends the window that is open. */
  add(ticks: readonly Window[]): void
  /** Steps what is still open. */
  finish(): void
  of(workload: WorkloadId): Belief | null
  alarm(workload: WorkloadId, subject: string, now: number): Evidence | null
}

export function createBeliefs(): Beliefs {
  const tracks = new Map<WorkloadId, Track>()

  const step = (track: Track) => {
    // Silence inside a window was observed, too: nothing was said, but somebody listened.
    track.window.sums[sumAt.ticks] = WINDOW_MS / TICK_MS
    const stepped = stepBelief(DEFAULT_MODEL, track.state, track.window, track.window.start + WINDOW_MS)
    track.state = stepped.state
    track.belief = stepped.belief
  }
  return {
    add(ticks) {
      for (const tick of ticks) {
        const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
        let track = tracks.get(tick.workload)
        if (track === undefined) {
          track = {
            state: initialBelief(DEFAULT_MODEL),
            window: createWindow(tick.workload, start, WINDOW_MS),
            belief: null,
          }
          tracks.set(tick.workload, track)
        } else if (start > track.window.start) {
          step(track)
          track.window = createWindow(tick.workload, start, WINDOW_MS)
        }
        mergeWindow(track.window, tick)
      }
    },
    finish() {
      for (const track of tracks.values()) step(track)
    },
    of: (workload) => tracks.get(workload)?.belief ?? null,
    alarm(workload, subject, now) {
      const belief = tracks.get(workload)?.belief ?? null
      return belief === null ? null : beliefEvidence(belief, now, subject)
    },
  }
}
