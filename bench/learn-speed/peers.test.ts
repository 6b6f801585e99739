import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METRICS } from '../../src/learn/watch/metrics.ts'
import { drawFleet } from './fleet.ts'
import {
  accuracyOf,
  addVotes,
  createPeer,
  createVotes,
  drawRows,
  fitOurs,
  labelsOfOurs,
  labelsOfVotes,
  tableOf,
} from './forests.ts'
import { runOurs, runPeer } from './kalmans.ts'

test('our filter and the npm one expect the same of every reading', () => {
  const readings = Array.from({ length: 400 }, (_, k) => 3 + Math.sin(k / 9) + ((k * 31) % 17) / 17)
  const theirs = runPeer(readings)
  for (const [k, ours] of runOurs(readings).entries())
    assert.ok(Math.abs(ours - theirs[k]!) < 1e-9, `reading ${k}: ${ours}, theirs ${theirs[k]}`)
})

test('both forests learn from the same rows and are asked the same ones, and neither guesses', () => {
  const { train, held } = drawRows(2)
  assert.ok(accuracyOf(labelsOfOurs(fitOurs(train), held), held) > 0.9)
  const few = { ...train, count: 120 }
  const peer = createPeer(3, 1)
  peer.train(tableOf(few), [...few.label.subarray(0, few.count)])
  const votes = createVotes(held)
  addVotes(votes, peer.predictionValues(tableOf(held)))
  assert.equal(
    votes.reduce((sum, n) => sum + n, 0),
    3 * held.count,
  )
  assert.ok(accuracyOf(labelsOfVotes(votes), held) > 0.5)
})

test('a fleet is drawn the same each time, with holes, and goes through several modes', () => {
  const [one, again] = [drawFleet(20, 30, 4), drawFleet(20, 30, 4)]
  assert.deepEqual(one, again)
  const readings = one.flatMap((batch) => [...batch.readings])
  assert.equal(readings.length, 20 * 30 * METRICS.length)
  const holes = readings.filter(Number.isNaN).length / readings.length
  assert.ok(holes > 0.01 && holes < 0.06, `${holes}`)
})
