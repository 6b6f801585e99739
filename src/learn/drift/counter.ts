/** A counter that may start anew (a reboot, a wrap) as a rate per second: a fall is a restart, what is counted since counts. */

export type Counter = { last: number; second: number }

export const createCounter = (): Counter => ({ last: Number.NaN, second: Number.NaN })

/** Rate since the row before; NaN at the first row, and where a value or a time is missing. `second` NaN: rows are one apart. */
export function rateOf(counter: Counter, second: number, value: number): number {
  if (!Number.isFinite(value)) return Number.NaN
  const { last, second: before } = counter
  counter.last = value
  counter.second = second
  const passed = Number.isFinite(second) && Number.isFinite(before) ? second - before : 1
  if (!Number.isFinite(last) || !(passed > 0)) return Number.NaN
  return (value >= last ? value - last : value) / passed
}
