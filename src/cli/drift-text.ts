/** What is known of a workload's drift, as a person reads it. */
import type { Drift, DriftCause } from '../model/drift.ts'

export function driftText(name: string, drift: Drift | null): string {
  if (drift === null) return `${name}: no window of it was whole yet. Ask again in a minute.`
  const { score, since, windows, regimes, regime, cause, surprise } = drift
  const from = since === null ? '' : `, since ${new Date(since).toISOString()}`
  const lines = [
    `${name}: drift ${score.toFixed(2)}${from}`,
    `${windows} windows of 30 s seen, ${regimes} ${regimes === 1 ? 'regime' : 'regimes'} known, in regime ${regime + 1} now`,
  ]
  if (cause === null) lines.push('nothing is expected of it yet: that takes ten minutes')
  else if (since !== null) lines.push(`it began with ${causeText(cause)}`)
  else lines.push(`least expected of the last window: ${causeText(cause)}, 1 window in ${oneIn(surprise)}`)
  return lines.join('\n')
}

const causeText = ({ metric, unit, seen, low, high, side }: DriftCause): string =>
  `${metric}: ${amount(seen)} ${unit}, ${side} the expected ${amount(low)} to ${amount(high)}`

const amount = (value: number): string => String(Number(value.toPrecision(3)))
const oneIn = (surprise: number): string => amount(10 ** Math.min(12, surprise))
