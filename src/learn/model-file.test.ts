/** A file of a model may be anything: what is whole is read, all else is refused with its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SHIPPED_MODEL } from './model.ts'
import { modelId, readModelFile } from './model-file.ts'

const { provenance } = SHIPPED_MODEL
const shipped = readModelFile(SHIPPED_MODEL)

/** As a file with one thing else in it. */
function withOther(path: string, value: unknown): object {
  const keys = path.slice(1).split('/')
  const edit = (node: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return value
    const copy = Array.isArray(node) ? [...node] : { ...(node as object) }
    const at = copy as Record<string, unknown>
    if (value === undefined && rest.length === 0) delete at[key]
    else at[key] = edit(at[key], rest)
    return copy
  }
  return edit(SHIPPED_MODEL, keys) as object
}

test('the shipped file is whole, and tells where it comes from and what it is worth', () => {
  assert.ok(shipped.ok)
  const { record } = shipped.value
  assert.equal(record.id, modelId(JSON.parse(JSON.stringify(SHIPPED_MODEL, null, 2))))
  assert.match(record.provenance.dataset ?? '', /^[0-9a-f]{64}$/)
  const { metrics, fitting, measuring } = record.provenance
  assert.ok(metrics !== null && metrics.windows > 1_000 && metrics.ece < 0.1)
  assert.deepEqual(
    measuring.filter((run) => fitting.includes(run)),
    [],
  )
})

test('one that nobody measured is whole too', () => {
  const { metrics, ...rest } = provenance
  const read = readModelFile({ ...SHIPPED_MODEL, provenance: rest })
  assert.ok(metrics !== undefined && read.ok)
  assert.equal(read.value.record.provenance.metrics, null)
  assert.notEqual(read.value.record.id, modelId(SHIPPED_MODEL))
})

for (const [place, value, code, where = place] of [
  ['/features', 'features/1', 'model-features'],
  ['/featureNames/3', 'other', 'model-features'],
  ['/forest/share/5', 'x', 'model-damaged'],
  ['/forest/share/5', 1.5, 'model-damaged'],
  ['/forest/feature/0', 38, 'model-damaged'],
  ['/forest/left/0', 0, 'model-damaged', '/forest'],
  ['/forest/roots/0', 999_999, 'model-damaged', '/forest'],
  ['/forest/threshold', [], 'model-damaged', '/forest'],
  ['/personas/1', '<b>', 'model-damaged'],
  ['/personas/8', 'Ninth', 'model-damaged', '/prior'],
  ['/novelty', undefined, 'model-damaged'],
  ['/novelty/scale/2', 0, 'model-damaged'],
  ['/novelty/prototypes/0', '1', 'model-damaged'],
  ['/filter/stay', 2, 'model-damaged'],
  ['/provenance/metrics/confusion/2', [1], 'model-damaged'],
  ['/provenance/typical', { Database: [[0, 1]] }, 'model-damaged'],
  ['/provenance/metrics/bins', [], 'model-damaged'],
] as const)
  test(`${place} as ${JSON.stringify(value)} is refused`, () => {
    const read = readModelFile(withOther(place, value))
    assert.ok(!read.ok)
    assert.deepEqual([read.code, read.where], [code, where])
    assert.ok(read.why.includes(where) && read.cure.length > 0, read.why)
  })

test('a forest that asks without end costs nobody time', () => {
  const deep = 60
  const nodes = 2 * deep + 1
  const forest = {
    roots: [0],
    feature: Array.from({ length: nodes }, (_, i) => (i % 2 === 0 && i < 2 * deep ? 0 : -1)),
    threshold: new Array(nodes).fill(0),
    left: Array.from({ length: nodes }, (_, i) => (i % 2 === 0 && i < 2 * deep ? i + 1 : -1)),
    share: new Array(nodes * 9).fill(0.1),
  }
  const read = readModelFile({ ...SHIPPED_MODEL, forest })
  assert.match(
    read.ok ? '' : read.why,
    /^The model cannot be read: \/forest\/left\/80 leads deeper than 40 questions\.$/,
  )
})

test('whatever it is, it is read or refused, never thrown', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = readModelFile(value)
      assert.ok(!read.ok && read.why.length > 0)
    }),
  )
  const recogniser = readModelFile({ format: 'guise-recogniser/1' })
  assert.match(recogniser.ok ? '' : recogniser.cure, /guise learn evaluate/)
})
