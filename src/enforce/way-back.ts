/** How long before its time is over a change that nobody confirmed begins to be taken back, so that it is gone when the time is. */

/** Ten whole personas come off in two seconds where nobody else wants the processors. */
const LEAST_MS = 5_000

/**
 * What is kept of the time for the way back, ms. Looking at everything again costs five times what the change did, and the host
 * may be busier by then; but most of a short time is for waiting.
 */
export function wayBackMs(thereMs: number, withinMs: number): number {
  const most = Math.max(withinMs / 6, Math.min(withinMs / 3, withinMs - 10_000))
  const least = Math.max(withinMs / 10, Math.min(withinMs / 6, LEAST_MS))
  return Math.min(most, Math.max(least, 8 * thereMs))
}
