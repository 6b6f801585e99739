/** The reconciler on a real record: back to a generation and held there, a cap that trips and is resumed, across a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { manifestRecords, riskOfValue } from '../../test/decide-input.ts'
import { auditBy, decisionRecord, MAIN, shiftRecord, workloadReport } from '../../test/records.ts'
import { createEventHub } from '../api/events.ts'
import type { AgentId, DecisionId, PersonaId, WorkloadId } from '../model/ids.ts'
import type { PlanRecord } from '../model/records.ts'
import { createFleet, liveOf } from './fleet.ts'
import { createHalts } from './halts.ts'
import { createIntel } from './intel.ts'
import { createPlanFlow } from './plan-flow.ts'
import { createReconciler } from './reconcile.ts'

let now = 1_000_000_000
const store = await testStore(() => now)

const A = 'a' as AgentId
const PERSONAS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Wide }
spec:
  profile: { default: { egress: allow, ingress: allow } }
  mitigationRules: [{ when: "risk >= 0.7", do: deny, ttl: 15m }]
`
const NARROW = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Wide }
spec: { profile: { default: { egress: deny, ingress: allow } } }
`
const fleet = createFleet()
const events = createEventHub({ clock: () => now })
/** By the plans that a person let go. */
const words: string[] = []

/** As a server makes it; what it holds in memory is lost with it. Its agent does what it is told at once. */
function server() {
  const halts = createHalts({ tenant: MAIN, store, events, clock: () => now })
  const delivery = { send: () => {}, inTouch: () => [A] }
  const flow = createPlanFlow({
    tenant: MAIN,
    store,
    delivery,
    clock: () => now,
    moved: (record) => reconciler.planMoved(record),
    log: { warn: () => {} },
  })
  const reconciler = createReconciler({
    model: () => 'm1',
    tenant: MAIN,
    store,
    fleet,
    intel: createIntel('/nonexistent', () => {}, Date.now),
    flow,
    halts,
    released: async ({ plan }, by, why) => void words.push(`${plan.id} ${by} ${why}`),
    clock: () => now,
    controlPlane: () => [],
    events,
    log: { warn: () => {}, error: (detail, text) => assert.fail(`${text} ${JSON.stringify(detail)}`) },
  })
  /** One round, and the agent's yes to what came of it. */
  async function round(): Promise<PlanRecord | null> {
    now += 60_000
    reconciler.wake()
    await reconciler.input()
    await reconciler.undoShift('s_none' as never, 'nobody')
    return obey()
  }
  async function obey(): Promise<PlanRecord | null> {
    const { pending } = await store.plans.target(MAIN)
    if (pending === null || pending.state === 'proposed') return pending
    const said = { generation: pending.plan.generation, deadline: null, probes: [], hash: 'h' }
    await flow.applied(A, { ...said, state: 'confirming' })
    await flow.applied(A, { ...said, state: 'confirmed' })
    return store.plans.get(MAIN, pending.plan.id)
  }
  return { reconciler, halts, flow, round, obey }
}

const inForce = async () => (await store.plans.target(MAIN)).confirmed!.plan
const otherwise = async (id: WorkloadId) =>
  (await inForce()).agents[A]!.workloads.find((one) => one.workload === id)!.egress.otherwise
const stateOf = async ({ plan }: PlanRecord) => (await store.plans.get(MAIN, plan.id))?.state
const write = async (text: string) =>
  store.manifests.apply(
    MAIN,
    manifestRecords(text).map(({ manifest }) => ({ manifest, ifVersion: null })),
    auditBy('kim'),
  )

