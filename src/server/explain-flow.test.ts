import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { auditBy, decisionRecord, MAIN, planMaker, shiftRecord, workloadReport } from '../../test/records.ts'
import { createEventHub } from '../api/events.ts'
import { flowWhyText } from '../decide/why-text.ts'
import type { AgentState } from '../model/desired.ts'
import type { ForeignChain } from '../model/foreign-chain.ts'
import type { AgentId, DecisionId } from '../model/ids.ts'
import type { Plan } from '../model/plan.ts'
import { workloadId } from '../model/workload-id.ts'
import { createDenialLog } from './denials.ts'
import { createFlowExplain } from './explain-flow.ts'
import { recordReflexes } from './reflexes.ts'

const NOW = 1_800_000_000_000
const AGENT = 'lab' as AgentId
const store = await testStore(() => NOW)
let foreign: readonly ForeignChain[] = []
const events = createEventHub({ clock: () => NOW })
const explain = createFlowExplain({
  tenant: MAIN,
  store,
  clock: () => NOW,
  denials: createDenialLog(),
  intel: () => ({ entries: [], neverBlock: ['203.0.113.9'], hash: 'one' }),
  beside: () => foreign,
})
const web = workloadId(MAIN, 'ns/web')
const until = NOW + 60_000
const because = { rule: 'persona:x/mitigation/0', text: 'risk 0.9' }
const list = { rules: [], otherwise: 'allow', why: { rule: 'default-allow', text: 'nothing names it' } } as const

type Containment = AgentState['workloads'][number]['containment']
function stateOf(mode: AgentState['mode'], containment: Containment, neverBlock: string[] = []): AgentState {
  const workload = {
    workload: web,
    key: 'ns/web',
    persona: { id: 'x', name: 'X', version: 1 },
    egress: list,
    ingress: { ...list, otherwise: 'deny' as const, why: { rule: 'default-deny', text: 'nothing lets it in' } },
    containment,
  }
  return {
    generation: { system: 's', timeline: 1, n: 1 },
    plan: 'p',
    mode,
    workloads: [{ ...workload, egress: { ...list, rules: [] }, ingress: { ...workload.ingress, rules: [] } }],
    sets: [],
    neverBlock,
    failSafe: [],
    confirmWithinMs: 30_000,
  }
}

let made = 0
/** One workload of one agent; `state` is in force. */
async function inForce(state: AgentState): Promise<void> {
  const id = `d_${++made}` as DecisionId
  const plan: ReturnType<typeof planMaker> = (...args) =>
    ({ ...planMaker(id)(...args), agents: { [AGENT]: state } }) as Plan
  const proposed = await store.plans.propose(
    MAIN,
    plan,
    decisionRecord(id),
    [shiftRecord(`s_${made}`, NOW + 1e9)],
    auditBy('a'),
  )
  assert.ok(proposed.ok)
  for (const to of ['approved', 'applying', 'confirming', 'confirmed'] as const)
    assert.ok((await store.plans.move(MAIN, proposed.value.plan.id, to, auditBy('guise'))).ok)
}

async function ask(from: string, to: string, protocol: 'tcp' | 'icmp' = 'tcp') {
  const port = protocol === 'icmp' ? null : 443
  const answer = await explain.between(from, { to, port, protocol })
  assert.ok(answer.ok)
  type Judged = { verdict: string; why: { rule: string; text: string } }
  return answer.value as {
    verdict: string
    flow: { port: number }
    egress: Judged
    ingress: Judged
    depends: string[]
    notBlocked: string[]
    beside: string[]
  }
}
await store.workloads.report(
  MAIN,
  AGENT,
  [{ ...workloadReport('ns/web'), name: 'web', interface: 'gv0', addresses: ['10.0.0.5/24', 'fd00::5/64'] }],
  NOW,
)

