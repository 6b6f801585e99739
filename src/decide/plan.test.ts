import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { AgentState } from '../model/desired.ts'
import type { Evidence, Risk } from '../model/evidence.ts'
import {
  type AgentId,
  DEFAULT_TENANT,
  type PersonaId,
  type PlanId,
  type ShiftId,
  slug,
  type WorkloadId,
} from '../model/ids.ts'
import type { AgentRecord, ManifestRecord, WorkloadRecord } from '../model/records.ts'
import { judgeState } from './blast.ts'
import { parseManifests } from './manifest.ts'
import { type DecideInput, type Decision, decide, planOf } from './plan.ts'
import { whyReport } from './why.ts'
import { flowWhyText, whyText } from './why-text.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)
const A = 'a1' as AgentId
const example = (path: string) => readFileSync(new URL(`../../examples/${path}.yaml`, import.meta.url), 'utf8')
const records = (text: string): ManifestRecord[] => {
  const parsed = parseManifests(text, { file: 'test' })
  assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.where} ${parsed.why}`)
  return parsed.value.map((manifest) => ({
    kind: manifest.kind,
    id: slug(manifest.metadata.name),
    tenant: DEFAULT_TENANT,
    manifest,
    builtin: true,
    version: 1,
    updatedAt: 0,
    updatedBy: 'test',
  }))
}
const shipped = ['standard-user', 'api-server', 'api-consumer', 'database', 'data-exporter', 'compromised'].flatMap(
  (name) => records(example(`personas/${name}`)),
)
const lowRep = records(example('policies/block-outbound-low-rep'))

function workload(n: number, name: string, persona: string | null, risk: Risk | null = null): WorkloadRecord {
  return {
    id: `w_${n}` as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: A,
    report: {
      key: `netns:${name}`,
      name,
      kind: 'namespace',
      driver: 'netns',
      interface: `v${n}`,
      addresses: [`10.77.${n}.2`],
      labels: {},
    },
    assigned: persona === null ? null : { id: slug(persona) as PersonaId, name: persona, version: 1 },
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk,
    rate: { out: 0, in: 0 },
    firstSeen: NOW,
    lastSeen: NOW,
    version: 1,
  }
}
const agent = (mode: AgentRecord['mode'] = 'enforce'): AgentRecord => ({
  id: A,
  tenant: DEFAULT_TENANT,
  host: 'h',
  mode,
  lastReport: NOW,
  applied: null,
  counters: {},
  version: 1,
})
const fleet = (risk: Risk | null = null) => [
  workload(1, 'db1', 'Database'),
  workload(2, 'api1', 'API Server'),
  workload(3, 'exp1', 'Data Exporter', risk),
  workload(4, 'spare', null),
]
const base: DecideInput = {
  now: NOW,
  seed: 1,
  tenant: DEFAULT_TENANT,
  settings: {
    homeNetworks: ['10.0.0.0/8'],
    neverBlock: [],
    maxChangesPerMinute: 10,
    confirmWithinMs: 30_000,
    version: 0,
  },
  agents: [agent()],
  workloads: fleet(),
  manifests: shipped,
  intel: { entries: [], neverBlock: [], hash: 'empty' },
  shifts: [],
  target: {},
  conversations: [],
  controlPlane: [],
  recentChanges: 0,
  activations: {},
}
function evidence(authenticated: boolean): Evidence {
  return {
    kind: 'exfiltration',
    subject: 'w_3',
    peer: '203.0.113.66',
    weight: 4.5,
    halfLifeMs: 600_000,
    at: NOW,
    authenticated,
    source: 'exfiltration 1',
    why: 'sent 84 MB to 203.0.113.66, 40 times its usual',
    figures: {},
  }
}
function riskFrom(one: Evidence): Risk {
  const sum = -2.6 + one.weight
  return {
    value: 1 / (1 + Math.exp(-sum)),
    base: -2.6,
    sum,
    terms: [{ evidence: one, logOdds: one.weight, decayed: 1 }],
    at: NOW,
  }
}
function confirm(input: DecideInput, decision: Decision): DecideInput {
  assert.ok(decision.plan)
  const plan = planOf(decision.plan, {
    id: 'p_1' as PlanId,
    tenant: DEFAULT_TENANT,
    parent: null,
    generation: { system: 's', timeline: 1, n: 1 },
    decision: 'd' as never,
    createdAt: NOW,
    proposedBy: 'guise',
  })
  for (const state of Object.values(plan.agents))
    assert.ok(Value.Check(AgentState, state), JSON.stringify(Value.Errors(AgentState, state)[0]))
  return { ...input, target: { ...input.target, ...plan.agents } }
}
const reach = (
  input: DecideInput,
  id: string,
  peer: string,
  port: number,
  direction: 'egress' | 'ingress' = 'egress',
) => {
  const state = input.target[A]!
  const desired = state.workloads.find((one) => one.workload === id)!
  return judgeState(
    desired,
    direction,
    { peer, proto: 6, port },
    state,
    (set) => state.sets.find((one) => one.name === set)?.members ?? [],
  )
}

test('declared personas are worn, and the second look finds nothing to do', () => {
  const worn = confirm(base, decide(base))
  assert.equal(decide(worn).plan, null)
  assert.equal(reach(worn, 'w_2', '10.77.1.2', 5432).verdict, 'allow')
  assert.equal(reach(worn, 'w_1', '10.77.2.2', 5432, 'ingress').verdict, 'allow')
  assert.equal(reach(worn, 'w_1', '10.77.4.2', 5432, 'ingress').verdict, 'deny')
  assert.equal(reach(worn, 'w_1', '203.0.113.1', 53).why.rule, 'failsafe/dns-tcp')
})

test('workloads that are forgotten leave their agent’s state, in one plan that needs nobody and says whose they are', () => {
  const worn = confirm(base, decide(base))
  const fewer = { ...worn, workloads: worn.workloads.slice(0, 2) }
  const { plan } = decide(fewer)
  assert.deepEqual([plan?.approval, plan?.steps.length, plan?.automatic.length], ['auto', 0, 0])
  assert.equal(plan?.summary, 'plans nothing any more for netns:exp1, netns:spare')
  const after = confirm(fewer, decide(fewer))
  assert.deepEqual(
    after.target[A]!.workloads.map((one) => one.workload),
    ['w_1', 'w_2'],
  )
  assert.equal(decide(after).plan, null)
})

test('belief never grants: what imitates a database is in no allow set', () => {
  const belief = {
    at: NOW,
    personas: [{ persona: 'Database', p: 0.99 }],
    unknown: 0.01,
    believed: 'Database',
    because: [],
    model: 'm',
    features: 'f',
  }
  const worn = confirm(
    base,
    decide({ ...base, workloads: fleet().map((one) => (one.id === 'w_4' ? { ...one, belief } : one)) }),
  )
  assert.deepEqual(worn.target[A]!.sets.find((set) => set.name === 'persona:database')!.members, ['10.77.1.2/32'])
  assert.equal(reach(worn, 'w_2', '10.77.4.2', 5432).verdict, 'deny')
})

test('BLOCK_OUTBOUND_LOW_REP: three outcomes', () => {
  const entries = [
    { cidr: '192.0.2.66/32', score: 0.1 },
    { cidr: '198.51.100.7/32', score: 0.9 },
  ]
  const outcome = (manifests: ManifestRecord[]) => {
    const input = { ...base, manifests: [...shipped, ...manifests], intel: { ...base.intel, entries } }
    const worn = confirm(input, decide(input))
    return ['192.0.2.66', '198.51.100.7', '203.0.113.9', '10.77.1.2'].map((peer) => {
      const { verdict, why } = reach(worn, 'w_4', peer, 443)
      return `${peer} ${verdict} ${why.text}`
    })
  }
  assert.deepEqual(outcome(lowRep), [
    '192.0.2.66 deny policy BLOCK_OUTBOUND_LOW_REP rule 1: deny egress to reputation below 0.3 (unrated: allow) (rated)',
    '198.51.100.7 allow persona Standard User allows egress that no rule names',
    '203.0.113.9 allow persona Standard User allows egress that no rule names',
    '10.77.1.2 allow persona Standard User allows egress that no rule names',
  ])
  assert.deepEqual(
    outcome(records(example('policies/block-outbound-low-rep').replace('unrated: allow', 'unrated: deny'))),
    [
      '192.0.2.66 deny policy BLOCK_OUTBOUND_LOW_REP rule 1: deny egress to reputation below 0.3 (unrated: deny) (rated)',
      '198.51.100.7 allow persona Standard User allows egress that no rule names',
      '203.0.113.9 deny policy BLOCK_OUTBOUND_LOW_REP rule 1: deny egress to reputation below 0.3 (unrated: deny) (unrated)',
      '10.77.1.2 allow persona Standard User allows egress that no rule names',
    ],
  )
})

test('risk contains for a while, is kept to its end, and is then let go; others are not touched', () => {
  const worn = confirm(base, decide(base))
  const risky = { ...worn, workloads: fleet(riskFrom(evidence(true))) }
  const decision = decide(risky)
  assert.equal(decision.plan?.direction, 'containment')
  assert.equal(decision.plan.approval, 'auto')
  assert.deepEqual(
    decision.plan.steps.map((step) => step.workload),
    ['w_3'],
  )
  assert.equal(decision.wakeAt, NOW + 900_000)
  const contained = confirm(risky, decision)
  assert.equal(reach(contained, 'w_3', '203.0.113.10', 443).verdict, 'deny')
  assert.equal(reach(contained, 'w_2', '10.77.1.2', 5432).verdict, 'allow')
  assert.equal(decide({ ...contained, now: NOW + 500_000 }).plan, null, 'not renewed before its last third')
  assert.equal(
    decide({ ...contained, now: NOW + 700_000 }).plan?.direction,
    'containment',
    'renewed while it still holds',
  )
  const calm = { ...contained, workloads: fleet() }
  assert.equal(decide({ ...calm, now: NOW + 800_000 }).plan, null, 'kept to its end')
  const over = { ...calm, now: NOW + 900_001 }
  assert.equal(reach(confirm(over, decide(over)), 'w_3', '203.0.113.10', 443).verdict, 'allow')
})

test('evidence that could be forged never contains, and says so', () => {
  const decision = decide({ ...confirm(base, decide(base)), workloads: fleet(riskFrom(evidence(false))) })
  assert.equal(decision.plan, null)
  assert.match(decision.skipped.map((one) => one.why.text).join(), /could be forged/)
})

test('an agent that only observes gets no plan, and what it would get is said', () => {
  const decision = decide({ ...base, agents: [agent('observe')] })
  assert.equal(decision.plan, null)
  assert.equal(decision.wouldDo.length, 4)
  assert.match(decision.wouldDo[0]!.why.text, /in mode observe; in enforce: wear Database/)
})

test('above the cap automation only suggests, with an alarm', () => {
  const decision = decide({
    ...confirm(base, decide(base)),
    workloads: fleet(riskFrom(evidence(true))),
    recentChanges: 10,
  })
  assert.equal(decision.plan, null)
  assert.equal(decision.alarms.length, 1)
  assert.match(decision.wouldDo[0]!.why.text, /^contain it/)
})

test('a shift is worn until it ends, and its blast radius is named', () => {
  const worn = confirm(base, decide(base))
  const shift = {
    id: 's_1' as ShiftId,
    tenant: DEFAULT_TENANT,
    workload: 'w_2' as WorkloadId,
    from: null,
    to: { id: 'compromised' as PersonaId, name: 'Compromised', version: 1 },
    plan: null,
    state: 'proposed' as const,
    requestedBy: 'kim',
    why: [],
    until: NOW + 60_000,
    createdAt: NOW,
    updatedAt: NOW,
    version: 1,
  }
  const conversations = [
    {
      workload: 'w_2' as WorkloadId,
      peer: '10.77.1.2',
      port: 5432,
      proto: 6,
      direction: 'initiated' as const,
      start: NOW,
      last: NOW,
      flows: 3,
      failed: 0,
      bytesOut: 1,
      bytesIn: 1,
      service: null,
    },
  ]
  const shifted = { ...worn, shifts: [shift], conversations }
  const decision = decide(shifted)
  assert.equal(decision.plan?.direction, 'change')
  assert.equal(decision.plan.steps[0]!.shift, 's_1')
  assert.deepEqual(decision.plan.blastRadius, { workloads: 1, conversationsCut: 1, cut: ['api1 → db1 tcp 5432'] })
  const back = decide({ ...confirm(shifted, decision), now: NOW + 60_001 })
  assert.equal(back.plan?.steps[0]?.to.name, 'API Server')
})

test('a deny that comes by itself holds for its ttl and then ends', () => {
  const policy = records(
    example('policies/no-remote-admin-under-suspicion')
      .replace('mode: suggest', 'mode: enforce')
      .replace('risk >= 0.5', 'risk >= 0.3'),
  )
  const input = { ...base, manifests: [...shipped, ...policy] }
  const mild = { ...evidence(true), weight: 2 }
  const first = decide({
    ...input,
    workloads: fleet().map((one) => (one.id === 'w_4' ? { ...one, risk: riskFrom(mild) } : one)),
  })
  const worn = confirm(input, first)
  assert.equal(reach(worn, 'w_4', '10.9.9.9', 22).why.policy, 'no-remote-admin-under-suspicion')
  const calm = { ...worn, activations: first.activations }
  assert.equal(decide({ ...calm, now: NOW + 899_000 }).plan, null)
  const over = { ...calm, now: NOW + 900_000 }
  assert.equal(reach(confirm(over, decide(over)), 'w_4', '10.9.9.9', 22).verdict, 'allow')
})

test('the same state in any order gives the same decision', () => {
  const input = { ...base, manifests: [...shipped, ...lowRep], workloads: fleet(riskFrom(evidence(true))) }
  const expected = JSON.stringify(decide(input))
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...input.manifests], { minLength: input.manifests.length }),
      fc.shuffledSubarray([...input.workloads], { minLength: 4 }),
      (manifests, workloads) => {
        assert.equal(JSON.stringify(decide({ ...input, manifests, workloads })), expected)
      },
    ),
    { numRuns: 30 },
  )
})

test('why, in words (GUISE_GOLDEN=1 rewrites it)', async () => {
  const risky = { ...base, workloads: fleet(riskFrom(evidence(true))) }
  const contained = confirm(risky, decide(risky))
  const record = risky.workloads[2]!
  const exporter = shipped.find((one) => one.id === 'data-exporter')!
  assert.ok(exporter.manifest.kind === 'Persona')
  const input = {
    now: NOW,
    record,
    persona: {
      ref: { id: 'data-exporter' as PersonaId, name: 'Data Exporter', version: 1 },
      spec: exporter.manifest.spec,
    },
    desired: contained.target[A]!.workloads.find((one) => one.workload === 'w_3')!,
    plan: null,
    mode: 'enforce',
    conversations: [],
  } as const
  const text = whyText(whyReport(input))
  const golden = new URL('./why-text.golden.txt', import.meta.url)
  if (process.env.GUISE_GOLDEN === '1') (await import('node:fs')).writeFileSync(golden, text)
  assert.equal(text, readFileSync(golden, 'utf8'))

  const free = whyReport({ ...input, mode: 'observe' })
  assert.match(
    free.sentence,
    /wears nothing: its agent is in mode observe, and no rule of ours holds there; risk 0\.\d\d\.$/,
  )
  assert.deepEqual([free.containment, free.rules], [null, []])
})

test('why of one flow, in words', () => {
  const judged = (verdict: string, rule: string, text: string) => ({ verdict, why: { rule, text } })
  const text = flowWhyText({
    workload: { id: 'w_3' },
    flow: { from: '10.77.3.2', to: '203.0.113.66', protocol: 'tcp', port: 443 },
    plan: 'p_1',
    generation: 7,
    egress: judged('deny', 'persona:data-exporter/mitigation/1', 'risk 0.87'),
    ingress: judged('allow', 'guise/not-ours', 'not ours\u001b[2J'),
    verdict: 'deny',
  })
  assert.equal(
    text,
    '10.77.3.2 → 203.0.113.66 tcp 443\nDenied\n  plan: p_1\n  generation: 7\n  egress: deny: risk 0.87 [persona:data-exporter/mitigation/1]\n  ingress: allow: not ours [2J [guise/not-ours]\n',
  )
})

test('why of one flow that is only counted, and of an answer that was refused', () => {
  const text = flowWhyText({
    flow: { from: '10.0.0.5', to: '10.0.0.9', protocol: 'tcp', port: 443 },
    verdict: 'would-deny',
    denied: [{ from: '10.0.0.9', to: '10.0.0.5', proto: 6, port: 50_000, rule: 'default-deny', packets: 1, last: 0 }],
  })
  assert.equal(
    text,
    '10.0.0.5 → 10.0.0.9 tcp 443\nWould be denied: the mode of its agent only counts it\n  refused: 1 packet 10.0.0.9 → 10.0.0.5 port 50000 by default-deny, last at 1970-01-01T00:00:00.000Z\n',
  )
})

test('containment spares the never-block list', () => {
  const settings = { ...base.settings, neverBlock: ['203.0.113.10'] }
  const worn = confirm({ ...base, settings }, decide({ ...base, settings }))
  const risky = { ...worn, workloads: fleet(riskFrom(evidence(true))) }
  const contained = confirm(risky, decide(risky))
  assert.equal(reach(contained, 'w_3', '203.0.113.10', 443).verdict, 'allow')
  assert.equal(reach(contained, 'w_3', '203.0.113.11', 443).verdict, 'deny')
})

test('a fixed address is worn once: who has it in force keeps it, the other is told', () => {
  const fixed = records(
    'apiVersion: guise/v1\nkind: Persona\nmetadata: {name: Fixed}\nspec: {profile: {network: {addresses: [10.9.0.5/24]}}}\n',
  )
  const manifests = [...shipped, ...fixed]
  const wearing = (ids: readonly number[]) => [1, 2].map((n) => workload(n, `w${n}`, ids.includes(n) ? 'Fixed' : null))
  const first = decide({ ...base, manifests, workloads: wearing([2]) })
  assert.ok(first.plan !== null)
  const target = { [A]: first.plan.agents[A]! } as unknown as DecideInput['target']
  const both = decide({ ...base, manifests, workloads: wearing([1, 2]), target })
  const network = (decision: Decision, n: number) =>
    decision.plan?.agents[A]?.workloads.find((one) => one.workload === `w_${n}`)?.network?.addresses
  assert.deepEqual([network(both, 1), network(both, 2)], [undefined, ['10.9.0.5/24']])
  assert.deepEqual(
    both.skipped.map((one) => [one.workload, one.why.rule, one.why.text]),
    [
      [
        'w_1',
        'address-taken',
        "its persona Fixed has the address 10.9.0.5, which is w2's, so it keeps its own network",
      ],
    ],
  )
  const neither = decide({ ...base, manifests, workloads: wearing([1, 2]) })
  assert.deepEqual([network(neither, 1), network(neither, 2)], [['10.9.0.5/24'], undefined])
})

test('what a person spares waits neither for containments nor for an approval of something else', () => {
  const worn = confirm(base, decide(base))
  const neverBlock = ['198.51.100.7/32']
  const spared = { ...worn, settings: { ...worn.settings, neverBlock } }
  const risky = { ...spared, workloads: fleet(riskFrom(evidence(true))) }
  const first = decide(risky)
  assert.equal(first.plan?.direction, 'change')
  assert.deepEqual(first.plan.steps, [])
  assert.equal(first.plan.approval, 'auto')
  assert.deepEqual(first.plan.agents[A]!.neverBlock, neverBlock)
  assert.equal(decide(confirm(risky, first)).plan?.direction, 'containment', 'which comes right after')

  const off = decide(confirm(spared, decide(spared)))
  assert.equal(off.sparing, null)
  const again = { ...confirm(spared, decide(spared)), settings: worn.settings }
  assert.equal(decide(again).sparing, null, 'an entry taken off tightens: it goes with the rest')
  assert.deepEqual(decide(again).plan?.agents[A]?.neverBlock, [])
})
