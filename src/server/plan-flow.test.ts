import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { auditBy, decisionRecord, MAIN, planMaker } from '../../test/records.ts'
import type { AgentState, Generation } from '../model/desired.ts'
import type { AgentId, DecisionId, PlanId } from '../model/ids.ts'
import type { Plan } from '../model/plan.ts'
import type { Applied, ServerMessage } from '../model/wire.ts'
import { createDelivery } from './delivery.ts'
import { createPlanFlow, type PlanFlowDeps } from './plan-flow.ts'

let now = 5_000
const store = await testStore(() => now)

const A = 'a' as AgentId
const B = 'b' as AgentId

function harness(inTouch: PlanFlowDeps['delivery']['inTouch'] = () => [A, B]) {
  const sent: [AgentId, ServerMessage['type']][] = []
  const delivery: PlanFlowDeps['delivery'] = { send: (agent, message) => sent.push([agent, message.type]), inTouch }
  const flow = createPlanFlow({
    tenant: MAIN,
    store,
    delivery,
    clock: () => now,
    moved: () => {},
    log: { warn: () => {} },
  })
  return { flow, sent }
}

function agentState(generation: Generation, plan: PlanId): AgentState {
  return {
    generation,
    plan,
    mode: 'enforce',
    workloads: [],
    sets: [],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: 1_000,
  }
}

let made = 0
async function proposedPlan(direction: Plan['direction'], approval: Plan['approval']) {
  const decision = `d_${++made}` as DecisionId
  const make = (generation: Generation, id: PlanId, parent: PlanId | null): Plan => ({
    ...planMaker(decision)(generation, id, parent),
    direction,
    approval,
    agents: { [A]: agentState(generation, id), [B]: agentState(generation, id) } as Plan['agents'],
  })
  const proposed = await store.plans.propose(MAIN, make, decisionRecord(decision), [], auditBy('guise', 'plan.propose'))
  assert.ok(proposed.ok)
  return proposed.value.plan
}
async function approved(direction: Plan['direction'] = 'change', approval: Plan['approval'] = 'auto') {
  const plan = await proposedPlan(direction, approval)
  assert.ok((await store.plans.move(MAIN, plan.id, 'approved', auditBy('guise', 'plan.approved'))).ok)
  return plan
}

const applied = (plan: Plan, state: Applied['state'], probe: 'ok' | 'failed' = 'ok'): Applied => ({
  generation: plan.generation,
  state,
  deadline: null,
  probes: [{ name: 'gateway', ok: probe === 'ok', detail: 'answered' }],
  hash: 'h',
})
const stateOf = async (plan: Plan) => (await store.plans.get(MAIN, plan.id))!.state

test('every agent applies, then all are told to confirm, then the plan is the target', async () => {
  const { flow, sent } = harness()
  const plan = await approved()
  await flow.apply(plan.id, 'guise')
  assert.deepEqual(sent.splice(0), [
    [A, 'state'],
    [B, 'state'],
  ])
  await flow.applied(A, applied(plan, 'confirming'))
  assert.equal(await stateOf(plan), 'applying')
  await flow.applied(B, applied(plan, 'confirming'))
  assert.equal(await stateOf(plan), 'confirming')
  assert.deepEqual(sent.splice(0), [
    [A, 'confirm'],
    [B, 'confirm'],
  ])
  await flow.applied(A, applied(plan, 'confirmed'))
  await flow.applied(B, applied(plan, 'confirmed'))
  assert.equal(await stateOf(plan), 'confirmed')
  sent.splice(0)
  // An agent that died and came back applies the target again and waits to be confirmed again.
  await flow.applied(A, applied(plan, 'confirming'))
  assert.deepEqual(sent, [[A, 'confirm']])
})

