import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddressOwners } from './address-owners.ts'

const T = 1_700_000_000_000
const of = (key: string, ...addresses: string[]) => ({ key, addresses })

test('an address moves when another workload has it, at once or after a while in which nobody did', () => {
  const owners = createAddressOwners()
  assert.deepEqual(owners.moved([of('a', '10.0.0.2/24', 'FD00::2'), of('b', '10.0.0.3')], T), [], 'the agent started')
  assert.deepEqual(owners.moved([of('c', '10.0.0.2'), of('b', '10.0.0.3')], T), ['10.0.0.2'])
  const later = T + 2 * 86_400_000
  assert.deepEqual(owners.moved([of('c', '10.0.0.2'), of('e', 'fd00:0::2')], T + 1), ['fd00::2'])
  assert.deepEqual(owners.moved([of('c', '10.0.0.2')], later), [])
  assert.deepEqual(owners.moved([of('e', '10.0.0.2', 'fd00::2')], later + 1), ['10.0.0.2'])
})

test('who keeps its address, comes back to it, or shares it, loses nothing', () => {
  const owners = createAddressOwners()
  for (const workloads of [
    [of('a', '10.0.0.2'), of('host', '10.0.0.1')],
    [of('host', '10.0.0.1')],
    [of('a', '10.0.0.2', '10.0.0.7'), of('web', '10.0.0.1'), of('host', '10.0.0.1')],
    [of('host', '10.0.0.1'), of('web', '10.0.0.1'), of('a', '10.0.0.2')],
  ])
    assert.deepEqual(owners.moved(workloads, T), [])
})

test('what nobody had for a day is not remembered', () => {
  const owners = createAddressOwners()
  owners.moved([of('a', '10.0.0.2')], T)
  owners.moved([], T)
  owners.moved([], T + 86_400_001)
  assert.deepEqual(owners.moved([of('b', '10.0.0.2')], T + 86_400_002), [])
})
