import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FEATURES } from './features.ts'
import { explain, parseForest, predict } from './forest.ts'
import { loadModel, type ModelJson } from './model.ts'
import shipped from './models/default.json' with { type: 'json' }

const json = () => structuredClone(shipped) as ModelJson

test('the shipped model loads and its leaves are distributions', () => {
  const model = loadModel(json())
  const out = new Float64Array(model.forest.classes)
  predict(model.forest, new Float64Array(FEATURES.length), out)
  assert.ok(Math.abs(out.reduce((a, b) => a + b, 0) - 1) < 1e-3)
})

test('features in another order, or of another version, are refused with the cure', () => {
  const swapped = json()
  swapped.featureNames = [...swapped.featureNames].reverse()
  assert.throws(() => loadModel(swapped), /made for .* Train it again: node lab\/train\.ts/)
  assert.throws(() => loadModel({ ...json(), features: 'features/0' }), /features\/0/)
})

test('columns that do not agree are refused', () => {
  assert.throws(() => loadModel({ ...json(), prior: [1] }), /do not agree/)
  const forest = { roots: [0], feature: [3], threshold: [1], left: [0], share: [0.5, 0.5] }
  assert.throws(() => parseForest(forest, 2), /does not come after its parent/)
  assert.throws(() => parseForest({ ...forest, left: [] }, 2), /do not agree/)
})

test('what moved a prediction adds up to the prediction', () => {
  const { forest } = loadModel(json())
  const { classes, roots, share } = forest
  const x = Float64Array.from(FEATURES, (_, i) => i / 3)
  const out = new Float64Array(classes)
  predict(forest, x, out)
  for (let c = 0; c < classes; c++) {
    const start = roots.reduce((sum, root) => sum + share[root * classes + c]! / roots.length, 0)
    const end = explain(forest, x, c).reduce((sum, added) => sum + added, start)
    assert.ok(Math.abs(end - out[c]!) < 1e-6)
  }
})
