import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  above,
  add,
  and,
  assemble,
  choose,
  constant,
  copyRows,
  div,
  makeRoom,
  max,
  min,
  mul,
  type Pair,
  type Program,
  root,
  same,
  start,
  sub,
  sums,
} from './pairs.ts'

const machineOf = (write: (program: Program) => void) => start<'step'>(assemble({ step: write }))

/** What a program makes of a pair at the first pointer and one at the second: it goes out at the beginning. */
function run(program: (a: Pair, b: Pair) => Pair, a: readonly number[], b: readonly number[]): number[] {
  const machine = machineOf(({ load, store, keep }) =>
    store('memory', 0, program(keep(load('first', 0)), load('second', 16))),
  )
  const numbers = makeRoom(machine, 16)
  numbers.set(a, 4)
  numbers.set(b, 10)
  machine.step(4 * 8, 8 * 8, 0)
  return [...numbers.subarray(0, 2)]
}

const chosen = (holds: boolean, a: number, b: number): number => (holds ? a : b)
const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-320))
const pair = fc.tuple(number, number)

test('a pair says to the last bit what two numbers say, whatever they are', () => {
  const all: [(a: Pair, b: Pair) => Pair, (a: number, b: number) => number][] = [
    [add, (a, b) => a + b],
    [sub, (a, b) => a - b],
    [mul, (a, b) => a * b],
    [div, (a, b) => a / b],
    [(a) => root(a), (a) => Math.sqrt(a)],
    [min, (a, b) => chosen(b < a, b, a)],
    [max, (a, b) => chosen(a < b, b, a)],
    [(a, b) => choose(above(a, b), a, b), (a, b) => chosen(a > b, a, b)],
    [(a, b) => choose(same(a, a), a, b), (a, b) => (Number.isNaN(a) ? b : a)],
    [(a, b) => and(b, same(a, a)), (a, b) => (Number.isNaN(a) ? 0 : b)],
    [(a, b) => add(a, b, constant(0.1)), (a, b) => a + b + 0.1],
  ]
  fc.assert(
    fc.property(pair, pair, (a, b) => {
      for (const [program, plain] of all)
        assert.deepEqual(run(program, a, b), [plain(a[0], b[0]), plain(a[1], b[1])], program.toString())
    }),
    { numRuns: 200 },
  )
})

test('what is kept is computed once, and as it was then; sums are those of each pair', () => {
  assert.deepEqual(run(sums, [1, 2], [30, 40]), [3, 70])
  const machine = machineOf(({ load, store, keep }) => {
    const before = keep(load('first', 0))
    store('first', 0, add(before, constant(1)))
    store('first', 16, before)
  })
  const numbers = makeRoom(machine, 8)
  numbers.set([5, 6])
  machine.step(0, 0, 0)
  assert.deepEqual([...numbers.subarray(0, 4)], [6, 7, 5, 6])
})

test('room that is made keeps what was there, and a program of thousands of bytes and hundreds of kept pairs runs', () => {
  const machine = machineOf(({ load, store, keep }) => {
    const all = Array.from({ length: 300 }, (_, k) => keep(mul(load('memory', 0), constant(k))))
    store('memory', 1 << 20, add(...(all as [Pair, ...Pair[]])))
  })
  makeRoom(machine, 2).set([1, -2])
  const numbers = makeRoom(machine, 200_000)
  machine.step(0, 0, 0)
  assert.deepEqual([...numbers.subarray(131_072, 131_074)], [44_850, -89_700])
  assert.equal(makeRoom(machine, 10).byteLength, numbers.byteLength)
})

test('beyond its memory a program throws, and writes nothing elsewhere', () => {
  const machine = machineOf(({ store }) => store('third', 0, constant(1)))
  assert.throws(() => machine.step(0, 0, machine.memory.buffer.byteLength - 8), /out of bounds/)
})

test('rows are copied from any stride to any other, and nothing beside them', () => {
  const source = Float64Array.from({ length: 12 }, (_, i) => i)
  const apart = new Float64Array(12).fill(-1)
  copyRows(3, 3, source, 1, 3, apart, 0, 4)
  assert.deepEqual([...apart], [1, 2, 3, -1, 4, 5, 6, -1, 7, 8, 9, -1])
  const back = new Float64Array(9)
  copyRows(3, 3, apart, 0, 4, back, 0, 3)
  assert.deepEqual([...back], [1, 2, 3, 4, 5, 6, 7, 8, 9])
})
