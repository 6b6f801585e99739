import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { runSeries } from './series.ts'

test('a workload shifts under load: what both personas permit loses nothing, what the new one denies stops', {
  skip: needRoot(),
  timeout: 60_000,
}, async () => {
  const series = await runSeries('st', 30, { facets: 'whole', address: 'same' }, 20)
  assert.equal(series.lost, 0)
  assert.equal(series.broken, 0)
  assert.ok(series.mostPassedDenied <= 1, `${series.mostPassedDenied} messages passed a denial`)
  assert.ok(series.denied > 500 && series.sent > 5_000, `${series.denied} denied of ${series.sent}`)
  assert.ok(Number.isFinite(series.p99_ms))
})
