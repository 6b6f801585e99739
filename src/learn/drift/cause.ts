/** What kind of event a row is, in one word, from the same state that scored it: for people, it changes no score. */
import { SHORT_ROWS } from './constants.ts'

export type Cause =
  | 'none'
  | 'missing'
  | 'spike'
  | 'dropout'
  | 'level shift'
  | 'flat line'
  | 'variance change'
  | 'new shape'

/** Small habits of a series: how long it stands still, how much it moves from row to row, and its lowest value. */
export type Habits = {
  last: number
  still: number
  longestStill: number
  /** Mean move from one row to the next, over few rows and over many. */
  moveNow: number
  moveUsual: number
  lowest: number
}

export const createHabits = (): Habits => ({
  last: Number.NaN,
  still: 0,
  longestStill: 0,
  moveNow: 0,
  moveUsual: 0,
  lowest: Number.POSITIVE_INFINITY,
})

export function updateHabits(habits: Habits, value: number, row: number): void {
  const move = row === 0 ? 0 : Math.abs(value - habits.last)
  habits.still = row > 0 && value === habits.last ? habits.still + 1 : 0
  habits.longestStill = Math.max(habits.still, habits.longestStill * 0.9999)
  habits.moveNow += Math.max(1 / SHORT_ROWS, 1 / (row + 1)) * (move - habits.moveNow)
  habits.moveUsual += Math.max(1 / 1_000, 1 / (row + 1)) * (move - habits.moveUsual)
  habits.lowest = Math.min(habits.lowest, value)
  habits.last = value
}

/** A shift is a short mean that left by so many spreads; a spike is a value that did, alone. */
const FAR = 3
/** The row-to-row move of few rows against that of many. */
const LOUDER = 3

export function causeOf(
  habits: Habits,
  deviations: { readonly level: number; readonly step: number; readonly season: number },
  value: number,
  { score, side }: { readonly score: number; readonly side: 'above' | 'below' | 'within' },
): Cause {
  if (score < 0.5) return 'none'
  if (value === habits.last && habits.still + 1 >= Math.max(SHORT_ROWS, habits.longestStill)) return 'flat line'
  if (side === 'below' && value <= habits.lowest) return 'dropout'
  const shifted = Math.max(Math.abs(deviations.step), Math.abs(deviations.season))
  if (side === 'within') {
    if (habits.moveNow > LOUDER * habits.moveUsual || habits.moveNow * LOUDER < habits.moveUsual)
      return 'variance change'
    return shifted >= FAR ? 'level shift' : 'new shape'
  }
  const jumped = Math.abs(value - habits.last) > LOUDER * Math.max(habits.moveNow, habits.moveUsual)
  return jumped ? 'spike' : 'level shift'
}
