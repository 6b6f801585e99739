/** What a reflex remembers: enough to say nothing twice, and never so much that it stops. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { flowRows } from '../../test/flow-rows.ts'
import { createNetworks } from '../model/networks.ts'
import { createReflex } from './reflex.ts'

const T = 1_700_000_000_000
const TTL_MS = 60_000
const home = mkdtempSync(join(tmpdir(), 'guise-reflex-'))
let logged = 0
// Written behind the reflexes: it must be whole before its folder goes.
after(async () => {
  const log = join(home, 'reflexes.ndjson')
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0)
  for (let tries = 0; lines() < logged && tries < 200; tries++) await wait(20)
  assert.equal(lines(), logged)
  rmSync(home, { recursive: true })
})

function create(maxLive: number) {
  const added: string[] = []
  const reflex = createReflex({
    home,
    allowed: () => true,
    neverBlock: () => createNetworks([]),
    isListed: (words, at) => words[at + 3]! >>> 24 === 203,
    placeOf: () => ({ key: 'a', interface: 'va', addresses: ['10.0.0.5'], driver: 'netns' }),
    ttlMs: TTL_MS,
    capPerMinute: 1_000,
    maxLive,
    add: (set, key) => void added.push(`${set} ${key.subarray(16).join('.')}`),
    say: (line) => assert.fail(line),
  })
  const call = (now: number, ...peers: readonly string[]) => {
    const batch = flowRows(peers.map((to) => ({ at: now, from: '10.0.0.5', to })))
    batch.sourceWorkload.fill(0)
    batch.targetWorkload.fill(-1)
    reflex.act(
      batch,
      peers.map((_, i) => i),
      now,
    )
    logged += added.length
    return added.splice(0)
  }
  return { reflex, call }
}
const peers = (from: number, n: number) => Array.from({ length: n }, (_, i) => `203.0.113.${from + i}`)

test('as many as may live at one time are held; once they are over others have their room, for ever', () => {
  const { reflex, call } = create(4)
  assert.equal(call(T, ...peers(1, 6)).length, 4)
  assert.equal(reflex.counters.capped, 2)
  for (let round = 1; round < 50; round++) {
    const found = call(T + round * TTL_MS, ...peers(round * 4, 4))
    assert.deepEqual(
      found,
      peers(round * 4, 4).map((peer) => `reflex4 ${peer}`),
      `round ${round}`,
    )
  }
  assert.equal(reflex.counters.capped, 2)
})

test('one that lives is not said again; one that is over is, and goes to the end of the row', () => {
  const { reflex, call } = create(3)
  assert.equal(call(T, '203.0.113.1').length, 1)
  assert.equal(call(T + 10_000, '203.0.113.2', '203.0.113.1').length, 1)
  assert.equal(reflex.counters.repeated, 1)
  // About to end: said again, and it lives longer than the second one now.
  assert.equal(call(T + TTL_MS - 500, '203.0.113.1').length, 1)
  assert.equal(call(T + TTL_MS + 10_000, '203.0.113.3', '203.0.113.4').length, 2)
  assert.equal(call(T + TTL_MS + 10_001, '203.0.113.1').length, 0)
  assert.equal(reflex.counters.capped, 0)
})

test('a clock that is set back by hours prolongs nothing: not what lives, not the minute of the cap', () => {
  const { reflex, call } = create(3)
  assert.equal(call(T, ...peers(1, 3)).length, 3)
  const back = T - 7_200_000
  assert.equal(call(back, '203.0.113.1').length, 0)
  assert.equal(call(back + TTL_MS + 10, ...peers(1, 4)).length, 3)
  assert.deepEqual([reflex.counters.repeated, reflex.counters.capped], [1, 1])
})
