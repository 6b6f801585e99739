/**
 * enforce/: whole `AgentState`s come in, kernels and files that hold exactly one of them go out, journalled so that any
 * death leaves either the old or the new. This file is the seam of a facet: one part per facet, the same for every kind of
 * workload that can carry it. A part never decides; it looks (`capture`), says what a wish means here (`wanted`), makes it
 * so (`converge`), and says how a process that can neither look nor compile gets back (`undo`). `facets.ts` lists the
 * parts; `converge.ts` walks them in order; `supervisor.ts` outlives it.
 */
import type { DesiredState } from '../model/desired.ts'
import type { Facet } from '../model/persona.ts'
import type { Applied } from '../model/wire.ts'
import { guestOf } from './drivers/qemu/guest-agent.ts'
import type { Step } from './step.ts'
import type { Noticed } from './watch.ts'

/** Where a workload is on this host. What a driver does not have is null, and a part that needs it refuses. */
export type Place = {
  readonly key: string
  /** Path under /run/netns. */
  readonly namespace: string | null
  /** Our end of its link. */
  readonly face: string | null
  /** What it is reached by in the generation this place belongs to, without prefix lengths. */
  readonly addresses: readonly string[]
  /** Its directory below the cgroup mount (v1: below each controller's). */
  readonly cgroup: string | null
  /** Its root directory, for files and packages. */
  readonly root: string | null
  /** Socket of its machine monitor (QMP). */
  readonly monitor: string | null
}

const SPOTS = ['namespace', 'face', 'cgroup', 'root', 'monitor'] as const
/** Behind another link, in another namespace or cgroup: nothing of what was done at the one place is at the other. */
export function isElsewhere(a: Place, b: Place): boolean {
  return SPOTS.some((spot) => a[spot] !== b[spot])
}

/** What `inside` takes to be in it: its namespace, or the agent of the guest that it is. null = nobody lets us in. */
export function doorOf({ namespace, monitor }: Place): string | null {
  return namespace ?? guestOf(monitor)
}

/** Our end of its link. Throws where it has none; a part that needs one refuses before. */
export function faceOf({ key, face }: Place): string {
  if (face === null) throw new Error(`${key} has no link of its own`)
  return face
}

/** `State` is what the journal keeps: plain JSON. Methods, so that parts of different states fit into one list. */
export type FacetPart<Wish = unknown, State = unknown> = {
  readonly facet: Facet
  /** null when this place can carry the facet, beside all else it is to wear, else the sentence for the person whose plan is refused. */
  refusal(place: Place, wish: Wish, whole: DesiredState): string | null
  /** Why these wishes cannot be met together on one host; null when they can. */
  clash?(wishes: ReadonlyMap<string, Wish>): string | null
  capture(place: Place): Promise<State>
  /**
   * What was there before us, where that is known without a look: of a part that sees nothing but its own. A look would take
   * for the host's own what we left on a workload that was away for a while.
   */
  readonly untouched?: State
  /** Once it is back at what was there before us and that is confirmed, it is not ours to look after any more. */
  readonly letsGo?: true
  /** Nobody is there to be dressed now: what it is to wear is put on when somebody is. */
  isAway?(place: Place): Promise<boolean>
  /** What it does is done at our end of the link, or by its name: it stays there when the workload is behind another one. */
  onLink?(place: Place): boolean
  /** What was there before us, where that names things of `from`, as it is at the place where the workload is now. */
  relocate?(place: Place, original: State, from: Place): Promise<State>
  /** `original` is what was there before us. Throws when the wish cannot be met, before anything is written. */
  wanted(place: Place, original: State, wish: Wish): State
  /** Whole state, idempotent, from wherever it is. */
  converge(place: Place, wanted: State): Promise<void>
  /** Equal texts mean that nothing needs doing. */
  normalise(state: State): string
  /** `state` as an older release kept it, with what it did not keep as this host has it: that release changed none of it. */
  complete?(place: Place, state: State): Promise<State>
  /** Back from `to`, or from any step towards it: for the supervisor, which cannot look first. */
  undo(place: Place, from: State, to: State): readonly Step[]
  /**
   * A change that must not lose a packet, in three: what is added beside the old, the switch itself, the old removed
   * after the confirmation. A part without them converges where others prepare, before the rules flip.
   */
  readonly stages?: Stages<State>
  /**
   * How a foreign change is noticed: `look` = reading costs next to nothing, so it is read every second; else by what the
   * kernel tells (watch.ts). Absent = it is looked at every tenth second.
   */
  readonly noticed?: 'look' | readonly Noticed[]
  /** Somebody else's program has to be asked there: it is looked at every tenth second, whatever `noticed` says. */
  isSlow?(place: Place): boolean
  /** What could not be put right is left alone for so long, then for twice as long. Absent = it is tried with the next look. */
  readonly pauseMs?: number
  /** What must answer after the change, asked from this host. */
  probes?(place: Place, from: State, to: State): readonly (() => Promise<Probe>)[]
}

export type Stages<State> = {
  prepare(place: Place, from: State, to: State): Promise<void>
  switch(place: Place, from: State, to: State): Promise<void>
  finish(place: Place, from: State, to: State): Promise<void>
  /** `to`, with what connections that are there already use of `from`; null when nothing of it goes. It is what holds until `isUsed` says no. */
  linger?(from: State, to: State): Lingering<State> | null
  /** Does a connection still use one of these addresses? */
  isUsed?(place: Place, addresses: readonly string[]): Promise<boolean>
}

export type Lingering<State> = {
  readonly meanwhile: State
  /** What is there only for the connections that use it, without prefix lengths; and what took its place. */
  readonly addresses: readonly string[]
  readonly instead: readonly string[]
}

/** One host-side question and its answer. It never depends on what a workload says of itself. */
export type Probe = Applied['probes'][number]
