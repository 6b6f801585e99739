/** What of a forecast is drawn where, without drawing it. */
import type { ForecastReport } from '../../../src/model/forecast.ts'

/** The top of the picture: a wide interval is cut off before it makes the line flat. */
const MOST_TIMES = 2.5

export type Picture = {
  /** epoch ms: the picture's ends, and where what was seen ends */
  readonly from: number
  readonly now: number
  readonly to: number
  /** bytes per second at the top */
  readonly top: number
  /** Stretches of neighbouring steps that were looked at. */
  readonly seen: readonly (readonly (readonly [at: number, value: number])[])[]
}

/** As much of the past as is twice the future. */
export function pictureOf({ seen, expected }: ForecastReport): Picture {
  const stepMs = expected.length > 1 ? expected[1]!.at - expected[0]!.at : 300_000
  const now = expected[0]?.at ?? 0
  const to = now + expected.length * stepMs
  const from = now - 2 * (to - now)
  const shown = seen.filter(([at]) => at >= from)
  const runs: [number, number][][] = []
  let before: number | null = null
  for (const [at, value] of shown) {
    // A step stands in its middle, where what is expected of one stands, too.
    if (value !== null) {
      const point: [number, number] = [at + stepMs / 2, value]
      if (before === null) runs.push([point])
      else runs.at(-1)!.push(point)
    }
    before = value
  }
  const line = Math.max(1, ...shown.map(([, value]) => value ?? 0), ...expected.map(({ value }) => value))
  const wide = Math.max(0, ...expected.map(({ high95 }) => high95))
  const first = shown.find(([, value]) => value !== null)?.[0] ?? now
  return { from: Math.max(from, first), now, to, top: Math.max(line, Math.min(wide, MOST_TIMES * line)), seen: runs }
}

export type Summary = {
  readonly spanMs: number
  readonly mean: number
  readonly most: number
  readonly low: number
  readonly high: number
}

export function summaryOf({ expected }: ForecastReport): Summary {
  const stepMs = expected.length > 1 ? expected[1]!.at - expected[0]!.at : 0
  return {
    spanMs: expected.length * stepMs,
    mean: expected.reduce((sum, { value }) => sum + value / expected.length, 0),
    most: Math.max(...expected.map(({ value }) => value)),
    low: Math.min(...expected.map(({ low95 }) => low95)),
    high: Math.max(...expected.map(({ high95 }) => high95)),
  }
}
