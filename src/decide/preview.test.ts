import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { confirmed, decideInput, manifestRecords, workloadRecord } from '../../test/decide-input.ts'
import type { RuleList } from '../model/desired.ts'
import { decide } from './plan.ts'
import { planAfter, reachOf, ruleChanges } from './preview.ts'

const list = (ports: readonly number[], otherwise: 'allow' | 'deny' = 'deny'): RuleList => ({
  rules: ports.map((port) => ({
    verdict: 'allow',
    match: { peer: { kind: 'any' }, service: { protocol: 'tcp', from: port, to: port } },
    why: { rule: `p/${port}`, text: `port ${port}` },
  })),
  otherwise,
  why: { rule: `default-${otherwise}`, text: 'the rest' },
})
const signs = (before: readonly number[] | null, after: readonly number[]) =>
  ruleChanges(before === null ? null : list(before), list(after), 'egress').map(
    ({ change, match }) =>
      `${{ added: '+', removed: '-', same: ' ' }[change]}${match === null ? 'rest' : match.service === null || !('from' in match.service) ? '' : match.service.from}`,
  )

test('a rule that goes is where it stood, a rule that comes where it will stand', () => {
  assert.deepEqual(signs([1, 2, 3], [1, 4, 3]), [' 1', '-2', '+4', ' 3', ' rest'])
  assert.deepEqual(signs([1, 2], [2, 1]), ['-1', ' 2', '+1', ' rest'])
  assert.deepEqual(signs(null, [1]), ['+1', '+rest'])
})

test('what stays and goes is the old list in order, what stays and comes the new one', () => {
  const ports = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  fc.assert(
    fc.property(ports, ports, (before, after) => {
      const lines = signs(before, after)
      const keep = (sign: string) => lines.filter((line) => line[0] !== sign).map((line) => line.slice(1))
      assert.deepEqual(keep('+'), [...before.map(String), 'rest'])
      assert.deepEqual(keep('-'), [...after.map(String), 'rest'])
    }),
  )
})

test('five thousand rules against five thousand others are compared at once', () => {
  const many = (from: number) => list(Array.from({ length: 5_000 }, (_, i) => 1 + ((i * 7 + from) % 60_000)))
  const changes = ruleChanges(many(0), many(3), 'egress')
  assert.equal(changes.filter((one) => one.change !== 'added').length, 5_001)
})

const persona = (profile: string, more = '') => `
apiVersion: guise/v1
kind: Persona
metadata: { name: Worn }
spec: { profile: { default: { egress: allow, ingress: allow }${profile} }${more} }
`

test('whatever a persona has beside rules, a change of it is told, and one of its words alone is not', () => {
  const fresh = decideInput(persona(''), [workloadRecord(1, 'Worn'), workloadRecord(2, 'Worn')])
  const input = confirmed(fresh, decide(fresh))
  const look = (text: string) => {
    const set = manifestRecords(text).map(({ manifest }) => manifest)
    const reach = reachOf(input, set)
    return [reach.groups.map((group) => group.length), planAfter(input, set, reach, [])?.steps ?? 0]
  }
  for (const facet of [
    'bandwidth: { up: { rate: 1mbit } }',
    'cpu: { cores: 0.5 }',
    'memory: { max: 64MiB }',
    'publishedPorts: [{ protocol: tcp, port: 80 }]',
    'inspection: full',
    'onDeny: reset',
    'dlp: { dnsTunnels: watch }',
  ])
    assert.deepEqual(look(persona(`, ${facet}`)), [[2], 2], facet)
  const contained = ', mitigationRules: [{ when: "risk >= 0.0", do: deny, ttl: 15m }]'
  assert.deepEqual(look(persona('', contained)), [[2], 2])
  assert.deepEqual(look(persona('').replace('name: Worn', 'name: Worn, description: more')), [[], 0])
})