test('back to a generation: a plan of its own that is held until a person resumes it', async () => {
  await write(PERSONAS)
  await store.agents.seen(
    MAIN,
    A,
    { host: 'h', mode: 'enforce', boot: 'b', sequence: 1, applied: null, counters: {} },
    now,
  )
  const reports = ['w1', 'w2'].map((name) => ({ ...workloadReport(`netns:${name}`), addresses: [] }))
  const [first, second] = await store.workloads.report(MAIN, A, reports, now)
  assert.ok(first !== undefined && second !== undefined)
  for (const { id } of [first, second])
    await store.workloads.assign(MAIN, id, { id: 'wide' as PersonaId, name: 'Wide', version: 1 }, auditBy('kim'))
  const one = server()
  assert.equal((await one.round())?.state, 'confirmed')
  const old = await inForce()
  assert.equal(await otherwise(first.id), 'allow')
  await write(NARROW)
  assert.equal((await one.round())?.state, 'confirmed')
  assert.equal(await otherwise(first.id), 'deny')

  const look = await one.reconciler.lookBackTo(old.generation.n, 'session:mira')
  assert.ok(look.ok, JSON.stringify(look))
  const { plan: looked } = look.value
  assert.equal(looked.generation.n, old.generation.n)
  assert.deepEqual(looked.agents[A]!.workloads, old.agents[A]!.workloads)
  assert.equal(looked.steps[0]!.before?.egress.otherwise, 'deny')
  assert.equal(await store.plans.get(MAIN, looked.id), null, 'a look is not kept')
  assert.equal(await otherwise(first.id), 'deny', 'and changes nothing')

  const back = await one.reconciler.rollbackTo(old.generation.n, 'session:mira', 'the shop is down')
  assert.ok(back.ok, JSON.stringify(back))
  assert.ok(back.value.plan.generation.n > old.generation.n, 'a generation of its own')
  assert.match(back.value.plan.steps[0]!.why[0].text, /^mira went back to generation \d+: the shop is down$/)
  assert.equal((await one.obey())?.state, 'confirmed')
  assert.equal(await otherwise(first.id), 'allow')
  assert.deepEqual((await inForce()).agents[A]!.workloads, old.agents[A]!.workloads)

  const again = server()
  assert.equal(await again.round(), null, 'what was undone is not planned again, by a new server neither')
  const refused = await again.reconciler.rollbackTo(9_999, 'kim', '')
  assert.equal(refused.ok ? '' : refused.code, 'not-found')
  const sameLook = await again.reconciler.lookBackTo(old.generation.n, 'kim')
  assert.equal(sameLook.ok ? '' : sameLook.code, 'nothing-to-undo')
  const same = await again.reconciler.rollbackTo(old.generation.n, 'kim', '')
  assert.equal(same.ok ? '' : same.code, 'nothing-to-undo')
  assert.ok((await again.halts.resume('kim', 'mended')).ok)
  assert.equal((await again.round())?.state, 'confirmed')
  assert.equal(await otherwise(first.id), 'deny')
  const lines = (await store.ledger.audits(MAIN, { limit: 50, cursor: null, action: 'automation' })).items
  assert.deepEqual(
    lines.map(({ action, actor }) => [action, actor]),
    [
      ['automation.resume', 'kim'],
      ['automation.pin', 'session:mira'],
    ],
  )
})

test('a cap trips once, survives a restart, and lets automation go on when a person says so', async () => {
  await write(PERSONAS)
  assert.equal((await server().round())?.state, 'confirmed')
  const settings = await store.settings.get(MAIN)
  await store.settings.put(MAIN, { ...settings, maxChangesPerMinute: 1 }, auditBy('kim'))
  const before = (await inForce()).id
  for (const record of await store.workloads.all(MAIN))
    liveOf(fleet, record.id, A, record.report.key, record.report.name).risk = riskOfValue(0.9)
  assert.equal(await server().round(), null)
  const { tripped } = await store.settings.get(MAIN)
  assert.match(tripped?.why.text ?? '', /automation would change 2 workloads now/)
  const calm = (await store.workloads.all(MAIN))[0]!
  fleet.live.get(calm.id)!.risk = riskOfValue(0.1)
  assert.equal(await server().round(), null, 'below the cap again, and still standing')
  assert.equal((await inForce()).id, before)
  assert.ok((await server().halts.resume('mira', 'looked at it')).ok)
  const contained = await server().round()
  assert.deepEqual([contained?.plan.direction, contained?.plan.steps.length], ['containment', 1])
  const twice = await server().halts.resume('mira', '')
  assert.equal(twice.ok ? '' : twice.code, 'not-halted')
  const alarms = (await store.ledger.audits(MAIN, { limit: 50, cursor: null, action: 'alarm' })).items
  assert.equal(alarms.length, 1)
})

test('a shift is undone once: said again, it takes nothing back of the plan that it came with', async () => {
  await write(PERSONAS.replaceAll('Wide', 'Guest'))
  for (const live of fleet.live.values()) live.risk = riskOfValue(0.1)
  const one = server()
  while ((await one.round()) !== null) {}
  const [first] = await store.workloads.all(MAIN)
  const asked = { tenant: MAIN, workload: first!.id, persona: 'guest' as PersonaId, until: null, by: 'kim', key: null }
  const shifted = await one.reconciler.requestShift({ ...asked, why: [{ rule: 'asked', text: 'a guest' }] })
  assert.ok(shifted.ok, JSON.stringify(shifted))
  const { shift } = shifted.value
  assert.equal((await one.obey())?.state, 'confirmed')
  const plan = await inForce()
  assert.equal(plan.id, shifted.value.plan)

  assert.ok((await one.reconciler.undoShift(shift, 'kim')).ok)
  const again = await one.reconciler.undoShift(shift, 'kim')
  assert.equal(again.ok ? '' : again.code, 'shift-over')
  assert.equal((await store.plans.get(MAIN, plan.id))?.state, 'confirmed')
  assert.equal((await inForce()).id, plan.id, 'until the way back is in force')
  assert.equal((await one.obey())?.state, 'confirmed')
  assert.equal((await inForce()).parent, plan.id)
})

