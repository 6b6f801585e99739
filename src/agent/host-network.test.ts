import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultGateways } from './host-network.ts'

const V4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`
const V6 = `00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`

test('default gateways of both families are read as the kernel writes them', () => {
  const files: Record<string, string> = { '/proc/self/net/route': V4, '/proc/self/net/ipv6_route': V6 }
  assert.deepEqual(
    defaultGateways((path) => files[path]!),
    ['10.0.2.1', 'fe80::1'],
  )
  assert.deepEqual(
    defaultGateways(() => ''),
    [],
  )
})
