/** The arithmetic of `kalman-bank.ts`: one step of all filters of a row, two at a time. */
import {
  above,
  add,
  and,
  CHUNK,
  choose,
  constant,
  div,
  max,
  min,
  mul,
  type Pair,
  root,
  same,
  starter,
  sub,
} from './pairs.ts'

/** Of a filter: 4 states, 10 variances (upper triangle by rows), noise, readings taken. In a row, each lies beside that of the next series. */
export const CELL = 16
export const TAKEN = 15

/** What is the same for all filters of a step, each of them twice. */
export const COMMON = [
  // So many steps at once: how far the slope carries, what is left of it, the turn of the wave, and the variance added.
  ...['carry', 'left', 'cos', 'sin', 'level', 'both', 'slope', 'wave'],
  // Their products.
  ...['cos2', 'twiceCosSin', 'cosSin', 'sin2', 'cosSquares', 'left2'],
  // Of the model and of the row: how much noise a reading has, how much of it is learnt.
  ...['noise', 'rate', 'slowest', 'warm', 'clip', 'leastNoise'],
] as const
export type Common = Readonly<Record<(typeof COMMON)[number], number>>

/** In doubles: where the readings of a chunk come in, what was expected goes out, what is common lies, and the first row begins. */
export function layoutOf(width: number) {
  const even = width + (width % 2)
  const chunk = CHUNK * even
  const common = 3 * chunk
  return { even, readings: 0, expected: chunk, spreads: 2 * chunk, common, cells: common + 2 * COMMON.length }
}

const BYTES = Float64Array.BYTES_PER_ELEMENT
const ONE = constant(1)
const NAN = constant(Number.NaN)

/**
 * Called with where a row lies, and where it is in its chunk. x = F·x and P = F·P·Fᵀ + Q, then x += K·ν and P −= K·f·Kᵀ, written out.
 * A series without a reading so far has nothing expected of it; what is written of it then means nothing.
 */
export const startFilters = starter<'step'>((width) => {
  const layout = layoutOf(width)
  return {
    step({ keep, load, store }) {
      const common = Object.fromEntries(
        COMMON.map((name, i) => [name, load('memory', (layout.common + 2 * i) * BYTES)]),
      ) as Record<(typeof COMMON)[number], Pair>
      for (let series = 0; series < width; series += 2) {
        const at = (k: number) => (k * layout.even + series) * BYTES
        const of = (k: number) => keep(load('first', at(k)))
        const { carry, left, cos, sin, level, both, slope, wave, left2, noise, rate } = common
        const reading = keep(load('second', (layout.readings + series) * BYTES))
        const taken = of(TAKEN)
        const isBegun = keep(above(taken, constant(0)))
        const isTold = keep(same(reading, reading))
        const [x0, x1, x2, x3] = [of(0), of(1), of(2), of(3)]
        const [p00, p01, p02, p03] = [of(4), of(5), of(6), of(7)]
        const [p11, p12, p13, p22, p23, p33] = [of(8), of(9), of(10), of(11), of(12), of(13)]
        const before = of(14)

        const y0 = keep(add(x0, mul(carry, x1)))
        const y1 = mul(left, x1)
        const y2 = keep(add(mul(cos, x2), mul(sin, x3)))
        const y3 = sub(mul(cos, x3), mul(sin, x2))

        const lean = keep(add(p01, mul(carry, p11)))
        const r02 = keep(add(p02, mul(carry, p12)))
        const r03 = keep(add(p03, mul(carry, p13)))
        const turned = keep(add(mul(common.cos2, p22), mul(common.twiceCosSin, p23), mul(common.sin2, p33)))
        const q00 = keep(add(p00, mul(carry, add(p01, lean)), level))
        const q01 = keep(add(mul(left, lean), both))
        const q02 = keep(add(mul(cos, r02), mul(sin, r03)))
        const q03 = keep(sub(mul(cos, r03), mul(sin, r02)))
        const q11 = add(mul(left2, p11), slope)
        const q12 = keep(mul(left, add(mul(cos, p12), mul(sin, p13))))
        const q13 = keep(mul(left, sub(mul(cos, p13), mul(sin, p12))))
        const q22 = keep(add(turned, wave))
        const q23 = keep(add(mul(common.cosSin, sub(p33, p22)), mul(common.cosSquares, p23)))
        const q33 = add(sub(add(p22, p33), turned), wave)
        const gains = [add(q00, q02), add(q01, q12), add(q02, q22), add(q03, q23)].map(keep)
        const [m0, m1, m2, m3] = gains as [Pair, Pair, Pair, Pair]
        const f = keep(add(m0, m2, ONE))

        const expected = keep(add(y0, y2))
        const spread = keep(root(mul(f, max(before, common.leastNoise))))
        store('second', (layout.expected + series) * BYTES, choose(isBegun, expected, NAN))
        store('second', (layout.spreads + series) * BYTES, choose(isBegun, spread, NAN))

        // Without a reading nothing is taken back of what the step added.
        const sure = keep(and(div(ONE, add(sub(f, ONE), noise)), isTold))
        const off = keep(sub(reading, expected))
        const bound = keep(mul(common.clip, spread))
        const clipped = max(min(off, bound), sub(constant(0), bound))
        const bounded = keep(and(choose(above(common.warm, taken), off, clipped), isTold))
        // The noise follows ν²/f, `rate` as fast as it may.
        const follow = and(max(div(rate, taken), common.slowest), isTold)
        const follows = add(before, mul(sub(div(mul(bounded, bounded), f), before), follow))
        const share = keep(mul(sure, bounded))
        const [s0, s1, s2, s3] = gains.map((m) => keep(mul(m, sure))) as [Pair, Pair, Pair, Pair]

        const put = (k: number, next: Pair) => store('first', at(k), next)
        put(0, add(y0, mul(m0, share)))
        put(1, add(y1, mul(m1, share)))
        put(2, add(y2, mul(m2, share)))
        put(3, add(y3, mul(m3, share)))
        put(4, sub(q00, mul(s0, m0)))
        put(5, sub(q01, mul(s0, m1)))
        put(6, sub(q02, mul(s0, m2)))
        put(7, sub(q03, mul(s0, m3)))
        put(8, sub(q11, mul(s1, m1)))
        put(9, sub(q12, mul(s1, m2)))
        put(10, sub(q13, mul(s1, m3)))
        put(11, sub(q22, mul(s2, m2)))
        put(12, sub(q23, mul(s2, m3)))
        put(13, sub(q33, mul(s3, m3)))
        put(14, follows)
        put(TAKEN, add(taken, and(ONE, isTold)))
      }
    },
  }
})
