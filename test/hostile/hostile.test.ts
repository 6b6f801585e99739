/** The hostile server of `npm run bench -- hostile`, without the abuses that take a minute. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abuses } from '../../bench/hostile/abuses.ts'
import { foreignPrograms } from '../../bench/hostile/programs.ts'
import { attack } from '../../bench/hostile.bench.ts'
import { needRoot } from '../need.ts'

test('a server that was taken over gets nothing done, and a reason each time', { skip: needRoot() }, async () => {
  const {
    executed,
    outcomes: _,
    ...tally
  } = await attack({ messageBytes: 4 << 20, rules: 6_000, elements: 50_000 }, abuses, 8_000)
  assert.ok(tally.abuses >= 60)
  assert.deepEqual(tally, { abuses: tally.abuses, reasoned: tally.abuses, accepted: 0, silent: [], unharmed: true })
  assert.ok(executed.length > 10, 'strace saw the agent at work')
  assert.deepEqual(foreignPrograms(executed), [])
})

test('the list of programs is one that something can be missing from', () => {
  for (const line of [
    '/bin/sh -c id',
    '/usr/sbin/nft -f /tmp/x',
    '/usr/sbin/ip -batch /tmp/x',
    '/usr/sbin/ip link; id',
  ])
    assert.deepEqual(foreignPrograms([line.split(' ')]), [line])
  assert.deepEqual(foreignPrograms([['/usr/sbin/nft', '-f', '-']]), [])
})
