/** What a plan says of a closer look, and what it would have cost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredState } from '../model/desired.ts'
import { copiedBytes, type InspectionWish } from '../model/facets/inspection.ts'
import { facetWords, wornFacets } from './facet-words.ts'

const why = { rule: 'r/0', text: 'test' }
const list = { rules: [], otherwise: 'allow', why } as const satisfies DesiredState['egress']
const state = (more: Partial<DesiredState>): DesiredState => ({
  workload: 'w_1',
  key: 'w1',
  persona: { id: 'p', name: 'P', version: 1 },
  egress: list,
  ingress: list,
  containment: null,
  ...more,
})
const words = (level: InspectionWish['level'], copied: number | null) =>
  facetWords(state({ inspection: { level } }), copied).inspection

test('a look says what is copied, and how much of the last day that would have been', () => {
  assert.equal(words('none', 0), 'none: nothing is copied')
  assert.match(words('flows', 12_300) ?? '', /^flows: what opens and ends .*; 13 kB of the last day would have been$/)
  assert.match(words('signatures', 7_250_000) ?? '', /every packet is copied to the sensor; 7\.3 MB of the last day/)
  assert.equal(words('signatures', null), 'signatures: every packet is copied to the sensor')
  assert.match(
    words('full', 7_250_000) ?? '',
    /^full: every packet .*; 7\.3 MB of .*; its system calls are counted, .* 0\.1 µs for each/,
  )
})

test('flows cost some packets a conversation, and never more than it had', () => {
  const talk = { flows: 10, bytesOut: 600_000, bytesIn: 400_000 }
  const costs = (['none', 'flows', 'signatures', 'full'] as const).map((level) => copiedBytes({ level }, talk))
  assert.deepEqual(costs, [0, 2_960, 1_000_000, 1_000_000])
  assert.equal(copiedBytes({ level: 'flows' }, { flows: 10, bytesOut: 100, bytesIn: 50 }), 150)
})

test('packages are told by name and version', () => {
  assert.equal(facetWords(state({ packages: ['curl', 'nginx=1.22.1-9'] })).packages, 'curl; nginx=1.22.1-9')
})

test('rates and sizes are told in units that people use; what is not worn is not told', () => {
  const shape = (rate: number, ceiling = rate) => ({ rate, ceiling })
  const told = wornFacets(
    state({
      bandwidth: { down: shape(10e6), up: shape(2_500_000, 1e9), priority: 'high' },
      memory: { maxBytes: 512 << 20 },
      machine: { power: 'on', cpus: 2, memoryMb: 1_536 },
      publishedPorts: [
        { protocol: 'tcp', port: 8_443, to: 443 },
        { protocol: 'udp', port: 53, to: 53 },
      ],
      network: {
        addresses: ['10.0.0.5/24'],
        gateways: [],
        routes: [{ to: '10.50.0.0/16', via: '10.0.0.1' }],
        mtu: 1_400,
      },
    }),
  )
  assert.deepEqual(Object.fromEntries(told.map(({ facet, words }) => [facet, words])), {
    address: '10.0.0.5/24',
    'rest-out': 'allowed',
    'rest-in': 'allowed',
    routing: 'routes to 10.50.0.0/16, via 10.0.0.1, mtu 1400',
    bandwidth: 'down 10 Mbit/s, up 2.5 Mbit/s to 1 Gbit/s, priority high',
    memory: 'at most 512 MiB',
    machine: 'runs, 2 processors, 1.5 GiB',
    publishedPorts: 'tcp 8443 → 443, udp 53',
  })
})
