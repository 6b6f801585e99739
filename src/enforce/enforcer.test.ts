/** A host in trouble: what is to come off comes off, and what cannot be written down does not hold. What needs a kernel is `enforcer.kernel.test.ts`. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fakeNft } from '../../test/fake-nft.ts'
import { emptyState, generationOf, HOST, hostState } from '../../test/host-state.ts'
import { bindingsOfReport } from '../compile/bind.ts'
import type { Mode } from '../model/policy.ts'
import type { Applied } from '../model/wire.ts'
import { createEnforcer } from './enforcer.ts'
import { bootId, type Journal, monotonicMs, openJournal } from './journal.ts'
import type { EnforcerOptions } from './standing.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-enforcer-'))
after(() => rmSync(folder, { recursive: true }))
const nft = fakeNft(folder)
beforeEach(() => nft.fail(false))

let homes = 0

/** A host on which generation 5 was confirmed, and an agent that starts there in that mode. */
async function restarted(
  mode: Mode,
  more: object = {},
  prepare: (home: string, journal: Journal) => void = () => {},
  options: Partial<EnforcerOptions> = {},
) {
  const home = join(folder, `home${++homes}`)
  const journal = openJournal(home)
  const snapshot = { state: emptyState(5), bindings: [], facets: {}, ...more }
  journal.commit({ generation: generationOf(5), boot: bootId(), snapshot })
  prepare(home, journal)
  nft.putTable()
  const host = { mode, home, journal, said: [] as string[], told: [] as Applied[] }
  const enforcer = createEnforcer({
    journal,
    mode: () => host.mode,
    follow: 'same-system',
    inventory: () => ({ workloads: [HOST], namespaces: new Map() }),
    probeServer: async () => ({ name: 'control plane', ok: true, detail: '' }),
    changed: (applied) => host.told.push(applied),
    reloaded: () => {},
    say: (line) => host.said.push(line),
    ...options,
  })
  await enforcer.recover()
  return { ...host, host, enforcer }
}
const fill = (home: string) => mkdirSync(join(home, 'journal', '.confirmed.tmp'))
const stateIn = (journal: Journal) => (journal.confirmed()?.snapshot as { state: unknown } | undefined)?.state
const makeRoom = (home: string) => rmdirSync(join(home, 'journal', '.confirmed.tmp'))

test('a disk that is full keeps nothing in force that is to come off; it is written down when there is room', async () => {
  const { host, home, journal, enforcer, told } = await restarted('enforce')
  assert.equal(nft.hasTable, true)
  assert.equal(enforcer.inForce?.generation.n, 5)
  fill(home)
  host.mode = 'observe'
  await enforcer.repair()
  assert.equal(nft.hasTable, false)
  assert.equal(enforcer.inForce, null)
  assert.deepEqual([told.at(-1)?.state, told.at(-1)?.generation.n], ['refused', 5])
  await enforcer.repair()
  makeRoom(home)
  await enforcer.repair()
  assert.deepEqual(journal.confirmed()?.generation, generationOf(5))
  assert.equal(stateIn(journal), null)
})

test('a confirmation that cannot be written down is none: the change is taken back at once, and that is told', async () => {
  const { host, home, journal, enforcer, told } = await restarted('observe')
  host.mode = 'enforce'
  await enforcer.apply(emptyState(6))
  assert.equal(told.at(-1)?.state, 'confirming', told.at(-1)?.why)
  assert.equal(nft.hasTable, true)
  fill(home)
  await enforcer.confirm(generationOf(6))
  assert.equal(told.at(-1)?.state, 'rolled-back')
  assert.match(told.at(-1)?.why ?? '', /^it could not be written down: EISDIR/)
  assert.equal(nft.hasTable, false)
  assert.equal(journal.intent(), null)
})

