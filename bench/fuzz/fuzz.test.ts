import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_GROWN_MB } from '../fuzz.bench.ts'
import { mutate, seeded } from './mutate.ts'
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

test('what is wrong with a decoder is found: a throw, a stall, memory that is kept', () => {
  const kept: Uint8Array[] = []
  const bad: FuzzTarget = {
    name: 'bad',
    samples: () => [Uint8Array.of(1, 2, 3, 4)],
    open: () => (input) => {
      kept.push(new Uint8Array(65_536))
      if (input.length === 0) throw new TypeError('nothing to read')
      if (input.length === 3) for (const until = performance.now() + 8; performance.now() < until; );
    },
    growing: { square: (bytes) => new Uint8Array(bytes) },
    maxBytes: 16,
  }
  const result = runTarget(bad, 0.3, 1)
  assert.ok(result.thrown > 0 && result.slow > 0, JSON.stringify(result))
  assert.match(result.examples.join('\n'), /TypeError: nothing to read/)
  assert.ok(result.grownMb > 0)
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
