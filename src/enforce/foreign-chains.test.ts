import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readForeign } from './foreign-chains.ts'

test('hooks of others are told by table and priority; ours and chains without a hook are not', () => {
  const base = { family: 'ip', name: 'FORWARD', handle: 1, type: 'filter', hook: 'forward', prio: 0, policy: 'drop' }
  const listing = {
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { chain: { ...base, table: 'filter' } },
      { chain: { family: 'ip', table: 'filter', name: 'DOCKER', handle: 2 } },
      { chain: { ...base, family: 'inet', table: 'guise' } },
      { chain: { ...base, family: 'inet', table: 'guise_nat' } },
      { chain: { ...base, table: 'f2b\u001b[2J' } },
    ],
  }
  assert.deepEqual(readForeign(listing), [
    { table: 'ip filter', chain: 'FORWARD', hook: 'forward', priority: 0, policy: 'drop' },
    { table: 'ip f2b [2J', chain: 'FORWARD', hook: 'forward', priority: 0, policy: 'drop' },
  ])
  for (const odd of [{}, { nftables: [] }]) assert.deepEqual(readForeign(odd), [])
})
