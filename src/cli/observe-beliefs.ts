/** Ticks of a recording come in, merged to 30 s windows and stepped through the belief filter; each workload's last belief goes out. */
import { ALARMING, beliefEvidence } from '../assess/risk.ts'
import { type BeliefState, initialBelief, stepBelief } from '../learn/filter.ts'
import { DEFAULT_MODEL } from '../learn/model.ts'
import type { Belief } from '../model/belief.ts'
import type { Evidence } from '../model/evidence.ts'
import type { WorkloadId } from '../model/ids.ts'
import { createWindow, sumAt, TICK_MS, WINDOW_MS, type Window } from '../model/window.ts'
import { mergeWindow } from '../observe/reduce/merge.ts'

/**
 * Strangers seen in fewer windows than this are not judged: two minutes of somebody else's machine say little, and noise
 * from the Internet is mostly such (on flows/rita judging them all took most of the time).
 */
const LEAST_WINDOWS = 4

type Track = { state: BeliefState; window: Window; belief: Belief | null; waiting: Window[] | null }

export type Beliefs = {
  /** Ticks in the order in which they were closed; one that comes late amends the window that is open. */
  add(ticks: readonly Window[]): void
  /** Steps what is still open. */
  finish(): void
  of(workload: WorkloadId): Belief | null
  alarm(workload: WorkloadId, subject: string, now: number): Evidence | null
}

export function createBeliefs(isHome: (workload: WorkloadId) => boolean): Beliefs {
  const tracks = new Map<WorkloadId, Track>()

  const stepOne = (track: Track, window: Window) => {
    // Silence inside a window was observed, too: nothing was said, but somebody listened.
    window.sums[sumAt.ticks] = WINDOW_MS / TICK_MS
    const stepped = stepBelief(DEFAULT_MODEL, track.state, window, window.start + WINDOW_MS)
    track.state = stepped.state
    track.belief = stepped.belief
  }
  const step = (track: Track) => {
    if (track.waiting === null) return stepOne(track, track.window)
    track.waiting.push(track.window)
    if (track.waiting.length < LEAST_WINDOWS) return
    for (const window of track.waiting) stepOne(track, window)
    track.waiting = null
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
            waiting: isHome(tick.workload) ? null : [],
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
      return belief === null ? null : beliefEvidence(belief, ALARMING, now, subject)
    },
  }
}