test('an old address that cannot be let go on a full disk keeps nobody from starting, nor from repairing the table', async () => {
  const over = { key: 'gone', facet: 'network', addresses: ['10.0.0.5'], instead: ['10.0.0.6'], until: 0 }
  const { home, journal, enforcer, told } = await restarted('enforce', { draining: [over] }, fill)
  assert.equal(told.at(-1)?.state, 'confirmed')
  const before = enforcer.counters.driftRepairs
  await enforcer.repair()
  assert.equal(enforcer.counters.driftRepairs, before + 1, 'the least of all tables is not what was compiled')
  makeRoom(home)
  await enforcer.repair()
  assert.equal((journal.confirmed()?.snapshot as { draining?: unknown } | undefined)?.draining, undefined)
})

test('a kernel that cannot be asked just now is asked again until everything is off', async () => {
  const { host, enforcer, told } = await restarted('enforce')
  host.mode = 'off'
  nft.fail(true)
  await assert.rejects(enforcer.repair(), /Cannot allocate memory/)
  assert.equal(nft.hasTable, true)
  assert.notEqual(told.at(-1)?.state, 'refused')
  nft.fail(false)
  await enforcer.repair()
  assert.equal(nft.hasTable, false)
  assert.equal(told.at(-1)?.state, 'refused')
})

test('an agent that is started again to observe takes off what it enforced before', async () => {
  const { enforcer, journal } = await restarted('observe')
  assert.equal(nft.hasTable, false)
  assert.equal(enforcer.inForce, null)
  assert.equal(stateIn(journal), null)
})

test('an agent that is started again while it may not enforce still knows what is older, and whom it follows', async () => {
  const { host, enforcer, told } = await restarted('observe')
  // As after `guise panic --lift`.
  host.mode = 'enforce'
  await enforcer.apply(emptyState(4))
  assert.match(told.at(-1)?.why ?? '', /it is older than generation 5/)
  await enforcer.apply(emptyState(9, 'another'))
  assert.match(told.at(-1)?.why ?? '', /it is of another control plane/)
  assert.equal(nft.hasTable, false)
})

test('a change that was under way when an agent was started again to observe is taken off, and is dealt with', async () => {
  const home = join(folder, `home${homes + 1}`)
  const none = { state: null, bindings: [], facets: {} }
  openJournal(home).intend({
    generation: generationOf(6),
    boot: bootId(),
    deadlineMs: 0,
    before: none,
    after: { ...none, state: emptyState(6) },
    undo: [],
  })
  const { journal } = await restarted('observe')
  assert.equal(nft.hasTable, false)
  assert.equal(journal.intent(), null)
})

