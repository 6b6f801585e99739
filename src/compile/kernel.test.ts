/** The compiler held to the kernel: nft takes what it writes, packets go where the evaluator says, and it reads back. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Network } from '../../bench/dispatch/network.ts'
import { randomState } from '../../bench/dispatch/random.ts'
import { shootRandom } from '../../bench/dispatch/shoot.ts'
import { seeded } from '../../bench/seeded.ts'
import { needRoot } from '../../test/need.ts'
import { collectGarbage, compileDelta, confirmDelta, removeText, revertDelta } from './delta.ts'
import { type Compiled, compileAgent } from './nft.ts'
import { differences, presentNames, type ReadBack, readBack } from './parse.ts'

const skip = needRoot()
let network: Network
before(async () => {
  if (skip === false) network = await Network.create('t')
})
after(async () => {
  if (skip === false) await network.close()
})

test('150 random packets are judged as the evaluator does', { skip }, async () => {
  const shots = await shootRandom(network, 7, 5, 30)
  assert.deepEqual(shots.examples, [])
  assert.equal(shots.packets, 150)
  assert.ok(shots.allowed > 20 && shots.allowed < 130, `${shots.allowed} allowed: the rules must matter`)
})

test('any walk through states leaves exactly the last one: direct, confirmed, reverted', { skip }, async () => {
  const random = seeded(11)
  await network.nft(removeText())
  let held: Compiled | null = null
  for (let n = 0; n < 12; n++) {
    const next = compileAgent(randomState(random, n), network.bindings)
    const now = Date.now()
    const way = random(3)
    await network.nft(compileDelta(held, next, { pendingMs: way === 0 ? null : 60_000, now }))
    if (way === 1) await network.nft(confirmDelta(held, next, now))
    if (way === 2) await network.nft(revertDelta(held, next, now))
    if (way !== 2) held = next
    if (held === null) continue
    const found: ReadBack | null = readBack(await network.list())
    assert.ok(found !== null)
    assert.deepEqual(differences(held, found), [])
    assert.equal(found.confirmed, held.hash)
    assert.equal(found.pending, null)
    assert.equal(collectGarbage(held, presentNames(found)), '', 'nothing unreferenced stays')
  }
})

test('a change that the kernel undid leaves garbage that is found and taken away', { skip }, async () => {
  const [one, two] = [3, 4].map((seed) => compileAgent(randomState(seeded(seed), seed), network.bindings))
  await network.nft(compileDelta(null, one!, { pendingMs: null, now: Date.now() }))
  await network.nft(compileDelta(one!, two!, { pendingMs: 1, now: Date.now() }))
  const found = readBack(await network.list())!
  const garbage = collectGarbage(one!, presentNames(found))
  assert.match(garbage, /delete chain/)
  await network.nft(garbage)
  assert.deepEqual(differences(one!, readBack(await network.list())!), [])
})

test('nft takes hostile rule ids and set names', { skip }, async () => {
  const hostile = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 160 }), { numRuns: 40, seed: 5 })
  hostile.push(
    '"; flush ruleset; #',
    '$(reboot)',
    'a\n delete table inet guise',
    '\u202Egnp.exe',
    'x'.repeat(160),
    '../..',
    '@set',
  )
  const state = randomState(seeded(1), 1)
  const [first, ...rest] = state.workloads
  const rules = hostile.map((text) => ({
    verdict: 'deny' as const,
    match: { peer: { kind: 'set' as const, set: text }, service: null },
    why: { rule: text, text },
  }))
  const compiled = compileAgent(
    {
      ...state,
      sets: hostile.map((name) => ({ name, members: ['10.1.2.3'] })),
      workloads: [{ ...first!, egress: { rules, otherwise: 'allow', why: { rule: hostile[0]!, text: '' } } }, ...rest],
    },
    network.bindings,
  )
  await network.nft(compileDelta(null, compiled, { pendingMs: null, now: Date.now() }))
  const found = readBack(await network.list())
  assert.deepEqual(differences(compiled, found!), [])
  const ids = new Set([...found!.counters.keys()].map((id) => compiled.ruleIds.get(id)))
  assert.ok(hostile.every((text) => ids.has(text)))
})

test('a foreign hand in our table is noticed', { skip }, async () => {
  const compiled = compileAgent(randomState(seeded(2), 2), network.bindings)
  await network.nft(compileDelta(null, compiled, { pendingMs: null, now: Date.now() }))
  const chain = compiled.maps.eg.get('"w1h"')!.slice(5)
  await network.nft(`insert rule inet guise ${chain} accept\ndelete element inet guise ing { "w2h" }\n`)
  const said = differences(compiled, readBack(await network.list())!)
  assert.deepEqual(said, ['map ing has no entry for "w2h"', `chain ${chain} was changed`])
})

test('anything that is no listing of ours reads back as nothing', () => {
  fc.assert(fc.property(fc.jsonValue(), (json) => assert.equal(readBack(json), null)))
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.constantFrom('set', 'map', 'chain', 'rule'), fc.jsonValue())), (items) => {
      assert.equal(readBack({ nftables: [{ table: { family: 'inet', name: 'guise' } }, ...items] })?.confirmed, null)
    }),
  )
})
