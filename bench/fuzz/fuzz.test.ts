import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_GROWN_MB, MAX_GROWTH } from '../fuzz.bench.ts'
import { seeded } from '../seeded.ts'
import { mutate } from './mutate.ts'
import { runTarget } from './run-target.ts'
import type { FuzzTarget } from './target.ts'
import { TARGETS } from './targets.ts'

for (const target of TARGETS)
  test(`a second of mutated input: ${target.name} throws nothing of its own, and is quick`, () => {
    const { inputs, thrown, slow, grownMb, examples } = runTarget({ ...target, growing: {} }, 1, 20_260_101)
    assert.ok(inputs > 100, `only ${inputs} inputs`)
    assert.deepEqual({ thrown, slow }, { thrown: 0, slow: 0 }, examples.join('\n'))
    assert.ok(grownMb <= MAX_GROWN_MB, `${grownMb} MB more are alive`)
  })

const bad = (feed: (input: Uint8Array) => void): FuzzTarget => ({
  name: 'bad',
  samples: () => [Uint8Array.of(1, 2, 3, 4)],
  open: () => feed,
  growing: {},
  maxBytes: 16,
})

test('what is wrong with a decoder is found: a throw', () => {
  const thrower = bad((input) => {
    if (input.length === 0) throw new TypeError('nothing to read')
  })
  const result = runTarget(thrower, 0.2, 1)
  assert.ok(result.thrown > 0)
  assert.match(result.examples[0]!, /TypeError: nothing to read/)
})

test('what is wrong with a decoder is found: a stall', () => {
  // Processor time: the clock goes on while others have the processor.
  const staller = bad((input) => {
    const begun = process.cpuUsage()
    while (input.length === 3 && process.cpuUsage(begun).user < 8_000);
  })
  assert.ok(runTarget(staller, 0.2, 1).slow > 0)
})

test('time that grows with the square of the input is told from time that grows with it', () => {
  const target = (work: (bytes: number) => number): FuzzTarget => ({
    name: 'growing',
    samples: () => [Uint8Array.of(1)],
    open: () => (input) => {
      let sum = 0
      for (let i = work(input.length); i > 0; i--) sum = (sum * 31 + i) | 0
      if (sum === 1) throw new Error('never')
    },
    growing: { it: (bytes) => new Uint8Array(bytes) },
    maxBytes: 256,
  })
  const square = runTarget(
    target((n) => (n * n) >> 2),
    0.05,
    1,
  )
  const linear = runTarget(
    target((n) => n * 50),
    0.05,
    1,
  )
  assert.ok(square.growth > MAX_GROWTH, `${square.growth}`)
  assert.ok(linear.growth < MAX_GROWTH, `${linear.growth}`)
})

test('the same seed makes the same inputs, none longer than may be', () => {
  const samples = [Uint8Array.from({ length: 100 }, (_, i) => i), Uint8Array.of(7)]
  const inputsOf = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 500 }, () => mutate(samples, random, 120))
  }
  assert.deepEqual(inputsOf(5), inputsOf(5))
  assert.notDeepEqual(inputsOf(5), inputsOf(6))
  assert.ok(inputsOf(5).every((input) => input.length <= 120))
})

test('a sample stays what it was, a Buffer too', () => {
  const sample = Buffer.from('as it was sent')
  const random = seeded(5)
  for (let n = 0; n < 500; n++) mutate([sample], random, 120)
  assert.equal(sample.toString(), 'as it was sent')
})
