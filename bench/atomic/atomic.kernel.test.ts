/** One death of each kind; the whole of it is `bench -- atomic`. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { openGroundOf } from './drivers.ts'
import { type Ground, learnGolden } from './ground.ts'
import { QUICK } from './quick.ts'
import { attempt } from './trial.ts'

const skip = needRoot()
let ground: Ground

before(async () => {
  if (skip !== false) return
  ground = await openGroundOf('netns', 'aq', 'enforcer')
  await learnGolden(ground)
})
after(async () => {
  if (skip === false) await ground?.close()
})

for (const { leaves, ...trial } of QUICK)
  test(`${trial.faults.join(', then ') || `${trial.victim} at some moment`}: ${leaves}, whole`, { skip }, async () => {
    const to = ground.wears === 0 ? 1 : 0
    const { killed, wears, difference } = await attempt(ground, { ...trial, to })
    assert.ok(killed, 'the point was not passed')
    assert.notEqual(wears, null, difference)
    if (leaves !== 'either') assert.equal(wears === to ? 'after' : 'before', leaves)
  })
