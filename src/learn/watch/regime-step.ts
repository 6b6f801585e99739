/** The arithmetic of `regime-bank.ts`: how far a vector is from the centres of a row, and what is learnt of it, two metrics at a time. */
import {
  add,
  and,
  CHUNK,
  constant,
  div,
  type Machine,
  max,
  min,
  mul,
  type Pair,
  type Program,
  same,
  starter,
  sub,
  sums,
} from './pairs.ts'

/** Regimes of a row, at most. */
export const REGIMES = 6
/**
 * In doubles: readings of a chunk; what goes out, `far` by regime and how many readings there were; what is common, each twice:
 * the least variance, how much a centre and a variance follow, how far off counts; and where the first row begins. A row is the centre of each regime, and the variances within a regime, the same for all of it.
 */
export function layoutOf(width: number) {
  const even = width + (width % 2)
  const far = CHUNK * even
  const least = far + REGIMES + 2
  return {
    ...{ even, readings: 0, far, present: far + REGIMES },
    ...{ least, clip: least + 2, gain: least + 4, widen: least + 6 },
    ...{ rows: least + 8, row: (REGIMES + 1) * even, variances: REGIMES * even },
  }
}

const BYTES = Float64Array.BYTES_PER_ELEMENT

type Layout = ReturnType<typeof layoutOf>

/** Called with where a row lies, and where its readings do. */
const distances =
  (layout: Layout) =>
  ({ load, store, keep }: Program): void => {
    const pairs = pairsOf(layout).map((at) => {
      const reading = keep(load('second', at * BYTES))
      const isTold = keep(same(reading, reading))
      const variance = max(load('first', (layout.variances + at) * BYTES), load('memory', layout.least * BYTES))
      return { at, isTold, value: keep(and(reading, isTold)), inverse: keep(and(div(constant(1), variance), isTold)) }
    })
    const far = Array.from({ length: REGIMES }, (_, k) => {
      const parts = pairs.map(({ at, value, inverse }): Pair => {
        const off = keep(sub(value, load('first', (k * layout.even + at) * BYTES)))
        return mul(mul(off, off), inverse)
      })
      return keep(add(...(parts as [Pair, ...Pair[]])))
    })
    const present = keep(add(...(pairs.map(({ isTold }) => and(constant(1), isTold)) as [Pair, ...Pair[]])))
    for (let k = 0; k < REGIMES; k += 2) store('memory', (layout.far + k) * BYTES, sums(far[k]!, far[k + 1]!))
    store('memory', layout.present * BYTES, sums(present, present))
  }

/** Called with where the variances of a row lie, its readings, and the centre of the regime that holds. */
const learn =
  (layout: Layout) =>
  ({ load, store, keep }: Program): void => {
    const common = (name: 'least' | 'clip' | 'gain' | 'widen') => load('memory', layout[name] * BYTES)
    for (const at of pairsOf(layout)) {
      const reading = keep(load('second', at * BYTES))
      const isTold = keep(same(reading, reading))
      const centre = keep(load('third', at * BYTES))
      const variance = keep(load('first', at * BYTES))
      const off = keep(and(sub(reading, centre), isTold))
      const most = mul(common('clip'), max(variance, common('least')))
      const widened = mul(common('widen'), sub(min(mul(off, off), most), variance))
      store('third', at * BYTES, add(centre, mul(common('gain'), off)))
      store('first', at * BYTES, add(variance, and(widened, isTold)))
    }
  }

const pairsOf = ({ even }: Layout): number[] => Array.from({ length: even / 2 }, (_, pair) => 2 * pair)

export type RegimeMachine = Machine<'distances' | 'learn'>

export const startRegimes = starter<'distances' | 'learn'>((width) => {
  const layout = layoutOf(width)
  return { distances: distances(layout), learn: learn(layout) }
})