test('a clock that is wrong at boot, and one that is set back, prolong no containment', async () => {
  const at = Date.now()
  const daysOff = 689 * 86_400_000
  let now = at - daysOff
  // This machine is up for longer than a containment of minutes lasts.
  const commit = (_: string, journal: Journal) => {
    const snapshot = {
      state: hostState(5, at + monotonicMs() + 900_000),
      bindings: bindingsOfReport(HOST),
      facets: {},
    }
    journal.commit({ generation: generationOf(5), boot: 'another', since: { at, ranMs: 1 }, snapshot })
  }
  const longestMs = () =>
    Math.max(...[...nft.loaded.matchAll(/host_eg_contain \{ .* timeout (\d+)ms/g)].map(([, ms]) => Number(ms)))
  // Half a minute is what skew is rounded by.
  const isBounded = (ms: number) => assert.ok(ms > 800_000 && ms <= 930_000, `${ms} ms`)
  nft.forget()
  const { enforcer, told } = await restarted('enforce', {}, commit, { clock: () => now })
  isBounded(longestMs())
  // A plan that comes before anybody set the clock says when it ends by what the clock says.
  nft.forget()
  const { workloads } = hostState(6, now + 900_000)
  await enforcer.apply({ ...emptyState(6), workloads, sets: [{ name: 'more', members: [] }] })
  assert.equal(told.at(-1)?.state, 'confirming', told.at(-1)?.why)
  isBounded(longestMs())
  await enforcer.confirm(generationOf(6))
  assert.equal(told.at(-1)?.state, 'confirmed')
  // What lasts is written again whenever somebody removes the table.
  nft.forget()
  now -= daysOff
  await enforcer.repair()
  isBounded(longestMs())
})

/** Generation 5 with its host free, so that another may do nothing but contain it. */
const freely = {
  state: hostState(5, null),
  bindings: bindingsOfReport(HOST),
}

test('a containment that is written down is in force, whatever the kernel says behind that; a repair does the rest', async () => {
  const prepare = (_: string, journal: Journal) => {
    const { commit } = journal
    const failing: Journal['commit'] = (confirmed) => {
      commit(confirmed)
      if (confirmed.generation.n === 6) nft.fail(true)
    }
    Object.assign(journal, { commit: failing })
  }
  const { enforcer, journal, told, said } = await restarted('enforce', freely, prepare)
  await enforcer.apply(hostState(6, Date.now() + 900_000))
  const states = told.filter((one) => one.generation.n === 6).map((one) => one.state)
  assert.deepEqual(states, ['applying', 'confirmed'], said.join('\n'))
  assert.match(said.at(-1) ?? '', /generation 6 is in force, and not all of it is done yet: .*Cannot allocate memory/)
  assert.equal(enforcer.inForce?.generation.n, 6)
  assert.equal(journal.intent(), null, 'or a panic would find it under way')
  nft.fail(false)
  const { driftRepairs } = enforcer.counters
  await enforcer.repair()
  assert.equal(enforcer.counters.driftRepairs, driftRepairs + 1)
})

test('a containment that cannot be written down is taken back as well', async () => {
  const { enforcer, told } = await restarted('enforce', freely, fill)
  await enforcer.apply(hostState(6, Date.now() + 900_000))
  assert.equal(told.at(-1)?.state, 'rolled-back')
})

test('a state that waits is judged once, however often it is sent', async () => {
  let judged = 0
  const judge = () => (++judged > 1 ? 'too many workloads changed within a minute' : null)
  const { enforcer, told, host } = await restarted('observe', {}, () => {}, { judge })
  host.mode = 'enforce'
  for (let times = 0; times < 3; times++) {
    await enforcer.apply(emptyState(6))
    assert.equal(told.at(-1)?.state, 'confirming', told.at(-1)?.why)
  }
  await enforcer.confirm(generationOf(6))
  assert.equal(told.at(-1)?.state, 'confirmed')
  assert.equal(judged, 1)
})

test('what could not be reached while everything was taken off is tried again', async () => {
  const rest = { face: null, addresses: [], cgroup: null, root: null, monitor: null }
  const place = { key: 'host:h', namespace: '/run/netns/guise-is-not-there', ...rest }
  const worn = { place, state: { addresses: [], gateways: [] }, original: { addresses: [], gateways: [] } }
  const { enforcer, host } = await restarted('enforce', { facets: { network: { 'host:h': worn } } })
  host.mode = 'observe'
  await enforcer.repair()
  assert.equal(enforcer.inForce, null)
  const { unreachable } = enforcer.counters
  for (let tries = 0; enforcer.counters.unreachable === unreachable; tries++) {
    assert.ok(tries < 100, 'it is not tried again')
    await wait(50)
    await enforcer.repair()
  }
})

test('a containment is in force where sockets could not be looked for', async () => {
  const learned = () => {
    throw new Error('nobody knows')
  }
  const { enforcer, told, said } = await restarted('enforce', freely, () => {}, { learned })
  await enforcer.apply(hostState(6, Date.now() + 900_000))
  assert.equal(told.at(-1)?.state, 'confirmed')
  assert.equal(said.at(-1), 'generation 6 is in force; behind that failed: nobody knows')
})
