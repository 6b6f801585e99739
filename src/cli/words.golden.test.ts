/** What people read, word for word, at a fixed clock. GUISE_GOLDEN=1 writes it anew; read it before keeping it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DEFAULT_TENANT } from '../model/ids.ts'
import type { PlanSummary } from '../model/plan-summary.ts'
import type { ShiftRecord, WorkloadRecord } from '../model/records.ts'
import { appliedText } from './apply.ts'
import { doctorText } from './doctor.ts'
import { planTable, shiftTable, workloadTable } from './get.ts'
import { diffText, lookBackText, showText } from './plan.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)
const GOLDEN = new URL('./words.golden.txt', import.meta.url)
const why = { rule: 'persona:data-exporter/mitigation/0', text: 'risk is 0.91, and `risk >= 0.7` asks to deny it for 15m' }
const rule = (verdict: 'allow' | 'deny', n: number, peer: string, id: string) => ({
  verdict,
  n,
  peer,
  service: '443 tcp',
  seen: null,
  match: { peer: { kind: 'any' as const }, service: null },
  why: { rule: id, text: `${verdict} it` },
})
const more = { removed: 0, added: 0, kept: 0 }
const exporter = { persona: 'data-exporter' as never, name: 'Data Exporter' }
const until = NOW + 900_000
const preview: Parameters<typeof showText>[0] = {
  id: 'p_7f3a' as never,
  title: 'Contain exp1',
  generation: 12,
  from_generation: 11,
  in_force: 11,
  state: 'confirming',
  direction: 'containment',
  decision: 'd_1' as never,
  proposed_by: 'session:ann',
  created_at: NOW - 95_000,
  updated_at: NOW,
  approval: 'one',
  approval_words: 'one person: it cuts talk on more than 10 workloads and a quarter of the fleet',
  approval_rule: 'approval/quarter-of-fleet',
  approvals: [{ by: 'session:bo', note: 'matches the alert', at: NOW, signed: ['a_1' as never] }],
  approvals_needed: 1,
  blast_radius: {
    workloads: 1,
    conversationsCut: 1,
    cut: ['exp1 → 203.0.113.66 tcp 443'],
    all: 8,
    changed: [{ id: 'w_exp1' as never, name: 'exp1' }],
    loses: [{ id: 'w_report' as never, name: 'report-1' }],
  },
  steps: [
    {
      workload: 'w_exp1' as never,
      name: 'exp1',
      shift: null,
      from: exporter,
      to: exporter,
      why: [why],
      rules: {
        egress: {
          added: [rule('deny', 1, '203.0.113.0/24', 'policy/p/1')],
          removed: [rule('allow', 2, 'anyone', 'persona:data-exporter/allow/2')],
          kept: [rule('allow', 3, 'persona database', 'persona:data-exporter/allow/1')],
          more,
          otherwise: { before: 'allow', after: 'deny' },
        },
        ingress: { added: [], removed: [], kept: [], more, otherwise: { before: 'deny', after: 'deny' } },
      },
      facets: { changed: [{ facet: 'rest-out', before: 'allowed', after: 'dropped', why }], unchanged: ['dns'] },
      containment: { directions: 'egress', until, why },
    },
  ],
  beside: [{ host: 'host-a', text: 'forward: ip filter FORWARD, priority 0, beside ours, drops what none of its rules lets pass' }],
  steps_more: 0,
  skipped: [
    {
      workload: 'w_spare' as never,
      name: 'spare',
      why: { rule: 'address-taken', text: 'its persona has the address 10.0.0.5, which is db1’s' },
    },
  ],
  agents: [{ agent: 'host-a' as never, host: 'host-a', hash: 'h12ab', live: 'equal', liveHash: 'h12ab' }],
  rollback_within_ms: 30_000,
}
const workload = (name: string, more: Partial<WorkloadRecord>) =>
  ({
    id: `w_${name}`,
    tenant: DEFAULT_TENANT,
    report: { key: `netns:${name}`, name },
    assigned: null,
    worn: null,
    belief: null,
    risk: null,
    containedUntil: null,
    lastSeen: NOW - 4_000,
    ...more,
  }) as unknown as WorkloadRecord
const workloads = [
  workload('db1', {
    worn: { id: 'database', name: 'Database', version: 1 } as never,
    assigned: { id: 'database', name: 'Database', version: 1 } as never,
    belief: { believed: 'Database', personas: [{ persona: 'Database', p: 0.973 }] } as never,
    risk: { value: 0.031 } as never,
  }),
  workload('exp1', { risk: { value: 0.912 } as never, containedUntil: NOW + 840_000 }),
]
const plans = [
  {
    plan: {
      id: 'p_7f3a',
      generation: { n: 12 },
      direction: 'containment',
      approval: 'two',
      steps: [{}],
      blastRadius: { workloads: 1, conversationsCut: 1 },
      createdAt: NOW - 95_000,
    },
    title: 'Contain exp1',
    deadline: NOW + 24_000,
    state: 'confirming',
    approvedBy: ['ann'],
  },
] as unknown as PlanSummary[]
const shifts = [
  { id: 's_1', workload: 'w_db1', from: null, to: { name: 'Idle' }, state: 'confirmed', requestedBy: 'ann', until: NOW + 61_000 },
  { id: 's_2', workload: 'w_exp1', from: { name: 'Idle' }, to: { name: 'Database' }, state: 'expired', requestedBy: 'guise', until: NOW - 1 },
] as unknown as ShiftRecord[]
const doctor: Parameters<typeof doctorText>[0] = {
  ok: false,
  version: '0.1.0',
  checks: [
    { name: 'database', ok: true, detail: 'answers', cure: 'See the log of PostgreSQL.' },
    { name: 'agent host-a', ok: false, detail: 'last report 95 s ago, mode enforce', cure: 'Start guise agent on host-a.' },
  ],
}

test('tables, plans and doctor read as they did', () => {
  const items = [
    { kind: 'Persona', id: 'a', outcome: 'created' },
    { kind: 'Policy', id: 'p', outcome: 'unchanged' },
  ]
  const parts: Record<string, string> = {
    'get workloads': workloadTable(workloads, NOW),
    'get workloads (none)': workloadTable([], NOW),
    'get plans': planTable(plans, NOW),
    'get plans (none)': planTable([], NOW),
    'get shifts': shiftTable(shifts, NOW),
    'get shifts (none)': shiftTable([], NOW),
    'plan show': showText(preview),
    'plan show (waits)': showText({ ...preview, state: 'proposed', approval: 'two', approvals_needed: 2 }),
    'plan rollback --to 9 --preview': lookBackText({ ...preview, generation: 9, in_force: 12 }),
    'plan diff': diffText(preview),
    'plan diff (sets only)': diffText({ ...preview, steps: [] }),
    doctor: doctorText(doctor),
    'apply --dry-run': appliedText({ applied: false, items }),
    apply: appliedText({ applied: true, items, tests: [{ policy: 'p', passed: true }] }),
  }
  const text = Object.entries(parts)
    .map(([name, part]) => `$ guise ${name}\n${part}\n`)
    .join('\n')
  if (process.env.GUISE_GOLDEN === '1' || !existsSync(GOLDEN)) writeFileSync(GOLDEN, text)
  assert.equal(text, readFileSync(GOLDEN, 'utf8'))
})
