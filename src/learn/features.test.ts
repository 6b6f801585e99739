import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadId } from '../model/ids.ts'
import { BUCKETS, createWindow, sumAt, WINDOW_MS } from '../model/window.ts'
import { FEATURES, features } from './features.ts'

const at = (name: string) => FEATURES.findIndex((feature) => feature.name === name)
const empty = () => createWindow('w' as WorkloadId, 0, WINDOW_MS)

test('every feature has a name of its own, a unit and a reason', () => {
  assert.equal(new Set(FEATURES.map((f) => f.name)).size, FEATURES.length)
  for (const feature of FEATURES) assert.ok(feature.why.length > 10 && feature.unit, feature.name)
})

test('what a window does not say is not known, never zero', () => {
  const x = features(empty())
  for (const name of ['initiatedShare', 'failedInitiated', 'outServed', 'peersInitiated', 'gapEntropy', 'packetOut'])
    assert.ok(Number.isNaN(x[at(name)]!), name)
  assert.ok(x.every((v) => Number.isNaN(v) || Number.isFinite(v)))
})

test('shares, rates and entropies are what their names say', () => {
  const window = empty()
  window.sums[sumAt.flowsInitiated] = 30
  window.sums[sumAt.flowsServed] = 10
  window.sums[sumAt.failedInitiated] = 15
  window.sums[sumAt.bytesOutInitiated] = 3_000
  window.sums[sumAt.bytesInInitiated] = 9_000
  const gaps = 3 * BUCKETS
  window.histograms[gaps + 2] = 4
  window.histograms[gaps + 5] = 4
  const x = features(window)
  assert.equal(x[at('initiatedShare')], 0.75)
  assert.equal(x[at('failedInitiated')], 0.5)
  assert.equal(x[at('outInitiated')], 0.25)
  assert.equal(x[at('flowRate')], Math.log2(1 + 80))
  assert.equal(x[at('outPerInitiated')], Math.log2(101))
  assert.equal(x[at('gapEntropy')], 1)
  assert.equal(x[at('gapMean')], 3.5)
})

test('every feature can be said with its number', () => {
  for (const feature of FEATURES) assert.match(feature.say(0.5), /\d/, feature.name)
})
