/** Which of the seasons asked for can be learned from what is known. */

/** Cycles that must be known: one to repeat, and a little of the next to tell the season from the level. */
const CYCLES = 1.25

/** The usable ones, ascending, each once. */
export function usableSeasons(asked: readonly number[], known: number): number[] {
  return [...new Set(asked)].filter((m) => m > 1 && known >= CYCLES * m + 4).sort((a, b) => a - b)
}