test('a reflex: denied, by whom, until when and why; over when it is over', async () => {
  await inForce(stateOf('enforce', null))
  const peer = '203.0.113.66'
  const reflexes = [{ key: 'ns/web', peer, at: NOW, until, why: 'a list rates it 0.00' }]
  await recordReflexes({ tenant: MAIN, store, events, agentOf: () => AGENT }, AGENT, reflexes)
  const { verdict, egress } = await ask('10.0.0.5', peer)
  assert.deepEqual([verdict, egress.why.rule], ['deny', 'guise/reflex'])
  assert.equal(
    egress.why.text,
    `a reflex cut web off from ${peer} until 2027-01-15T08:01:00.000Z: a list rates it 0.00`,
  )
  assert.equal((await ask('10.0.0.5', '203.0.113.67')).verdict, 'allow')
  const over = [{ ...reflexes[0]!, peer: '203.0.113.68', at: NOW - 2, until: NOW - 1 }]
  await recordReflexes({ tenant: MAIN, store, events, agentOf: () => AGENT }, AGENT, over)
  assert.equal((await ask('10.0.0.5', '203.0.113.68')).verdict, 'allow')
})

test('a containment says when it ends, and spares what is never blocked', async () => {
  await inForce(stateOf('enforce', { directions: 'egress', until, why: because }, ['203.0.113.9']))
  const cut = await ask('10.0.0.5', '203.0.113.1')
  assert.deepEqual([cut.verdict, cut.egress.why.text], ['deny', 'risk 0.9; until 2027-01-15T08:01:00.000Z'])
  const spared = await ask('10.0.0.5', '203.0.113.9')
  assert.equal(spared.verdict, 'allow')
  assert.match(spared.notBlocked.join('\n'), /on the never-block list/)
})

test('a bound says what is above it, for the flow that it is about', async () => {
  const limit = { unit: 'flows', perSecond: 5 } as const
  await inForce(stateOf('enforce', { directions: 'none', limit, until, why: because }, ['203.0.113.9']))
  const out = await ask('10.0.0.5', '203.0.113.1')
  assert.equal(out.verdict, 'allow')
  assert.deepEqual(out.depends, ['deny by persona:x/mitigation/0 above 5 new flows a second'])
  assert.match(flowWhyText(out), /depends: deny by persona:x\/mitigation\/0 above 5 new flows a second/)
  assert.deepEqual((await ask('10.0.0.5', '203.0.113.9')).depends, [])
})

test('an agent that only observes refuses nothing, and the answer says so', async () => {
  await inForce(stateOf('observe', { directions: 'egress', until, why: because }))
  const out = await ask('10.0.0.5', '203.0.113.1')
  assert.deepEqual([out.verdict, out.egress.verdict], ['would-deny', 'would-deny'])
  assert.equal((await ask('203.0.113.1', '10.0.0.5')).ingress.verdict, 'would-deny')
})

test('a ping is asked about by its own type in each family', async () => {
  assert.equal((await ask('10.0.0.5', '203.0.113.1', 'icmp')).flow.port, 8)
  assert.equal((await ask('fd00::5', '2001:db8::1', 'icmp')).flow.port, 128)
})

test('what our rules allow may have been dropped by a chain of somebody else, and that is said; of a deny it is not', async () => {
  await inForce(stateOf('enforce', null))
  const drop = { table: 'ip filter', chain: 'FORWARD', hook: 'forward', priority: 0, policy: 'drop' }
  foreign = [drop, { ...drop, hook: 'input', chain: 'INPUT' }]
  const passed = await ask('10.0.0.5', '203.0.113.80')
  assert.deepEqual(
    [passed.verdict, passed.beside],
    [
      'allow',
      [
        'a chain of somebody else at priority 0 may have dropped it: ip filter FORWARD, priority 0, beside ours, drops what none of its rules lets pass',
      ],
    ],
  )
  assert.match(flowWhyText(passed), /beside: a chain of somebody else at priority 0 may have dropped it/)
  assert.deepEqual((await ask('203.0.113.80', '10.0.0.5')).beside, [], 'denied by us')
  foreign = []
  assert.deepEqual((await ask('10.0.0.5', '203.0.113.80')).beside, [])
})
