import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState, DesiredState, ResolvedRule } from '../model/desired.ts'
import type { Flow } from './evaluate.ts'
import { whatIf } from './what-if.ts'

const why = (rule: string) => ({ rule, text: rule })
const any = { peer: { kind: 'any' }, service: null } as const
const flow: Flow = { from: '10.0.0.1', to: '203.0.113.5', protocol: 'tcp', port: 443 }
const LIVE = { now: 0, reflexes: [] }

function dependences(rules: readonly ResolvedRule[], more: Partial<DesiredState> = {}) {
  const list = { rules: [...rules], otherwise: 'deny' as const, why: why('default-deny') }
  const workload: DesiredState = {
    ...{ workload: 'w', key: 'w', persona: { id: 'p', name: 'P', version: 1 }, egress: list, ingress: list },
    containment: null,
    ...more,
  }
  const state: AgentState = {
    ...{ generation: { system: 's', timeline: 1, n: 1 }, plan: 'p', mode: 'enforce', workloads: [workload] },
    sets: [{ name: 'site', members: [], learned: { names: ['example.com'], resolvers: [], use: 'allow' } }],
    ...{ neverBlock: [], failSafe: [], confirmWithinMs: 30_000 },
  }
  const bindings = [{ key: 'w', interface: 'w0', addresses: ['10.0.0.1'], driver: 'netns' as const }]
  return whatIf(state, bindings, workload, 'egress', flow, LIVE).map(
    ({ on, verdict, rule, text }) => `${on}: ${verdict} by ${rule} ${text}`,
  )
}

test('a verdict that rests on answers, limits, budgets or holds says so; one that does not says nothing', () => {
  const site = { verdict: 'allow', match: { ...any, peer: { kind: 'set', set: 'site' } }, why: why('site') } as const
  assert.deepEqual(dependences([site]), ['answers: allow by site if example.com led to 203.0.113.5'])
  const limited = { verdict: 'allow', match: any, why: why('slow'), limit: { unit: 'bytes', perSecond: 100 } } as const
  assert.deepEqual(dependences([limited]), ['use: deny by slow above 100 bytes a second'])
  const open = { verdict: 'allow', match: any, why: why('open') } as const
  const budget = { kind: 'bytes', bytes: 5, seconds: 60, per: 'peer' } as const
  assert.deepEqual(dependences([{ verdict: 'deny', match: any, why: why('dlp'), beyond: budget }, open]), [
    'use: deny by dlp once 5 bytes went out to one peer within 60 s',
  ])
  assert.deepEqual(
    dependences([{ verdict: 'deny', match: any, why: why('hold'), beyond: { kind: 'new', seconds: 30 } }, open]),
    ['use: deny by hold in its first 30 s as a destination'],
  )
  const both = { directions: 'none', limit: { unit: 'flows', perSecond: 5 }, until: 9, why: why('held') } as const
  assert.deepEqual(dependences([open], { containment: both }), ['use: deny by held above 5 new flows a second'])
  assert.deepEqual(
    dependences([open], { containment: { ...both, directions: 'egress' } }),
    [],
    'it is cut off whatever',
  )
  // Behind what decides before them they change nothing.
  assert.deepEqual(dependences([open, site, { ...limited, why: why('later') }]), [])
})
