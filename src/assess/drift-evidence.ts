/**
 * How far a workload is from all it has been comes in, evidence of a departure that lasts goes out. It is a reason to look
 * and no more: it can be forged by whoever talks to the workload, so it never contains, and alone it stays below 0.3.
 */
import type { Drift, DriftCause } from '../model/drift.ts'
import type { Evidence } from '../model/evidence.ts'
import { WINDOW_MS } from '../model/window.ts'
import { sayBytes } from './detector.ts'

/**
 * Windows in a row before a departure counts. `lab/drift-alarms.test.ts` measures how often that happens to hosts that
 * did nothing new.
 */
export const SUSTAINED_WINDOWS = 6
/** σ(−2.6 + 1.2) = 0.2: below every step of a ladder that begins at 0.3. */
const MORE = 1.2
/** Less than usual is an outage more often than an attack. */
const LESS = 0.6
/** Ten windows after it ended, half of it is gone; while it lasts every window says it again. */
const HALF_LIFE_MS = 10 * WINDOW_MS

/** Evidence of kind `drift`, or null: nothing strange, not for long enough, or no metric that would say why. */
export function driftEvidence(drift: Drift, subject: string, now: number): Evidence | null {
  const { since, lasted, cause, score, at } = drift
  if (since === null || cause === null || cause.side === 'within' || lasted < SUSTAINED_WINDOWS) return null
  const { seen, low, high } = cause
  return {
    kind: 'drift',
    subject,
    peer: null,
    weight: cause.side === 'above' ? MORE : LESS,
    halfLifeMs: HALF_LIFE_MS,
    at: Math.min(now, at),
    authenticated: false,
    source: 'drift watch/1',
    why: `${causeWords(cause)}; since ${new Date(since).toISOString().slice(11, 16)} UTC`,
    figures: { score, since, windows: lasted, seen, low, high },
  }
}

/** `bytes to outside 12 MB per 30 s, usually below 40 kB` */
function causeWords({ metric, unit, seen, low, high, side }: DriftCause): string {
  const usual = side === 'below' ? `above ${sayAmount(low, unit)}` : `below ${sayAmount(high, unit)}`
  const span = unit === 'ms' ? '' : ' per 30 s'
  return `${metric} ${sayAmount(seen, unit)}${span}, usually ${usual}`
}

function sayAmount(amount: number, unit: string): string {
  if (unit === 'bytes') return sayBytes(amount)
  const rounded = String(Number(amount.toPrecision(amount < 1_000 ? 2 : 3)))
  return unit === 'ms' ? `${rounded} ms` : rounded
}
