import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { STRATEGIES, WORD } from '../../model/overlap.ts'
import { mergeNumbers, type Sayer } from './numbers.ts'

const CARRIED = ['bandwidth', 'cpu', 'memory']
const shape = fc
  .tuple(fc.integer({ min: 8_000, max: 1e9 }), fc.integer({ min: 0, max: 1e9 }))
  .map(([rate, more]) => ({ rate, ceiling: rate + more }))
const wishes = fc.record(
  {
    bandwidth: fc.record({ down: shape, up: shape }, { requiredKeys: [] }),
    cpu: fc.record({ cores: fc.constantFrom(0.5, 1, 2.25, 8), weight: fc.integer({ min: 1, max: 10_000 }) }),
    memory: fc.record({ maxBytes: fc.integer({ min: 1_024, max: 2 ** 20 }).map((pages) => pages * 4_096) }),
  },
  { requiredKeys: [] },
)
const sayers = fc
  .array(
    fc.record({
      p: fc.integer({ min: 5, max: 100 }).map((n) => n / 100),
      word: fc.constantFrom(...WORD),
      wishes,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => all.map((one, i): Sayer => ({ ...one, name: `P${i}`, word: i === 0 ? 'assigned' : one.word })))
const read = (from: object, path: string) =>
  path.split('.').reduce<unknown>((one, step) => (one as Record<string, unknown> | undefined)?.[step], from)

test('every number lies within what was said, is traced to who said it, and belief never raises one', () => {
  fc.assert(
    fc.property(sayers, fc.constantFrom(...STRATEGIES), (all, strategy) => {
      const merged = mergeNumbers(all, { strategy }, CARRIED)
      const granted = mergeNumbers(
        all.filter((one) => one.word !== 'inferred'),
        { strategy },
        CARRIED,
      )
      for (const { what, value, from } of merged.numbers) {
        const said = all.flatMap((one) => (read(one.wishes, what) as number | undefined) ?? [])
        assert.ok(value >= Math.min(...said) && value <= Math.max(...said), `${what} ${value} of ${said.join()}`)
        assert.equal(read(merged.wishes, what), value)
        assert.ok(
          from.length > 0 && from.every((one) => all.some(({ name, p }) => name === one.persona && p === one.p)),
        )
        const allowed = read(granted.wishes, what)
        if (typeof allowed === 'number') assert.ok(value <= allowed, `${what}: belief raised it`)
      }
      for (const way of ['down', 'up'] as const) {
        const bounds = merged.wishes.bandwidth?.[way]
        if (bounds !== undefined) assert.ok(bounds.ceiling >= bounds.rate)
      }
    }),
  )
})

test('one profile alone keeps its numbers', () => {
  fc.assert(
    fc.property(sayers, fc.constantFrom(...STRATEGIES), ([one], strategy) => {
      const { wishes: kept } = mergeNumbers([one!], { strategy }, CARRIED)
      assert.equal(JSON.stringify(kept), JSON.stringify(one!.wishes))
    }),
  )
})

test('rates by every strategy, 70 to 30', () => {
  const saying = (name: string, p: number, rate: number): Sayer => ({
    name,
    p,
    word: 'assigned',
    wishes: { bandwidth: { up: { rate, ceiling: rate } } },
  })
  const both = [saying('Database', 0.7, 100e6), saying('Web User', 0.3, 10e6)]
  assert.deepEqual(
    STRATEGIES.map((strategy) => [strategy, mergeNumbers(both, { strategy }, CARRIED).wishes.bandwidth?.up?.rate]),
    [
      ['priority', 100e6],
      ['share', 100e6],
      ['weighted', 73e6],
      ['strictest', 10e6],
      ['expectedCost', 10e6],
    ],
  )
  assert.deepEqual(mergeNumbers(both, { strategy: 'weighted' }, CARRIED).numbers[0], {
    what: 'bandwidth.up.rate',
    value: 73e6,
    from: [
      { persona: 'Database', p: 0.7, value: 100e6 },
      { persona: 'Web User', p: 0.3, value: 10e6 },
    ],
  })
  assert.deepEqual(
    mergeNumbers(both, { strategy: 'strictest' }, []).numbers,
    [],
    'a driver that carries none gets none',
  )
})