test('a failed probe on one agent rolls the plan back on all; for a containment, probes of the contained do not count', async () => {
  const { flow, sent } = harness()
  const plan = await approved()
  await flow.apply(plan.id, 'guise')
  await flow.applied(A, applied(plan, 'confirming'))
  await flow.applied(B, applied(plan, 'confirming', 'failed'))
  assert.equal(await stateOf(plan), 'rolled-back')
  assert.deepEqual(sent.slice(2), [
    [A, 'rollback'],
    [B, 'rollback'],
  ])

  const containment = await approved('containment')
  await flow.apply(containment.id, 'guise')
  await flow.applied(A, applied(containment, 'confirming', 'failed'))
  await flow.applied(B, applied(containment, 'confirmed'))
  assert.equal(await stateOf(containment), 'confirming')
  await flow.rollback(containment.id, 'guise', 'end of the test')
})

test('a plan is applied when as many people as its class asks for have approved it', async () => {
  const { flow, sent } = harness()
  const { id } = await proposedPlan('change', 'two')
  const approve = async (by: string) => {
    const record = await store.plans.approve(MAIN, id, by, '', auditBy(by, 'plan.approve'))
    assert.ok(record.ok)
    return await flow.approved(record.value, by)
  }
  assert.equal((await approve('mira'))?.state, 'proposed')
  assert.equal(sent.length, 0)
  assert.equal((await approve('jonas'))?.state, 'applying')
  assert.deepEqual(
    sent.map(([, type]) => type),
    ['state', 'state'],
  )
  await flow.rollback(id, 'guise', 'end of the test')
})

test('a server that died once the last approval was stored: the plan goes on, and nobody is asked twice', async () => {
  const { flow } = harness()
  const plan = await proposedPlan('change', 'two')
  for (const by of ['mira', 'jonas']) {
    now += 4_000
    await flow.tend()
    assert.equal(await stateOf(plan), 'proposed', 'one of two is not enough')
    assert.ok((await store.plans.approve(MAIN, plan.id, by, '', auditBy(by, 'plan.approve'))).ok)
  }
  await flow.tend()
  assert.equal(await stateOf(plan), 'proposed', 'whoever stored it may be about to go on')
  now += 4_000
  await flow.tend()
  assert.equal(await stateOf(plan), 'applying')
  await flow.rollback(plan.id, 'guise', 'end of the test')
})

test('a plan that waits for a person is confirmed by the person only', async () => {
  const { flow, sent } = harness()
  const plan = await approved('change', 'one')
  await flow.apply(plan.id, 'mira')
  for (const agent of [A, B]) await flow.applied(agent, applied(plan, 'confirming'))
  assert.deepEqual(
    sent.map(([, type]) => type),
    ['state', 'state'],
  )
  assert.ok(await flow.confirm(plan.id, 'mira'))
  assert.deepEqual(sent.map(([, type]) => type).slice(2), ['confirm', 'confirm'])
  assert.ok(await flow.rollback(plan.id, 'mira', 'changed my mind'))
})

test('a person’s confirm that was lost with a connection is said again, not the change undone', async () => {
  const { flow, sent } = harness()
  const plan = await approved('change', 'one')
  await flow.apply(plan.id, 'mira')
  for (const agent of [A, B]) await flow.applied(agent, applied(plan, 'confirming'))
  assert.ok(await flow.confirm(plan.id, 'mira'))
  await flow.applied(A, applied(plan, 'confirmed'))
  sent.splice(0)
  await flow.applied(B, applied(plan, 'confirming'))
  assert.deepEqual(sent.splice(0), [
    [A, 'confirm'],
    [B, 'confirm'],
  ])
  await flow.applied(B, applied(plan, 'confirmed'))
  assert.equal(await stateOf(plan), 'confirmed')
})

test('a plan that is confirmed is taken back by nobody: agents follow nothing older', async () => {
  const { flow, sent } = harness()
  const plan = await approved()
  await flow.apply(plan.id, 'guise')
  for (const agent of [A, B]) await flow.applied(agent, applied(plan, 'confirming'))
  for (const agent of [A, B]) await flow.applied(agent, applied(plan, 'confirmed'))
  sent.splice(0)
  // By somebody who looked before it was confirmed.
  assert.equal(await flow.rollback(plan.id, 'mira', 'changed my mind'), null)
  assert.deepEqual([await stateOf(plan), sent], ['confirmed', []])
  assert.equal((await store.plans.target(MAIN)).confirmed?.plan.id, plan.id)
})

