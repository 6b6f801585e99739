import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { needRoot } from '../../test/need.ts'
import { type ControlPlane, type ControlPlaneTrial, startControlPlane } from './control-plane.ts'

const skip = needRoot()
let plane: ControlPlane

before(async () => {
  if (skip === false) plane = await startControlPlane('t', { warmUps: [0, 1] })
})
after(() => plane?.close())

const whole = async (trial: ControlPlaneTrial) => {
  const { restoreMs: _, ...verdict } = await plane.tryOut(trial)
  assert.deepEqual(verdict, { killed: true, mixed: [], lost: [], doubled: [] })
}

test('the database dies when every agent holds a plan and the record does not say so yet', { skip }, () =>
  whole({ victim: 'database', at: 'server:all-confirmed' }),
)

test('the server dies with a shift stored and nobody told: asked again with its key, it is there once', { skip }, () =>
  whole({ victim: 'server', at: 'server:proposed' }),
)