test('a shift is not undone while another plan is under way: nobody would know which of the two holds', async () => {
  const one = server()
  while ((await one.round()) !== null) {}
  const [first, second] = await store.workloads.all(MAIN)
  const ask = (workload: WorkloadId) =>
    one.reconciler.requestShift({
      ...{ tenant: MAIN, workload, persona: 'guest' as PersonaId, until: null, by: 'kim', key: null },
      why: [{ rule: 'asked', text: 'a guest' }],
    })
  const shifted = await ask(first!.id)
  assert.ok(shifted.ok, JSON.stringify(shifted))
  assert.equal((await one.obey())?.state, 'confirmed')
  const next = await ask(second!.id)
  assert.ok(next.ok, JSON.stringify(next))
  const refused = await one.reconciler.undoShift(shifted.value.shift, 'kim')
  assert.equal(refused.ok ? '' : refused.code, 'plan-under-way')
  assert.equal((await store.shifts.get(MAIN, shifted.value.shift))?.state, 'confirmed')
  assert.equal((await one.obey())?.state, 'confirmed')
  const undone = await one.reconciler.undoShift(shifted.value.shift, 'kim')
  assert.ok(undone.ok && undone.value.plan !== null, JSON.stringify(undone))
  assert.equal((await one.obey())?.state, 'confirmed')
})

test('a shift that waits for approval is withdrawn: its plan is refused, and nothing is planned to undo it', async () => {
  const one = server()
  while ((await one.round()) !== null) {}
  const target = await inForce()
  const [first] = await store.workloads.all(MAIN)
  const wish = { ...shiftRecord('s_waits', null), workload: first!.id }
  const decision = 'd_waits' as DecisionId
  const step = { ...target.steps[0]!, workload: first!.id, shift: wish.id }
  const waiting = await store.plans.propose(
    MAIN,
    (generation, id, parent) => ({ ...target, id, generation, parent, decision, approval: 'one', steps: [step] }),
    decisionRecord(decision),
    [wish],
    auditBy('kim', 'plan.propose'),
  )
  assert.ok(waiting.ok)
  const { plan } = waiting.value
  const withdrawn = await one.reconciler.undoShift(wish.id, 'mira')
  assert.deepEqual(withdrawn, { ok: true, value: { shift: wish.id, plan: null, state: 'refused' } })
  assert.equal((await store.plans.get(MAIN, plan.id))?.state, 'refused')
  const approved = await store.plans.approve(MAIN, plan.id, 'jonas', '', auditBy('jonas', 'plan.approve'))
  assert.deepEqual(approved, { ok: false, code: 'conflict' })
  const line = (await store.ledger.audits(MAIN, { limit: 1, cursor: null, action: 'shift.withdraw' })).items[0]
  assert.deepEqual([line?.actor, line?.object], ['mira', wish.id])
  assert.equal(await one.round(), null)
  assert.equal((await inForce()).id, target.id)
  const again = await one.reconciler.undoShift(wish.id, 'mira')
  assert.equal(again.ok ? '' : again.code, 'shift-over')
})

test('a person’s word counts against a containment when it is let go, not when that is refused', async () => {
  const one = server()
  await write(PERSONAS)
  for (const live of fleet.live.values()) live.risk = riskOfValue(0.1)
  while ((await one.round()) !== null) {}
  const [first, second] = await store.workloads.all(MAIN)
  const contain = async (id: WorkloadId) => {
    fleet.live.get(id)!.risk = riskOfValue(0.9)
    now += 60_000
    one.reconciler.wake()
    await one.reconciler.undoShift('s_none' as never, 'nobody')
    const { pending } = await store.plans.target(MAIN)
    assert.deepEqual([pending?.plan.direction, pending?.state], ['containment', 'applying'])
    fleet.live.get(id)!.risk = riskOfValue(0.1)
    return pending!
  }
  const early = await contain(first!.id)
  assert.equal((await one.reconciler.release(early, 'mira', 'a test'))?.state, 'rolled-back')
  assert.deepEqual(words.splice(0), [`${early.plan.id} mira a test`])
  assert.equal(await one.reconciler.release(early, 'kim', 'once more'), null)
  assert.deepEqual(words, [])

  now += 3_600_000
  const held = await contain(first!.id)
  assert.equal((await one.obey())?.state, 'confirmed')
  const record = await store.plans.get(MAIN, held.plan.id)
  const other = await contain(second!.id)
  const crossed = await one.reconciler.rollbackConfirmed(record!, 'mira', 'too early')
  assert.equal(crossed.ok ? '' : crossed.code, 'plan-under-way')
  assert.deepEqual([await stateOf(other), words], ['applying', []], 'what is being contained just now is not dropped')
  assert.equal((await one.obey())?.state, 'confirmed')
  const letGo = await one.reconciler.rollbackConfirmed(record!, 'mira', 'a test')
  assert.ok(letGo.ok, JSON.stringify(letGo))
  assert.deepEqual(words.splice(0), [`${held.plan.id} mira a test`])
  assert.equal((await one.obey())?.state, 'confirmed')
  const gone = { ...record!, plan: { ...record!.plan, steps: [] } }
  const refused = await one.reconciler.rollbackConfirmed(gone, 'kim', 'once more')
  assert.equal(refused.ok ? '' : refused.code, 'nothing-to-undo')
  assert.deepEqual(words, [])
})