test('a generation of the database that this one was restored from says nothing of ours, though it has its number', async () => {
  const { flow, sent } = harness()
  const plan = await approved()
  await flow.apply(plan.id, 'guise')
  sent.splice(0)
  const { timeline, system } = plan.generation
  const others: Generation[] = [
    { ...plan.generation, timeline: timeline + 1 },
    { ...plan.generation, system: `${system}0` },
  ]
  for (const generation of others)
    for (const state of ['confirming', 'confirmed', 'rolled-back', 'refused'] as const)
      for (const agent of [A, B]) await flow.applied(agent, { ...applied(plan, state), generation })
  assert.deepEqual([await stateOf(plan), sent], ['applying', []])
  for (const state of ['confirming', 'confirmed'] as const)
    for (const agent of [A, B]) await flow.applied(agent, applied(plan, state))
  assert.equal(await stateOf(plan), 'confirmed')
  sent.splice(0)
  // In force now: the agent that holds the other one unconfirmed is not told to keep it.
  for (const generation of others) await flow.applied(A, { ...applied(plan, 'confirming'), generation })
  assert.deepEqual(sent, [])
})

test('a host that lost its power and closed no connection does not hold the others up', async () => {
  const leave = new AbortController()
  const delivery = createDelivery(() => now)
  const connect = (agent: AgentId) =>
    delivery
      .stream(agent, async () => [], leave.signal)
      [Symbol.asyncIterator]()
      .next()
  for (const agent of [A, B]) void connect(agent)
  const { flow } = harness(delivery.inTouch)
  const plan = await approved('containment')
  await flow.apply(plan.id, 'guise')
  await flow.applied(A, applied(plan, 'confirming'))
  assert.equal(await stateOf(plan), 'applying', 'the other one has reported a moment ago')
  now += 15_000
  delivery.heard(A)
  await flow.applied(A, applied(plan, 'confirming'))
  assert.equal(await stateOf(plan), 'confirming')
  await flow.applied(A, applied(plan, 'confirmed'))
  assert.equal(await stateOf(plan), 'confirmed')
  assert.deepEqual([delivery.connected(), delivery.inTouch()], [[A, B], [A]])
  leave.abort()
})

test('agents that go silent: the plan expires, well after they undid it by themselves', async () => {
  const { flow } = harness()
  const plan = await approved()
  await flow.apply(plan.id, 'guise')
  await flow.tend()
  now += 10_000
  await flow.tend()
  assert.equal(await stateOf(plan), 'applying')
  now += 7_000
  await flow.tend()
  assert.equal(await stateOf(plan), 'expired')
})

test('a server that died between two steps: what was approved goes on, what was only proposed is decided anew', async () => {
  const { flow, sent } = harness()
  const plan = await approved()
  now += 4_000
  await flow.tend()
  assert.equal(await stateOf(plan), 'applying')
  assert.deepEqual(sent, [
    [A, 'state'],
    [B, 'state'],
  ])
  await flow.rollback(plan.id, 'guise', 'end of the test')

  const decision = `d_${++made}` as DecisionId
  const proposed = await store.plans.propose(
    MAIN,
    planMaker(decision),
    decisionRecord(decision),
    [],
    auditBy('guise', 'plan.propose'),
  )
  assert.ok(proposed.ok)
  await flow.tend()
  assert.equal(await stateOf(proposed.value.plan), 'proposed')
  now += 4_000
  await flow.tend()
  assert.equal(await stateOf(proposed.value.plan), 'expired')
})

test('a server that was away for long does not call expired what an agent may hold confirmed', async () => {
  const plan = await approved()
  await harness().flow.apply(plan.id, 'guise')
  now += 3_600_000
  const { flow, sent } = harness()
  await flow.tend()
  assert.equal(await stateOf(plan), 'applying')
  for (const agent of [A, B]) await flow.applied(agent, applied(plan, 'confirmed'))
  assert.equal(await stateOf(plan), 'confirmed')
  assert.deepEqual(
    sent.filter(([, type]) => type === 'rollback'),
    [],
  )
})
