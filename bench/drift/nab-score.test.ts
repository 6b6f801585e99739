import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATA, needData } from '../../test/need.ts'
import { readDetector, readNab } from './nab-files.ts'
import { bestScore, PROFILES, probation, scoreAt } from './nab-score.ts'
import { coverOf, f1Of } from './tcpd.ts'

const rows = (length: number, hits: readonly number[]) =>
  Float64Array.from({ length }, (_, row) => (hits.includes(row) ? 1 : 0))

test('the published scores of two detectors, from their own outputs', {
  skip: needData('nab/detector_outputs'),
}, () => {
  const series = readNab(`${DATA}/nab`)
  for (const [name, threshold, score] of [
    ['windowedGaussian', 1, '37.91'],
    ['numenta', 0.5421876907348634, '68.02'],
  ] as const) {
    const files = readDetector(`${DATA}/nab`, name, series)
    assert.ok(files !== null)
    assert.equal(scoreAt(files, PROFILES.standard, threshold).toFixed(2), score)
    assert.ok(bestScore(files, PROFILES.standard).score >= scoreAt(files, PROFILES.standard, threshold))
  }
})

test('first row of the window is 100, silence is 0, a row before any window costs a full false alarm', () => {
  const file = (hits: readonly number[]) => [{ name: 'a', scores: rows(1_000, hits), windows: [[500, 599]] as const }]
  assert.equal(scoreAt(file([500]), PROFILES.standard, 1), 100)
  assert.equal(scoreAt(file([]), PROFILES.standard, 1), 0)
  assert.ok(Math.abs(scoreAt(file([500, 300]), PROFILES.standard, 1) - (100 - (100 * 0.11) / 2)) < 1e-9)
  assert.ok(scoreAt(file([500, 601]), PROFILES.standard, 1) > 99.7, 'just after a window costs next to nothing')
  assert.equal(scoreAt(file([500, 100]), PROFILES.standard, 1), 100, 'probation is not judged')
  assert.equal(probation(1_000), 150)
  assert.equal(probation(20_000), 750)
})

test('change points: right ones in the margin score 1, each is matched once, cover of the truth is 1', () => {
  assert.equal(f1Of([50], [[50], [53]]), 1)
  assert.equal(f1Of([], [[]]), 1)
  assert.ok(f1Of([50, 51], [[50]]) < 1)
  assert.equal(coverOf([50], [[50]], 100), 1)
  assert.equal(coverOf([], [[50]], 100), 0.5)
})
