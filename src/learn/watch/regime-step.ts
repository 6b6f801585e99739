/** The arithmetic of `regime-bank.ts`: how far a vector is from the centres of a row, two metrics at a time. */
import {
  add,
  and,
  assemble,
  CHUNK,
  constant,
  div,
  type Machine,
  max,
  mul,
  type Pair,
  same,
  start,
  sub,
  sums,
} from './pairs.ts'

/** Regimes of a row, at most. */
export const REGIMES = 6
/**
 * In doubles: readings of a chunk; what goes out, `far` by regime and how many readings there were; the least variance, twice;
 * and where the first row begins. A row is the centre of each regime, and the variances within a regime, the same for all of it.
 */
export function layoutOf(width: number) {
  const even = width + (width % 2)
  const far = CHUNK * even
  const least = far + REGIMES + 2
  return { even, readings: 0, far, present: far + REGIMES, least, rows: least + 2, row: (REGIMES + 1) * even }
}

const BYTES = Float64Array.BYTES_PER_ELEMENT

/** Called with where a row lies, and where its readings do. */
function assembleDistances(width: number): WebAssembly.Module {
  const layout = layoutOf(width)
  return assemble(({ load, store, keep }) => {
    const pairs = Array.from({ length: layout.even / 2 }, (_, pair) => {
      const at = 2 * pair
      const reading = keep(load('second', (layout.readings + at) * BYTES))
      const isTold = keep(same(reading, reading))
      const variance = max(load('first', (REGIMES * layout.even + at) * BYTES), load('memory', layout.least * BYTES))
      return { at, isTold, value: keep(and(reading, isTold)), inverse: keep(and(div(constant(1), variance), isTold)) }
    })
    const distances = Array.from({ length: REGIMES }, (_, k) => {
      const parts = pairs.map(({ at, value, inverse }): Pair => {
        const off = keep(sub(value, load('first', (k * layout.even + at) * BYTES)))
        return mul(mul(off, off), inverse)
      })
      return keep(add(...(parts as [Pair, ...Pair[]])))
    })
    const present = keep(add(...(pairs.map(({ isTold }) => and(constant(1), isTold)) as [Pair, ...Pair[]])))
    for (let k = 0; k < REGIMES; k += 2)
      store('memory', (layout.far + k) * BYTES, sums(distances[k]!, distances[k + 1]!))
    store('memory', layout.present * BYTES, sums(present, present))
  })
}

const assembled = new Map<number, WebAssembly.Module>()

export function startDistances(width: number): Machine {
  const module = assembled.get(width) ?? assembleDistances(width)
  assembled.set(width, module)
  return start(module)
}
