import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../random.ts'
import { discover, type Stray } from './discover.ts'
import { type Followed, isStable } from './follow.ts'

const MINUTE = 60_000
const novelty = { scale: Float64Array.of(1, 1, 1), prototypes: Float64Array.of(0, 0, 0), threshold: 0.4, slope: 10 }

/** A window each half minute of a workload near a place. */
function windows(workload: string, place: readonly number[], from: number, to: number): Stray[] {
  const random = seeded(workload.length * 100 + workload.charCodeAt(workload.length - 1))
  const found: Stray[] = []
  for (let at = from; at < to; at += MINUTE / 2)
    found.push({ workload, at: at + 1, x: Float64Array.from(place, (v) => v + 0.2 * (random() - 0.5)) })
  return found
}

function rounds(
  strays: readonly Stray[],
  minutes: number,
  before: readonly Followed[] = [],
  from = 1,
): readonly Followed[] {
  let followed = before
  for (let n = from; n <= minutes; n++) followed = discover(novelty, followed, strays, n * MINUTE)
  return followed
}

test('workloads that are alike for a while are one stable cluster; noise is none', () => {
  const random = seeded(3)
  const noise = Array.from({ length: 40 }, (_, i) => ({
    workload: `n${i % 10}`,
    at: i * 8_000,
    x: Float64Array.from({ length: 3 }, () => 40 * random()),
  }))
  const alike = ['a', 'b', 'c'].flatMap((name) => windows(name, [9, 9, 9], 0, 6 * MINUTE))
  const stable = rounds([...alike, ...noise], 6).filter(isStable)
  assert.deepEqual(
    stable.map(({ cluster }) => cluster.workloads),
    [['a', 'b', 'c']],
  )
  assert.equal(stable[0]!.cluster.exemplars.length, 3)
})

test('a cluster keeps its identity while its workloads are replaced', () => {
  const first = ['a', 'b', 'c'].flatMap((name) => windows(name, [9, 9, 9], 0, 6 * MINUTE))
  const then = ['d', 'e', 'f'].flatMap((name) => windows(name, [9, 9, 9], 6 * MINUTE, 60 * MINUTE))
  const early = rounds([...first, ...then], 6)
  const late = rounds([...first, ...then], 60, early, 7)
  assert.deepEqual(
    early.map(({ id }) => id),
    [1],
  )
  assert.deepEqual(
    late.map(({ id, cluster }) => [id, ...cluster.workloads]),
    [[1, 'd', 'e', 'f']],
  )
})

test('windows that are only remembered do not make a cluster stable', () => {
  const alike = ['a', 'b'].flatMap((name) => windows(name, [9, 9, 9], 0, 2 * MINUTE))
  assert.deepEqual(rounds(alike, 10).filter(isStable), [])
  assert.deepEqual(rounds(alike, 50), [], 'and it is forgotten')
})

test('one workload nobody is like is proposed once it was itself for six minutes', () => {
  const alone = windows('a', [9, 9, 9], 0, 10 * MINUTE)
  assert.deepEqual(rounds(alone, 5), [])
  assert.deepEqual(
    rounds(alone, 10)
      .filter(isStable)
      .map(({ cluster }) => cluster.workloads),
    [['a']],
  )
})

test('a feature that is not known is not known of the cluster; one that some do not show is', () => {
  const nan = Number.NaN
  const strays = [
    ...windows('a', [9, 9, nan], 0, 4 * MINUTE),
    ...windows('b', [9, 9, nan], 0, 4 * MINUTE),
    ...windows('c', [9, 9, nan], 0, 4 * MINUTE),
  ]
  const [one] = rounds(strays, 4)
  assert.equal(one!.cluster.workloads.length, 3)
  assert.ok(Number.isNaN(one!.cluster.centre[2]!))
})

test('the same windows in another order give the same clusters', () => {
  const strays = ['a', 'b', 'c', 'd'].flatMap((name, i) => windows(name, i < 2 ? [9, 9, 9] : [9, 3, 20], 0, 5 * MINUTE))
  assert.deepEqual(rounds(strays.toReversed(), 5), rounds(strays, 5))
})

test('a round over ten thousand windows looks at a bounded number of them', () => {
  const strays = Array.from({ length: 500 }, (_, n) => windows(`w${n}`, [9 + (n % 7), 9, 9], 0, 10 * MINUTE)).flat()
  const began = process.cpuUsage()
  const followed = rounds(strays, 10, [], 10)
  assert.ok(process.cpuUsage(began).user < 2_000_000)
  assert.ok(followed.length > 0)
})
