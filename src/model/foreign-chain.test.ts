/** Whose word is last is said of each hook of others: before, beside or after ours; by policy, or perhaps by a rule. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ForeignChain, foreignAt, foreignText } from './foreign-chain.ts'

const chain = (more: Partial<ForeignChain>): ForeignChain => ({
  table: 'ip filter',
  chain: 'FORWARD',
  hook: 'forward',
  priority: 0,
  policy: 'accept',
  ...more,
})

test('a chain of others stands before, beside or after ours, and drops by policy or perhaps by a rule', () => {
  assert.deepEqual(
    [
      chain({ policy: 'drop' }),
      chain({ priority: -150, table: 'inet firewalld' }),
      chain({ priority: 10 }),
      chain({ hook: 'input', priority: 1 }),
      chain({ hook: 'forward', priority: 1, chain: 'x\u001b[2J' }),
    ].map(foreignText),
    [
      'ip filter FORWARD, priority 0, beside ours, drops what none of its rules lets pass',
      'inet firewalld FORWARD, priority -150, before ours, may drop by a rule of its own',
      'ip filter FORWARD, priority 10, after ours, may drop by a rule of its own',
      'ip filter FORWARD, priority 1, after ours, may drop by a rule of its own',
      'ip filter x [2J, priority 1, beside ours, may drop by a rule of its own',
    ],
  )
})

test('only the hooks that a packet passes are told, those that drop by policy first', () => {
  const all = [
    chain({ chain: 'raw', hook: 'prerouting', priority: -300 }),
    chain({ chain: 'accepts' }),
    chain({ chain: 'drops', policy: 'drop' }),
    chain({ chain: 'in', hook: 'input' }),
    chain({ chain: 'out', hook: 'output', policy: 'drop' }),
  ]
  const names = (where: 'netns' | 'host', direction: 'egress' | 'ingress') =>
    foreignAt(all, where, direction).map((one) => one.chain)
  assert.deepEqual(names('netns', 'egress'), ['drops', 'accepts', 'raw'])
  assert.deepEqual(names('host', 'egress'), ['out', 'raw'])
  assert.deepEqual(names('host', 'ingress'), ['in', 'raw'])
})
