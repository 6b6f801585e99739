/** The list of plans and the preview of one, through the API on a real record. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, knowWorkload, reportOf } from '../../test/api.ts'
import { auditBy, conversationRecord, decisionRecord, MAIN, planMaker } from '../../test/records.ts'
import type { AgentState, DesiredState, ResolvedRule } from '../model/desired.ts'
import type { AgentId, PersonaId, PlanId, WorkloadId } from '../model/ids.ts'
import type { Plan } from '../model/plan.ts'
import type { PlanPreview, RuleText } from '../model/plan-preview.ts'
import type { PlanSummary } from '../model/plan-summary.ts'
import type { RuleMatch } from '../model/rule-match.ts'

const HOST = 'host-a' as AgentId
let f: Fixture
let etl: WorkloadId
let report: WorkloadId
let first: PlanId
let second: PlanId
before(async () => {
  f = await apiFixture()
  etl = await knowWorkload(f, reportOf('etl', { addresses: ['10.0.0.5'], interface: 'v1' }))
  report = await knowWorkload(f, reportOf('report-1', { addresses: ['10.0.0.6/24'], interface: 'v2' }))
  const talk = (peer: string, port: number) => ({ ...conversationRecord(etl, peer, f.clock.now, 3), port })
  await f.store.conversations.put(MAIN, [talk('10.0.0.6', 443), talk('203.0.113.7', 443), talk('10.0.0.6', 5432)])
  first = await propose('d_p1', desired([allow('any', 443, 1), allow('report', 5432, 2)], 'allow'), null, 'guise')
  for (const state of ['approved', 'applying', 'confirming', 'confirmed'] as const)
    assert.ok((await f.store.plans.move(MAIN, first, state, auditBy('guise'))).ok)
  const until = f.clock.now + 3_600_000
  const why = { rule: 'persona:data-exporter/mitigation/0', text: 'risk is 0.83' }
  const dns = { servers: ['10.0.0.2'], search: [] }
  const later = {
    ...desired([allow('report', 5432, 2), deny(1)], 'deny'),
    dns,
    containment: { directions: 'egress' as const, until, why },
  }
  second = await propose(
    'd_p2',
    later,
    desired([allow('any', 443, 1), allow('report', 5432, 2)], 'allow'),
    'session:kim',
  )
})
after(() => f[Symbol.asyncDispose]())

const tcp = (port: number) => ({ protocol: 'tcp' as const, from: port, to: port })
const PEERS: Record<'any' | 'report', RuleMatch['peer']> = {
  any: { kind: 'any' },
  report: { kind: 'cidr', cidr: '10.0.0.6/32' },
}
const allow = (peer: keyof typeof PEERS, port: number, n: number): ResolvedRule => ({
  verdict: 'allow',
  match: { peer: PEERS[peer], service: tcp(port) },
  why: { rule: `persona:data-exporter/allow/${n}`, text: `opens ${port}` },
})
const deny = (n: number): ResolvedRule => ({
  verdict: 'deny',
  match: { peer: { kind: 'set', set: 'rep:0.3' }, service: null },
  why: { rule: `BLOCK/${n}`, text: 'low reputation' },
})
function desired(rules: ResolvedRule[], otherwise: 'allow' | 'deny'): DesiredState {
  const why = { rule: 'default', text: 'the rest' }
  return {
    workload: etl,
    key: 'etl',
    persona: { id: 'data-exporter', name: 'Data Exporter', version: 7 },
    egress: { rules, otherwise, why },
    ingress: { rules: [], otherwise: 'allow', why },
    containment: null,
  }
}
function agentState(plan: Pick<Plan, 'id' | 'generation'>, state: DesiredState): AgentState {
  return {
    generation: plan.generation,
    plan: plan.id,
    mode: 'enforce',
    workloads: [state],
    sets: [{ name: 'rep:0.3', members: ['203.0.113.7'] }],
    neverBlock: [],
    failSafe: [],
    confirmWithinMs: 120_000,
  }
}
async function propose(decision: string, state: DesiredState, was: DesiredState | null, by: string): Promise<PlanId> {
  const persona = { persona: 'data-exporter' as PersonaId, name: 'Data Exporter' }
  const step = { workload: etl, shift: null, from: was === null ? null : persona, to: persona }
  const why = [state.containment?.why ?? { rule: 'persona.declared', text: 'its label says so' }] as const
  const proposed = await f.store.plans.propose(
    MAIN,
    (generation, id, parent) => ({
      ...planMaker(decision as never)(generation, id, parent),
      direction: state.containment === null ? 'change' : 'containment',
      approval: 'two',
      steps: [{ ...step, why, before: was, after: state }],
      agents: { [HOST]: agentState({ id, generation }, state) },
      blastRadius: { workloads: 1, conversationsCut: 1, cut: ['etl → report-1 tcp 443'] },
      proposedBy: by,
    }),
    decisionRecord(decision),
    [],
    auditBy(by, 'plan.propose'),
  )
  assert.ok(proposed.ok)
  return proposed.value.plan.id
}

const get = async <T>(url: string): Promise<T> => {
  const answer = await f.as('viewer', url)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json() as T
}
const ids = async (query: string) =>
  (await get<{ items: PlanSummary[] }>(`/plans${query}`)).items.map((one) => one.plan.id)

test('the list is slim: title, agents, deadline; no rules, no states', async () => {
  const { items } = await get<{ items: PlanSummary[] }>('/plans')
  assert.deepEqual(
    items.map((one) => [one.title, one.state, one.agents, one.deadline]),
    [
      ['Contain etl', 'proposed', [HOST], null],
      ['Shift etl to Data Exporter', 'confirmed', [HOST], null],
    ],
  )
  const text = JSON.stringify(items)
  assert.ok(!/"egress":\{|"sets"|"failSafe"/.test(text), text)
})

test('the list is filtered by state and words, in pages', async () => {
  assert.deepEqual(await ids('?state=open'), [second])
  assert.deepEqual(await ids('?state=confirmed,expired'), [first])
  assert.deepEqual(await ids('?q=by:kim'), [second])
  assert.deepEqual(await ids('?q=contain%20etl'), [second])
  // An id may have a 1 in it, too.
  assert.ok((await ids('?q=1')).includes(first))
  assert.deepEqual(await ids('?q=nothing'), [])
  const refused = await f.as('viewer', '/plans?state=open,gone')
  assert.deepEqual([refused.statusCode, refused.json().code], [422, 'bad-filter'])
  const page = await get<{ items: PlanSummary[]; next: string | null }>('/plans?q=etl&limit=1')
  assert.deepEqual([page.items.length, page.items[0]?.plan.id], [1, second])
  assert.deepEqual(await ids(`?q=etl&limit=1&cursor=${page.next}`), [first])
})

test('a timer that runs on a host is in the list', async () => {
  const { generation } = (await f.store.plans.get(MAIN, second))!.plan
  const applied = { generation, state: 'confirming', deadline: 99_000, probes: [], hash: 'h0' } as never
  const seen = { host: 'rack2-h04', mode: 'enforce' as const, boot: 'b', sequence: 1, applied, counters: {} }
  await f.store.agents.seen(MAIN, HOST, seen, f.clock.now)
  for (const state of ['approved', 'applying'] as const)
    assert.ok((await f.store.plans.move(MAIN, second, state, auditBy('guise'))).ok)
  const { items } = await get<{ items: PlanSummary[] }>('/plans?state=applying')
  assert.equal(items[0]?.deadline, 99_000)
})

test('a preview says rules and facets in words, counts the talk they decide, and who loses a path', async () => {
  await f.store.plans.approve(MAIN, second, 'lee', 'seen it', auditBy('lee'))
  const preview = await get<PlanPreview>(`/plans/${second}/preview`)
  assert.deepEqual([preview.title, preview.from_generation, preview.generation], ['Contain etl', 1, 2])
  assert.deepEqual([preview.approvals_needed, preview.rollback_within_ms], [2, 120_000])
  const [step] = preview.steps
  const words = (rules: readonly RuleText[]) => rules.map((r) => [r.n, r.verdict, r.peer, r.service, r.seen])
  const { egress } = step!.rules
  assert.deepEqual(words(egress.removed), [[1, 'allow', 'anyone', '443 tcp', 2]])
  assert.deepEqual(words(egress.added), [[2, 'deny', 'reputation below 0.3', 'any service', 1]])
  assert.deepEqual(words(egress.kept), [[1, 'allow', 'report-1', '5432 tcp', 1]])
  const facets = step!.facets.changed.map((one) => one.facet)
  assert.deepEqual(facets, ['dns', 'containment', 'rest-out'])
  assert.deepEqual(step!.facets.unchanged, ['address', 'gateway', 'search', 'rest-in'])
  assert.deepEqual(preview.blast_radius.changed, [{ id: etl, name: 'etl' }])
  assert.deepEqual(preview.blast_radius.loses, [{ id: report, name: 'report-1' }])
  assert.equal(preview.blast_radius.all, 2)
  assert.deepEqual(preview.beside, [
    {
      host: 'rack2-h04',
      text: 'forward: ip filter FORWARD, priority 0, beside ours, drops what none of its rules lets pass',
    },
  ])
})

test('a preview compiles each table: the hash to compare, and with=nft the lines that change', async () => {
  const plain = await get<PlanPreview>(`/plans/${second}/preview`)
  const [agent] = plain.agents
  assert.match(agent!.hash ?? '', /^h[0-9a-f]{14}$/)
  assert.deepEqual([agent!.host, agent!.live, agent!.liveHash, agent!.nft], ['rack2-h04', 'differs', 'h0', undefined])
  const lines = (await get<PlanPreview>(`/plans/${second}/preview?with=nft`)).agents[0]!.nft!.lines
  const text = lines.map(({ sign, text }) => `${sign} ${text}`).join('\n')
  assert.match(text, /^\+ {3}.*203\.0\.113\.7/m)
  assert.match(text, /^\+ {3}"v1" : goto c_.* until /m)
  assert.match(text, /^- {3}"v1" : goto /m)
  assert.equal((await f.as('viewer', `/plans/${second}/preview?with=other`)).statusCode, 400)
})

test('a look at the way back asks who may look, and passes a refusal on', async () => {
  const refused = await f.as('viewer', '/plans/rollback/preview?to=1')
  assert.equal(refused.statusCode, 409, refused.body)
  const { what, detail } = f.asked.at(-1)!
  assert.deepEqual([what, (detail as { generation: number }).generation], ['lookBackTo', 1])
  assert.equal((await f.as('viewer', '/plans/rollback/preview?to=x')).statusCode, 400)
})

test('audit lines can be asked for by object', async () => {
  const { items } = await get<{ items: { object: string; previous: string }[] }>('/audit?object=thing/1&action=plan')
  assert.equal(items.length, 2)
  assert.match(items[0]!.previous, /^[0-9a-f]{64}$/)
  assert.equal((await f.as('viewer', '/audit?from=never')).statusCode, 400)
})

test('a budget that becomes another one is a rule that changes', async () => {
  const budget = (bytes: number): ResolvedRule => ({
    ...{ verdict: 'deny', match: { peer: PEERS.any, service: null } },
    why: { rule: 'persona:data-exporter/dlp/budget/0', text: `${bytes} in all` },
    beyond: { kind: 'bytes', bytes, seconds: 3_600, per: 'workload' },
  })
  const was = desired([budget(1_000), budget(50_000)], 'allow')
  const id = await propose('d_p3', desired([budget(1_000), budget(90_000)], 'allow'), was, 'guise')
  const { egress } = (await get<PlanPreview>(`/plans/${id}/preview`)).steps[0]!.rules
  const bytes = (rules: readonly RuleText[]) => rules.map(({ why }) => why.text)
  assert.deepEqual(
    [bytes(egress.removed), bytes(egress.added), bytes(egress.kept)],
    [['50000 in all'], ['90000 in all'], ['1000 in all']],
  )
})

test('a plan of the past is read when its workload is forgotten, which it calls by its key', async () => {
  const gone = await f.store.workloads.forgetOver(MAIN, [], f.clock.now + 1_000 * 86_400_000)
  assert.ok(gone.includes(etl))
  const { items } = await get<{ items: PlanSummary[] }>('/plans')
  assert.deepEqual(
    items.map(({ title }) => title),
    ['Update the rules of etl', 'Contain etl', 'Shift etl to Data Exporter'],
  )
  const preview = await get<PlanPreview>(`/plans/${second}/preview`)
  assert.deepEqual([preview.title, preview.steps[0]?.name], ['Contain etl', 'etl'])
  assert.deepEqual(preview.blast_radius.changed, [{ id: etl, name: 'etl' }])
})
