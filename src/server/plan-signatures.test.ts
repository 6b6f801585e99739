/** From the approver's key to the host's floor: what a person signed arrives with the state, and suffices there. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { auditBy, decisionRecord, MAIN, planMaker } from '../../test/records.ts'
import { signPlan } from '../cli/approver.ts'
import { DEFAULT_FLOOR, type Floor } from '../enforce/floor.ts'
import { approvalFault } from '../enforce/floor-approval.ts'
import type { AgentState, Generation } from '../model/desired.ts'
import type { AgentId, DecisionId, PlanId } from '../model/ids.ts'
import type { Plan } from '../model/plan.ts'
import type { ServerMessage } from '../model/wire.ts'
import { createPlanFlow } from './plan-flow.ts'

const store = await testStore()

const EDGE = 'edge' as AgentId
const state = (generation: Generation, plan: PlanId, failSafe: AgentState['failSafe']): AgentState => ({
  generation,
  plan,
  mode: 'enforce',
  workloads: [],
  sets: [],
  neverBlock: [],
  failSafe,
  confirmWithinMs: 1_000,
})

test('what two approvers signed reaches the agent and satisfies its floor', async () => {
  const make = (generation: Generation, id: PlanId, parent: PlanId | null): Plan => ({
    ...planMaker('d_1' as DecisionId)(generation, id, parent),
    approval: 'two',
    agents: { [EDGE]: state(generation, id, []) } as Plan['agents'],
  })
  const proposed = await store.plans.propose(
    MAIN,
    make,
    decisionRecord('d_1' as DecisionId),
    [],
    auditBy('guise', 'plan.propose'),
  )
  assert.ok(proposed.ok)
  const { id, agents } = proposed.value.plan
  const people = ['kim', 'lee'].map((name) => ({ name, key: generateKeyPairSync('ed25519').privateKey }))
  for (const { name, key } of people)
    assert.ok((await store.plans.approve(MAIN, id, name, '', auditBy(name), signPlan(agents, key))).ok)

  assert.deepEqual(
    (await store.plans.approvals(MAIN, id)).map(({ by, signed }) => [by, signed]),
    [
      ['kim', [EDGE]],
      ['lee', [EDGE]],
    ],
  )

  const sent: ServerMessage[] = []
  const flow = createPlanFlow({
    tenant: MAIN,
    store,
    delivery: { send: (_, message) => void sent.push(message), inTouch: () => [EDGE] },
    clock: () => 5_000,
    moved: () => {},
    log: { warn: () => {} },
  })
  await flow.approved((await store.plans.get(MAIN, id))!, 'lee')
  const [message] = sent
  assert.ok(message?.type === 'state' && message.approvals?.length === 2)

  const why = { rule: 'failsafe/dns', text: 'test' }
  const pinned = [
    { id: 'failsafe/dns', direction: 'egress' as const, match: { peer: { kind: 'any' as const }, service: null }, why },
  ]
  const inForce = state({ ...message.state.generation, n: 0 }, 'p_0' as PlanId, pinned)
  const keys = Object.fromEntries(
    people.map(({ name, key }) => [name, `ed25519:${createPublicKey(key).export({ format: 'jwk' }).x}`]),
  )
  const floor: Floor = { ...DEFAULT_FLOOR, approvals: { keys, needed: 2, of: 'high', facets: [], aboveShare: null } }
  // As the agent has it: from the wire.
  const heard = JSON.parse(JSON.stringify(message)) as typeof message
  assert.equal(approvalFault(EDGE, heard.state, heard.approvals ?? [], floor, inForce), null)
  assert.notEqual(approvalFault(EDGE, heard.state, heard.approvals!.slice(1), floor, inForce), null)
})
