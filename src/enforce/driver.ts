/**
 * enforce/: whole `AgentState`s come in, kernels and resolver files that hold exactly one of them go out, journalled so
 * that any death leaves either the old or the new. It makes no choices. This file is the seam of a facet: look, make it
 * so, and what "the same" means. `enforcer.ts` runs the drivers in order; `supervisor.ts` outlives it.
 */
export type Driver<State> = {
  /** What is there now. */
  capture(): Promise<State>
  /** Whole state, idempotent, from wherever it is. */
  converge(wanted: State): Promise<void>
  /** Equal texts mean that nothing needs doing. */
  normalise(state: State): string
}
