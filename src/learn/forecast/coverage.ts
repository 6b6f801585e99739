/**
 * Whether each value lay in the interval promised for it goes in, the level to ask for next comes out: adaptive conformal
 * inference (Gibbs & Candès 2021). After a change of behaviour intervals hold less than promised; asking for more until
 * they do again keeps the long-run coverage at the promise, whatever the series does. Constant memory, one step per value.
 */
export type PromiseState = {
  /** Share (0–1) that was promised. */
  readonly promised: number
  /** What to give `forecast` as `level` next, within 0.5–0.999. */
  readonly ask: number
}

/** How far one miss moves `ask`, as a share of the way a miss is wrong by. */
const LEARNING_RATE = 0.02
const [LEAST, MOST] = [0.5, 0.999]

export function startPromise(promised: number): PromiseState {
  return { promised, ask: promised }
}

export function keepPromise({ promised, ask }: PromiseState, held: 'held' | 'missed'): PromiseState {
  const moved = ask + LEARNING_RATE * (held === 'held' ? promised - 1 : promised)
  return { promised, ask: Math.min(MOST, Math.max(LEAST, moved)) }
}
