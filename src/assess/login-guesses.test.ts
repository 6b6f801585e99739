import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { parseAddress } from '../model/address.ts'
import { Evidence } from '../model/evidence.ts'
import { createFlowBatch } from '../model/flow.ts'
import type { Hint, LoginHint } from '../model/hint.ts'
import { createDetectors } from './detectors.ts'
import { createNeverBlock } from './indicators.ts'

const T = 1_700_000_000_000
const SOURCE = '10.0.0.5'
const TARGET = '203.0.113.7'

const login = (at: number, over: Partial<LoginHint> = {}): Hint => ({
  kind: 'login',
  at: T + at,
  source: parseAddress(SOURCE)!,
  target: parseAddress(TARGET)!,
  sourcePort: 4_000,
  targetPort: 25,
  proto: 6,
  service: 'smtp',
  outcome: 'refused',
  client: '',
  ...over,
})
const every = (ms: number, count: number, over: Partial<LoginHint> = {}) =>
  Array.from({ length: count }, (_, i) => login(i * ms, over))

function run(hints: readonly Hint[], neverBlock: readonly string[] = []): Evidence[] {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'], neverBlock: createNeverBlock(neverBlock) })
  const found: Evidence[] = []
  for (const hint of hints) {
    const batch = createFlowBatch(1)
    batch.hints.push(hint)
    detectors.add(batch)
    for (const { evidence } of detectors.evaluate(hint.at)) {
      assert.ok(Value.Check(Evidence, evidence), JSON.stringify(evidence))
      found.push(evidence)
    }
  }
  return found
}

test('three refused log-ins in ten seconds are worth a look, not more', () => {
  const found = run(every(4_000, 3))
  assert.deepEqual(
    found.map(({ kind, subject, peer, weight, why }) => [kind, subject, peer, weight, why]),
    [['bruteforce', SOURCE, `${TARGET}:25`, 1.5, `was refused 3 SMTP log-ins at ${TARGET}:25 in 8 s`]],
  )
  assert.deepEqual(run(every(6_000, 3)), [])
  assert.deepEqual(run(every(200_000, 40)), [], 'a program with an old password, every few minutes')
})

test('a series weighs more as it grows, and most when it was let in at last', () => {
  const found = run([
    ...every(10_000, 40, { service: 'ssh', targetPort: 22 }),
    login(400_000, { targetPort: 22, service: 'ssh', outcome: 'accepted' }),
  ])
  const weights = found.map(({ weight }) => weight)
  assert.deepEqual(
    weights,
    [...weights].sort((a, b) => a - b),
  )
  assert.equal(found[0]!.weight, 2)
  const last = found.at(-1)!
  assert.ok(last.weight > 4 && last.authenticated)
  assert.match(last.why, /^was refused \d+ SSH log-ins .*, then was let in$/)
})

test('log-ins that went well, or of which nothing is known, are none unless there are very many', () => {
  assert.deepEqual(run(every(1_000, 200, { outcome: 'accepted' })), [])
  assert.deepEqual(run(every(1_000, 19, { outcome: 'unknown' })), [])
  assert.match(run(every(1_000, 20, { outcome: 'unknown' }))[0]!.why, /^tried 20 SMTP log-ins/)
})

test('another target, another port and who must never be blocked are counted apart', () => {
  const spread = Array.from({ length: 20 }, (_, i) => login(i * 1_000, { target: parseAddress(`203.0.113.${i}`)! }))
  assert.deepEqual(run(spread), [])
  assert.deepEqual(run(every(1_000, 20), [`${TARGET}/32`]), [])
  assert.deepEqual(run(every(1_000, 20), [`${SOURCE}/32`]), [])
})

test('whoever gets the address of one that guessed has guessed nothing', () => {
  const detectors = createDetectors({ homeNetworks: [] })
  const guess = () => {
    const batch = createFlowBatch(1)
    batch.hints.push(...every(20_000, 4))
    detectors.add(batch)
    return detectors.evaluate(T + 60_000).length
  }
  assert.equal(guess(), 0)
  detectors.drop([SOURCE])
  assert.equal(guess(), 0)
  detectors.drop([TARGET])
  assert.equal(guess(), 1, 'eight of its own')
})
