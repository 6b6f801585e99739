import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { DEFAULT_FLOOR, type Floor } from './floor.ts'
import { UNKNOWN_HOST } from './floor-judge.ts'
import { translationFault } from './floor-translation.ts'

const floor: Floor = {
  ...DEFAULT_FLOOR,
  protected: [
    {
      name: 'management',
      cidr: '203.0.113.0/24',
      reach: 'ingress',
      of: 'host',
      service: { protocol: 'tcp', from: 20, to: 22 },
    },
    { name: 'backup', cidr: '198.51.100.0/24', reach: 'egress', of: 'every', service: null },
  ],
}
const held = { ...UNKNOWN_HOST, server: [{ address: '2001:db8::1', port: 7_070 }], gateways: ['192.0.2.1'] }
const said = (facets: Partial<DesiredState>) =>
  translationFault({ workloads: [facets] } as unknown as AgentState, floor, held)?.reason ?? null

test('a published port never takes a protected one, and any other is let through', () => {
  const port = (protocol: 'tcp' | 'udp', n: number) => said({ publishedPorts: [{ protocol, port: n, to: 80 }] })
  assert.match(port('tcp', 22) ?? '', /port tcp 22 is that of management/)
  assert.match(port('tcp', 20) ?? '', /management/)
  for (const other of [port('tcp', 23), port('udp', 22), port('tcp', 443)]) assert.equal(other, null)
})

test('nobody is seen as the control plane, a gateway or what is protected, in any spelling', () => {
  const seenAs = (...addresses: string[]) => said({ egressAddress: { addresses, except: [] } })
  assert.match(seenAs('2001:0db8:0:0::1') ?? '', /the control plane/)
  assert.match(seenAs('198.51.100.1', '2001:db8::2') ?? '', /backup/)
  assert.match(seenAs('192.0.2.1') ?? '', /default gateway/)
  assert.equal(seenAs('192.0.2.2', '2001:db8::2'), null)
  assert.equal(said({}), null)
})

test('no flow to the control plane or to what is protected is led away, unless it is spared whole', () => {
  type Flow = NonNullable<DesiredState['redirects']>['flows'][number]
  const led = (flow: Partial<Flow>, spared: NonNullable<DesiredState['redirects']>['spared'] = []) => {
    const whole = {
      rule: 'r',
      cidr: '::/0',
      except: [],
      protocol: 'tcp',
      from: 1,
      to: 65_535,
      address: 'fd00::9',
      port: null,
    }
    return said({ redirects: { flows: [{ ...whole, ...flow } as Flow], spared } })
  }
  assert.match(led({}) ?? '', /the control plane/)
  assert.match(led({ cidr: '2001:db8::/64', from: 7_070, to: 7_070 }) ?? '', /the control plane/)
  assert.equal(led({}, [{ cidr: '2001:db8::1', port: 7_070 }]), null)
  assert.match(led({}, [{ cidr: '2001:db8::1', port: 7_071 }]) ?? '', /the control plane/)
  for (const other of [{ protocol: 'udp' as const }, { from: 80, to: 80 }, { except: ['2001:db8::/32'] }])
    assert.equal(led(other), null)
  assert.match(led({ cidr: '0.0.0.0/0', address: '10.0.0.9', from: 80, to: 80 }) ?? '', /backup/)
  assert.equal(led({ cidr: '0.0.0.0/0', address: '10.0.0.9', except: ['198.51.100.0/24'] }), null)
  const web = { cidr: '0.0.0.0/0', address: '10.0.0.9', from: 80, to: 80 }
  assert.match(led({ ...web, except: ['::/0'] }) ?? '', /backup/, 'the kernel leaves out no IPv4 for it')
  assert.match(led({ address: 'nowhere' }) ?? '', /cannot be led to/)
})
