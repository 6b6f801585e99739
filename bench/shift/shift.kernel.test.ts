import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { changeAddresses } from './address.ts'
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

test('a change of address breaks no connection: the old one goes when the last of them is over, new ones come from the new', {
  skip: needRoot(),
  timeout: 60_000,
}, async () => {
  const { p50_ms: _, messages, ...change } = await changeAddresses('sx', 1, 500)
  assert.deepEqual(change, { changes: 1, lost_packets: 0, broken: 0, drained: 1, not_drained: 0, new_source: 1 })
  assert.ok(messages > 500, `${messages} messages`)
})
