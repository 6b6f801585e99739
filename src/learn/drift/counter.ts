/** A counter that may start anew (a reboot, a wrap) as a rate per second: a fall is a restart, what is counted since counts. */

export type Counter = { last: number; second: number }

export const createCounter = (): Counter => ({ last: Number.NaN, second: Number.NaN })

/**
 * Rate since the row before; NaN at the first row, and where a value or a time is missing. Where no row has a time (`second`
 * NaN, so far) they are one apart.
 */
export function rateOf(counter: Counter, second: number, value: number): number {
  if (!Number.isFinite(value)) return Number.NaN
  const { last, second: before } = counter
  // Among rows with times this is one whose time was lost: the next one bridges it.
  if (Number.isFinite(before) && !Number.isFinite(second)) return Number.NaN
  counter.last = value
  counter.second = second
  const isTimeless = !Number.isFinite(second) && !Number.isFinite(before)
  const passed = isTimeless ? 1 : second - before
  if (!Number.isFinite(last) || !(passed > 0)) return Number.NaN
  return (value >= last ? value - last : value) / passed
}
