/**
 * How sure the trees' shares are, learnt from examples that the trees have not seen: one temperature for all types (Guo et
 * al. 2017), and of two types besides, how far to lean to the second (Platt 1999). Trees that never saw a kind of attack give
 * it little; how little is still an attack is what the lean says.
 */
import { temper } from '../classify.ts'

export type Calibration = {
  readonly temperature: number
  /** Added to the log odds of the second of two types; 0 of more. */
  readonly lean: number
}
/** What trees gave to an example whose type is `label`. */
export type Told = { readonly p: Float64Array; readonly label: number }

const LEAST = 1e-4

export function calibrate(p: Float64Array, { temperature, lean }: Calibration): void {
  temper(p, temperature)
  if (lean === 0) return
  p[1] = 1 / (1 + Math.exp(Math.log(p[0]! / p[1]!) - lean))
  p[0] = 1 - p[1]
}

export function fitCalibration(told: readonly Told[]): Calibration {
  return told[0]?.p.length === 2 ? fitLine(told) : { temperature: fitTemperature(told), lean: 0 }
}

function fitTemperature(told: readonly Told[]): number {
  const p = new Float64Array(told[0]?.p.length ?? 0)
  let [best, least] = [1, Number.POSITIVE_INFINITY]
  for (let temperature = 0.1; temperature <= 2; temperature += 0.05) {
    let loss = 0
    for (const one of told) {
      p.set(one.p)
      temper(p, temperature)
      loss -= Math.log(p[one.label]!)
    }
    if (loss < least) [best, least] = [temperature, loss]
  }
  return Number(best.toFixed(2))
}

const STEPS = 50
const LEAST_SLOPE = 0.05
const MOST_SLOPE = 10
const MOST_LEAN = 10
const within = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

/** Newton's method on the log loss of σ(slope · log odds + lean), both types weighing the same. */
function fitLine(told: readonly Told[]): Calibration {
  const seconds = told.filter(({ label }) => label === 1).length
  const weight = [told.length / 2 / Math.max(1, told.length - seconds), told.length / 2 / Math.max(1, seconds)]
  let [slope, lean] = [1, 0]
  for (let step = 0; step < STEPS; step++) {
    let [gs, gl, hss, hsl, hll] = [0, 0, 1, 0, 1]
    for (const { p, label } of told) {
      const x = Math.log(Math.max(LEAST, p[1]!) / Math.max(LEAST, p[0]!))
      const q = 1 / (1 + Math.exp(-(slope * x + lean)))
      const w = weight[label]!
      gs += w * (q - label) * x
      gl += w * (q - label)
      hss += w * q * (1 - q) * x * x
      hsl += w * q * (1 - q) * x
      hll += w * q * (1 - q)
    }
    const determinant = hss * hll - hsl * hsl
    // Where all is nearly certain a whole step leads anywhere.
    slope = within(slope - within((hll * gs - hsl * gl) / determinant, -1, 1), LEAST_SLOPE, MOST_SLOPE)
    lean = within(lean - within((hss * gl - hsl * gs) / determinant, -1, 1), -MOST_LEAN, MOST_LEAN)
  }
  // Shares that say nothing, or the contrary, are left as they are.
  if (slope === LEAST_SLOPE) return { temperature: 1, lean: 0 }
  return { temperature: Number((1 / slope).toFixed(3)), lean: Number(lean.toFixed(3)) }
}
