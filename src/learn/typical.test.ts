import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FEATURE_WORDS } from './feature-words.ts'
import { FEATURES } from './features.ts'
import { predict } from './forest.ts'
import { DEFAULT_MODEL } from './model.ts'
import { readTypical, standingOf } from './typical.ts'

const indexOf = (name: string) => FEATURES.findIndex((feature) => feature.name === name)
const middle = (persona: string) =>
  DEFAULT_MODEL.typical[persona]!.map((range) => (range === null ? Number.NaN : (range[0] + range[1]) / 2))

test('every feature has words of its own', () => {
  assert.deepEqual(Object.keys(FEATURE_WORDS).sort(), FEATURES.map(({ name }) => name).sort())
  assert.equal(new Set(Object.values(FEATURE_WORDS).map(({ standing }) => standing)).size, FEATURES.length)
})

test('the shipped model knows what each of its personas is like', () => {
  assert.deepEqual(Object.keys(DEFAULT_MODEL.typical).sort(), [...DEFAULT_MODEL.personas].sort())
  const [low, high] = DEFAULT_MODEL.typical.Database![indexOf('initiatedShare')]!
  assert.ok(low >= 0 && high <= 0.5, 'a database is asked, it does not ask')
})

test('a window in the middle of its persona is outside nowhere; one that uploads is outside there, first, in bytes and shares', () => {
  const x = middle('Web User')
  assert.ok(standingOf(DEFAULT_MODEL, 'Web User', x).every(({ outside }) => !outside))
  x[indexOf('outInitiated')] = 0.99
  x[indexOf('byteRate')] = 40
  const [first, second, ...rest] = standingOf(DEFAULT_MODEL, 'Web User', x)
  assert.deepEqual(new Set([first!.name, second!.name]), new Set(['outInitiated', 'byteRate']))
  assert.ok(rest.every(({ outside }) => !outside))
  const bytes = [first!, second!].find(({ name }) => name === 'byteRate')!
  assert.deepEqual([bytes.unit, bytes.value], ['bytes per minute', Number((2 ** 40 - 1).toPrecision(4))])
  assert.ok(bytes.low! < bytes.high! && bytes.high! < bytes.value!)
})

test('what was not seen is null and never outside; what moved sums up to what the forest says above its mean', () => {
  const x = middle('Scanner').map((value, i) => (i % 3 === 0 ? Number.NaN : value))
  const standing = standingOf(DEFAULT_MODEL, 'Scanner', x)
  for (const { name, value, outside, moved } of standing) {
    const isMasked = Number.isNaN(x[indexOf(name)]!)
    assert.equal(value === null, isMasked, name)
    if (isMasked) assert.deepEqual([outside, moved], [false, null], name)
  }
  const { forest, personas } = DEFAULT_MODEL
  const share = new Float64Array(forest.classes)
  const whole = middle('Scanner')
  predict(forest, Float64Array.from(whole), share)
  const wanted = personas.indexOf('Scanner')
  const mean = forest.roots.reduce((sum, root) => sum + forest.share[root * forest.classes + wanted]!, 0)
  const moved = standingOf(DEFAULT_MODEL, 'Scanner', whole).reduce((sum, one) => sum + (one.moved ?? 0), 0)
  const masked = whole.some(Number.isNaN) ? 0.05 : 1e-3
  assert.ok(Math.abs(moved - (share[wanted]! - mean / forest.roots.length)) < masked)
})

test('nobody, somebody that the model does not know, and no window yet: values without ranges, ranges without values', () => {
  const x = middle('Database')
  for (const persona of [null, 'Baker'])
    for (const one of standingOf(DEFAULT_MODEL, persona, x))
      assert.deepEqual([one.low, one.high, one.outside, one.moved], [null, null, false, null])
  const none = standingOf(DEFAULT_MODEL, 'Database', null)
  assert.ok(none.every(({ value, moved, outside }) => value === null && moved === null && !outside))
  assert.ok(none.some(({ low }) => low !== null))
})

test('a file whose ranges are not of these features is refused; one without any is of an older release', () => {
  assert.deepEqual(readTypical({}), {})
  const whole = FEATURES.map(() => [0, 1])
  assert.deepEqual(readTypical({ typical: { A: whole } }), { A: whole })
  for (const broken of [
    null,
    3,
    { A: whole.slice(1) },
    { A: whole.map(() => [1, 0]) },
    { A: whole.map(() => ['0', 1]) },
  ])
    assert.throws(() => readTypical({ typical: broken }), /not two numbers for each/)
})
