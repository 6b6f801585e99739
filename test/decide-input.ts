/** A small fleet under one enforcing agent, as `decide` sees it, with manifests given as text; and its plans confirmed. */
import assert from 'node:assert/strict'
import { parseManifests } from '../src/decide/manifest.ts'
import { type DecideInput, type Decision, planOf } from '../src/decide/plan.ts'
import type { Risk } from '../src/model/evidence.ts'
import { type AgentId, DEFAULT_TENANT, type PersonaId, type PlanId, slug, type WorkloadId } from '../src/model/ids.ts'
import type { ManifestRecord, WorkloadRecord } from '../src/model/records.ts'

export const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)
export const AGENT = 'a1' as AgentId

export function manifestRecords(text: string): ManifestRecord[] {
  const parsed = parseManifests(text, { file: 'test' })
  assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.where} ${parsed.why}`)
  return parsed.value.map((manifest) => ({
    kind: manifest.kind,
    id: slug(manifest.metadata.name),
    tenant: DEFAULT_TENANT,
    manifest,
    builtin: false,
    version: 1,
    updatedAt: 0,
    updatedBy: 'test',
  }))
}

export function workloadRecord(n: number, persona: string | null, more: Partial<WorkloadRecord> = {}): WorkloadRecord {
  return {
    id: `w_${n}` as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: AGENT,
    report: {
      key: `netns:w${n}`,
      name: `w${n}`,
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
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: NOW,
    lastSeen: NOW,
    version: 1,
    ...more,
  }
}

/** Personas with their probability; the rest is `unknown`. */
export function beliefIn(of: Readonly<Record<string, number>>): NonNullable<WorkloadRecord['belief']> {
  const personas = Object.entries(of).map(([persona, p]) => ({ persona, p }))
  const unknown = 1 - personas.reduce((sum, { p }) => sum + p, 0)
  return { at: NOW, personas, unknown, believed: null, because: [], model: 'm', features: 'f' }
}

/** Made of one fact; one that could be forged counts in the risk, and may not act. */
export function riskOfValue(value: number, authenticated: 'sure' | 'forgeable' = 'sure'): Risk {
  const base = -2.6
  const sum = Math.log(value / (1 - value))
  const evidence = {
    kind: 'exfiltration' as const,
    subject: 'w_1',
    peer: '203.0.113.66',
    weight: Math.min(10, sum - base),
    halfLifeMs: 600_000,
    at: NOW,
    authenticated: authenticated === 'sure',
    source: 'exfiltration 1',
    why: 'sent 84 MB to 203.0.113.66',
    figures: {},
  }
  return { value, base, sum, terms: [{ evidence, logOdds: sum - base, decayed: 1 }], at: NOW }
}

export function decideInput(text: string, workloads: readonly WorkloadRecord[]): DecideInput {
  return {
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
    agents: [
      {
        id: AGENT,
        tenant: DEFAULT_TENANT,
        host: 'h',
        mode: 'enforce',
        lastReport: NOW,
        applied: null,
        counters: {},
        version: 1,
      },
    ],
    workloads,
    manifests: manifestRecords(text),
    intel: { entries: [], neverBlock: [], hash: 'empty' },
    shifts: [],
    target: {},
    conversations: [],
    controlPlane: [],
    recentChanges: 0,
    activations: {},
  }
}

/** The input once the decision's plan is in force. */
export function confirmed(input: DecideInput, decision: Pick<Decision, 'plan'>): DecideInput {
  assert.ok(decision.plan !== null, 'there is a plan')
  const plan = planOf(decision.plan, {
    id: 'p_1' as PlanId,
    tenant: DEFAULT_TENANT,
    parent: null,
    generation: { system: 's', timeline: 1, n: 1 },
    decision: 'd' as never,
    createdAt: NOW,
    proposedBy: 'guise',
  })
  return { ...input, target: { ...input.target, ...plan.agents } }
}
