/** Models in the loop, on a real record: the shipped one, a person's choice, a restart, a newer release, and the way back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { auditBy, MAIN, OTHER, workloadReport } from '../../test/records.ts'
import { initialBelief } from '../learn/filter.ts'
import { DEFAULT_MODEL, type Model, type ModelJson, SHIPPED_MODEL } from '../learn/model.ts'
import { modelId, readModelFile } from '../learn/model-file.ts'
import type { AgentId } from '../model/ids.ts'
import { openStore } from '../store/database.ts'
import { createDiscovery } from './discovery.ts'
import { createFleet, liveOf } from './fleet.ts'
import { createModelDesk } from './models.ts'

const HOST = 'host-a' as AgentId
const SHIPPED = modelId(SHIPPED_MODEL)
const WIDTH = DEFAULT_MODEL.novelty.scale.length
/** The same forest, whose Database is called otherwise: it changes the name of every Database, and of nobody else. */
const renamed: ModelJson = {
  ...SHIPPED_MODEL,
  id: 'mine-1',
  personas: SHIPPED_MODEL.personas.map((name) => (name === 'Database' ? 'Store' : name)),
}
const newer: ModelJson = { ...SHIPPED_MODEL, id: 'guise-next-1' }

async function fixture() {
  const database = await testDatabase()
  let now = 1_000
  const store = await openStore({ ...database, clock: () => now })
  const fleet = createFleet()
  const said: string[] = []
  const start = async (shipped: object = SHIPPED_MODEL) => {
    const changes: (readonly [Model, Model])[] = []
    const discovery = createDiscovery({
      ...{ tenant: MAIN, store, model: DEFAULT_MODEL, clock: () => now },
      changed: (before, after) => void changes.push([before, after]),
    })
    const note = (_: object, text: string) => void said.push(text)
    const desk = createModelDesk({
      ...{ tenant: MAIN, store, fleet, discovery, clock: () => ++now, shipped },
      log: { warn: note, error: note },
    })
    await discovery.restore()
    await desk.restore()
    return { desk, changes, inUse: () => discovery.model().id }
  }
  const add = async (json: ModelJson) => {
    const read = readModelFile(json)
    assert.ok(read.ok)
    const record = { ...read.value.record, kind: 'added' as const, addedBy: 'ann', addedAt: now }
    assert.ok((await store.models.add(MAIN, record, json, auditBy('ann'))).ok)
    return record.id
  }
  return {
    ...{ store, fleet, said, start, add },
    async [Symbol.asyncDispose]() {
      await store.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

test('the shipped one is there and in force; another is promoted, survives a restart and a newer release, and is undone', async () => {
  await using f = await fixture()
  const { store } = f
  const first = await f.start()
  assert.deepEqual(
    (await store.models.all(MAIN)).map(({ id, kind }) => [id, kind]),
    [[SHIPPED, 'shipped']],
  )
  assert.deepEqual(await store.models.all(OTHER), [])
  assert.equal(first.inUse(), SHIPPED_MODEL.id)
  assert.equal((await first.desk.rollback('ann', '')).ok, false)
  const mine = await f.add(renamed)
  const promoted = await first.desk.promote(mine, 'ann', 'it knows our stores')
  assert.deepEqual(promoted.ok && [promoted.value.model.name, promoted.value.promotion.n], ['mine-1', 2])
  assert.equal(first.inUse(), 'mine-1')
  assert.deepEqual(first.changes.at(-1)![1].personas, renamed.personas)
  assert.equal((await first.desk.promote(mine, 'ann', '')).ok, false)
  assert.equal((await first.desk.promote('m_none', 'ann', '')).ok, false)

  assert.equal((await f.start()).inUse(), 'mine-1')
  const next = await f.start(newer)
  assert.equal(next.inUse(), 'mine-1', 'a release does not replace what a person chose')
  assert.match(f.said.join(), /a newer model ships with this release/)
  const back = await next.desk.rollback('bo', 'too many stores')
  assert.deepEqual(back.ok && [back.value.promotion.model, back.value.promotion.back], [SHIPPED, null])
  assert.equal(next.inUse(), SHIPPED_MODEL.id)
  assert.equal((await f.start(newer)).inUse(), 'guise-next-1', 'nobody chose the one that shipped before')
  assert.deepEqual(
    (await store.models.history(MAIN)).map(({ act, by, why }) => [act, by, why]),
    [
      ['shipped', 'guise', 'it ships with this release'],
      ['rolled-back', 'bo', 'too many stores'],
      ['promoted', 'ann', 'it knows our stores'],
      ['shipped', 'guise', 'it ships with Guise'],
    ],
  )
  const audits = await store.ledger.audits(MAIN, { limit: 20, cursor: null, action: 'model' })
  assert.deepEqual(
    audits.items.map(({ action, object }) => [action, object]),
    [
      ['model.ship', modelId(newer)],
      ['model.rollback', SHIPPED],
      ['model.ship', modelId(newer)],
      ['model.promote', mine],
      ['model.ship', SHIPPED],
      ['model.ship', SHIPPED],
    ],
  )
  assert.equal((await store.models.remove(MAIN, mine, auditBy('ann'))).ok, false, 'the history needs it')
  const never = await f.add({ ...renamed, id: 'mine-2' })
  assert.ok((await store.models.remove(MAIN, never, auditBy('ann'))).ok)
  await store.ledger.forget(MAIN, 'ann', auditBy('admin'))
  assert.equal(
    (await store.models.history(MAIN)).some(({ by }) => by === 'ann'),
    false,
  )
})

test('whose name it would change is told before and after, and beliefs begin anew for those alone', async () => {
  await using f = await fixture()
  const { desk } = await f.start()
  const each = DEFAULT_MODEL.novelty.prototypes.length / WIDTH / DEFAULT_MODEL.personas.length
  const known = await f.store.workloads.report(MAIN, HOST, ['db', 'scan', 'new'].map(workloadReport), 1_000)
  for (const { id, report } of known) {
    const live = liveOf(f.fleet, id, HOST, report.key, report.name)
    if (report.key === 'new') continue
    const persona = DEFAULT_MODEL.personas.indexOf(report.key === 'db' ? 'Database' : 'Scanner')
    const x = DEFAULT_MODEL.novelty.prototypes.slice(persona * each * WIDTH, (persona * each + 1) * WIDTH)
    live.seen = [1, 2, 3, 4].map((n) => ({ at: n * 30_000, seen: { kind: 'active', x, trust: 1 } }))
    live.belief = initialBelief(DEFAULT_MODEL)
  }
  const mine = await f.add(renamed)
  const shadow = await desk.shadow(mine)
  assert.ok(shadow.ok)
  const db = known.find(({ report }) => report.key === 'db')!.id
  assert.deepEqual(shadow.value, {
    ...{ workloads: 2, windows: 8, wouldChange: 1 },
    changes: [{ workload: db, name: 'db', from: 'Database', to: 'Store' }],
  })
  const promoted = await desk.promote(mine, 'ann', '')
  assert.deepEqual(promoted.ok && promoted.value.shadow, shadow.value)
  assert.equal((await desk.shadow('m_none')).ok, false)
})

test('a promoted one that this release cannot read is not used, and that is told in the history', async () => {
  await using f = await fixture()
  const { desk } = await f.start()
  const mine = await f.add(renamed)
  assert.ok((await desk.promote(mine, 'ann', '')).ok)
  // What it was made for is not what the next release computes.
  const old = { ...f.store, models: { ...f.store.models, file: async () => ({ ...renamed, features: 'features/1' }) } }
  const fleet = createFleet()
  const discovery = createDiscovery({ tenant: MAIN, store: f.store, model: DEFAULT_MODEL, clock: () => 5_000 })
  const log = { warn: () => {}, error: (_: object, text: string) => void f.said.push(text) }
  const later = createModelDesk({ tenant: MAIN, store: old, fleet, discovery, clock: () => 5_000, log })
  await later.restore()
  assert.equal(discovery.model().id, SHIPPED_MODEL.id)
  const [newest] = await f.store.models.history(MAIN)
  assert.deepEqual([newest!.act, newest!.model], ['shipped', SHIPPED])
  assert.match(newest!.why, /made for features\/1, this server computes features\/2/)
  assert.match(f.said.join(), /the shipped one takes over/)
})
