/** A certificate is signed for the names that a plan gives to the agent's own workload, and for nothing else. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture } from '../../../test/api.ts'
import { auditBy, decisionRecord, MAIN } from '../../../test/records.ts'
import type { AgentId, PlanId } from '../../model/ids.ts'
import type { Plan } from '../../model/plan.ts'

let f: Fixture
let plan: PlanId
before(async () => {
  f = await apiFixture()
  const list = { rules: [], otherwise: 'allow' as const, why: { rule: 'r', text: 't' } }
  const tls = {
    certificates: [
      { name: 'web', issue: { names: ['web.internal', '10.0.0.5'], days: 7 } },
      { name: 'given', given: { certificate: {}, privateKey: {} } },
    ],
  }
  const made = await f.store.plans.propose(
    MAIN,
    (generation, id, parent) =>
      ({
        ...{ id, tenant: MAIN, parent, generation, direction: 'change', approval: 'auto', steps: [], skipped: [] },
        ...{ blastRadius: { workloads: 0, conversationsCut: 0, examples: [] }, decision: 'd_c1', createdAt: 1 },
        proposedBy: 'guise',
        agents: {
          ['host-a' as AgentId]: {
            workloads: [{ workload: 'w', key: 'web1', egress: list, ingress: list, containment: null, tls }],
          },
        },
      }) as unknown as Plan,
    decisionRecord('d_c1'),
    [],
    auditBy('guise', 'plan.propose'),
  )
  assert.ok(made.ok)
  plan = made.value.plan.id
})
after(() => f[Symbol.asyncDispose]())

const ask = (workload: string, name: string, request = 'pem', agent = 'host-a') =>
  f.as('agent', { method: 'POST', url: `/v1/agents/${agent}/certificates`, payload: { workload, name, request } })

test('not by a plan that nobody approved', async () => {
  assert.equal((await ask('web1', 'web')).statusCode, 404)
  await f.store.plans.move(MAIN, plan, 'approved', auditBy('guise', 'plan.approved'))
  assert.equal((await ask('web1', 'web')).statusCode, 404)
  assert.ok((await f.store.plans.move(MAIN, plan, 'applying', auditBy('guise', 'plan.applying'))).ok)
})

test('for the names of the plan, with a line in the audit', async () => {
  const answer = await ask('web1', 'web')
  assert.deepEqual([answer.statusCode, answer.json()], [201, { certificate: 'PEM' }])
  assert.deepEqual(f.asked.at(-1), {
    what: 'signCertificate',
    detail: { names: ['web.internal', '10.0.0.5'], days: 7 },
  })
  const audit = (await f.as('admin', '/v1/audit?action=certificate')).json().items[0]
  assert.deepEqual(
    [audit.actor, audit.action, audit.object, audit.summary],
    ['agent:host-a', 'certificate.issue', 'web1', 'certificate web for web.internal, 10.0.0.5'],
  )
})

test('not for another workload, another name, what is given, another agent, or a request that is not sound', async () => {
  for (const [workload, name] of [
    ['web2', 'web'],
    ['web1', 'other'],
    ['web1', 'given'],
  ] as const)
    assert.equal((await ask(workload, name)).statusCode, 404)
  assert.equal((await ask('web1', 'web', 'pem', 'host-b')).statusCode, 404)
  assert.equal((await ask('web1', 'web', 'bad')).json().code, 'request-refused')
})
