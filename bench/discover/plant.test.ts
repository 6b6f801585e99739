/** The published figures of discovery, on two of the planted types: the bench does all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRuns } from '../../lab/dataset.ts'
import { splitRuns, stepsOf } from '../../lab/train.ts'
import { describe, familiar, sentence } from '../../src/learn/discover/describe.ts'
import { clustersOf } from '../../src/learn/discover/discover.ts'
import { DEFAULT_MODEL } from '../../src/learn/model.ts'
import { judge, plant } from './plant.ts'
import { changeRoles } from './roles.ts'

const split = splitRuns(readRuns().runs)

for (const type of ['Idle', 'API Server'])
  test(`a planted ${type} is proposed within 15 minutes, nearly pure`, () => {
    const { minutes, right, windows, found, workloads } = plant(split, type)
    assert.ok(minutes !== null && minutes <= 15)
    assert.ok(right / windows >= 0.95, `${right} of ${windows}`)
    assert.ok(found / workloads >= 0.6, `${found} of ${workloads} workloads`)
  })

test('where nothing is new hardly anything is proposed', () => {
  assert.ok(judge(DEFAULT_MODEL, stepsOf(split.measuring), '').others <= 1)
})

test('a workload that changes its role is believed within three windows, and it says why', () => {
  const changed = changeRoles(DEFAULT_MODEL, stepsOf(split.measuring.slice(0, 1)))
  const within = changed.filter(({ windows }) => windows <= 3)
  assert.ok(changed.length >= 100 && within.length / changed.length >= 0.95, `${within.length} of ${changed.length}`)
  assert.deepEqual(
    within.filter(({ because }) => because.length === 0),
    [],
  )
})

test('a cluster is told in words with numbers, and the persona it is of is the nearest', () => {
  const windows = stepsOf(split.measuring.slice(0, 1))
    .filter(({ persona }) => persona === 'Web User')
    .flatMap((sequence, n) =>
      sequence.windows.flatMap(({ at, seen }) =>
        seen.kind === 'active' ? [{ workload: `w${n}`, at, x: seen.x }] : [],
      ),
    )
  const cluster = clustersOf(DEFAULT_MODEL.novelty, windows)[0]!
  const told = describe(DEFAULT_MODEL, familiar(DEFAULT_MODEL), cluster)
  assert.equal(told.nearest[0]!.persona, 'Web User')
  assert.ok(told.nearest[0]!.distance < 1 && told.nearest.length === DEFAULT_MODEL.personas.length)
  assert.match(
    sentence({ ...told, because: ['it had 3 flows a minute'] }, 2, 9),
    /^2 workloads .* 9 windows: it had 3 flows/,
  )
})
