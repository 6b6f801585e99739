import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadId } from '../../model/ids.ts'
import { ALIKE } from './edit.ts'
import { generalise, suggestName, type Talk, type Whois } from './generalise.ts'

const talk = (workload: string, peer: string, port: number, more: Partial<Talk> = {}): Talk => ({
  workload: workload as WorkloadId,
  peer,
  port,
  proto: 6,
  direction: 'initiated',
  flows: 10,
  failed: 0,
  service: null,
  ...more,
})
const homes = ['10.0.0.0/8', 'fc00::/7']
const WHO: Record<string, Whois> = {
  '10.0.0.1': { kind: 'persona', name: 'Database' },
  '10.0.0.2': { kind: 'persona', name: 'Database' },
  '10.0.0.3': { kind: 'labels', labels: { app: 'shop' } },
  '10.0.0.4': { kind: 'alike' },
  '10.0.0.9': { kind: 'nobody', why: 'no workload has this address' },
}
const whois = (address: string): Whois => WHO[address] ?? { kind: 'outside' }

test('peers become what they are, never addresses', () => {
  const talks = ['a', 'b'].flatMap((workload) => [
    talk(workload, '10.0.0.1', 5432),
    talk(workload, '10.0.0.2', 5432),
    talk(workload, '10.0.0.3', 25, { direction: 'served' }),
    talk(workload, '10.0.0.4', 7000),
    talk(workload, '198.51.100.7', 25, { flows: 40 }),
  ])
  const { rules, leftOut } = generalise(talks, whois, homes)
  assert.deepEqual(leftOut, [])
  assert.deepEqual(
    rules.map(({ rule }) => [rule.direction, rule.peers, rule.ports]),
    [
      [
        'egress',
        [
          { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] },
          { cidr: '::/0', except: ['fc00::/7'] },
        ],
        [{ protocol: 'tcp', port: 25 }],
      ],
      ['egress', [{ persona: 'Database' }], [{ protocol: 'tcp', port: 5432 }]],
      ['ingress', [{ labels: { app: 'shop' } }], [{ protocol: 'tcp', port: 25 }]],
      ['egress', [{ persona: ALIKE }], [{ protocol: 'tcp', port: 7000 }]],
    ],
  )
  assert.deepEqual([rules[1]!.workloads, rules[1]!.of, rules[1]!.flowShare], [2, 2, 0.25])
  assert.ok(!JSON.stringify(rules).includes('10.0.0.1'))
})

test('what one of three did, what nobody answered and whom nobody can name is left out, with the reason', () => {
  const talks = [
    ...['a', 'b', 'c'].map((workload) => talk(workload, '10.0.0.1', 5432)),
    talk('a', '198.51.100.1', 4444),
    ...['a', 'b', 'c'].map((workload) => talk(workload, '198.51.100.1', 22, { failed: 10 })),
    ...['a', 'b', 'c'].map((workload) => talk(workload, '10.0.0.9', 9100)),
    ...['a', 'b', 'c'].map((workload) => talk(workload, '10.0.0.9', 53, { proto: 17 })),
    ...['a', 'b', 'c'].map((workload) => talk(workload, '10.0.0.1', 0, { proto: 47 })),
  ]
  const { rules, leftOut } = generalise(talks, whois, homes)
  assert.equal(rules.length, 1)
  const why = new Map(leftOut.map((one) => [one.what, one.why]))
  assert.equal(why.get('to the outside, tcp 4444'), '1 of 3 workloads did this')
  assert.equal(why.get('to the outside, tcp 22'), 'none of it was answered')
  assert.equal(why.get('to 10.0.0.9, tcp 9100'), 'no workload has this address')
  assert.match(why.get('to 10.0.0.9, udp 53') ?? '', /fail-safe/)
  assert.match(why.get('to Database, protocol 47') ?? '', /rules know/)
})

test('a scan of a thousand ports is not a thousand rules', () => {
  const talks = Array.from({ length: 1_000 }, (_, i) => talk('a', '198.51.100.1', i + 1))
  const { rules, leftOut } = generalise(talks, whois, homes)
  assert.ok(rules.length <= 40 && leftOut.length <= 40)
})

test('a name is what most flows are, safe in a manifest, and not taken', () => {
  const talks = [talk('a', '198.51.100.1', 25, { service: 'smtp' }), talk('a', '198.51.100.1', 53, { flows: 90 })]
  assert.equal(suggestName(talks, new Set()), 'SMTP Client')
  assert.equal(suggestName(talks, new Set(['smtp client'])), 'SMTP Client 2')
  assert.equal(suggestName([talk('a', '10.0.0.1', 1883, { direction: 'served' })], new Set()), 'Port 1883 Server')
  assert.equal(suggestName([], new Set()), 'Stranger')
  assert.match(
    suggestName([talk('a', '10.0.0.1', 1, { service: '<b>"$(x)' })], new Set()),
    /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/,
  )
})
