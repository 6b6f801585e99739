/** The look at others' hooks: bounded, repeated, and a failed one forgets nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ForeignChain } from '../model/foreign-chain.ts'
import { watchBeside } from './beside.ts'

const chain = (name: string): ForeignChain => ({
  table: 'ip filter',
  chain: name,
  hook: 'forward',
  priority: 0,
  policy: 'drop',
})

test('what was found last stays when a look fails, and no more than the bound is told', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const answers = [
    () => Promise.resolve([chain('a'), chain('b'), chain('c')]),
    () => Promise.reject(new Error('no nft')),
    () => Promise.resolve([chain('d')]),
  ]
  const settled = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }
  const beside = watchBeside(() => answers.shift()!(), 2)
  const names = () => beside.chains.map((one) => one.chain)
  assert.deepEqual(names(), [])
  await settled()
  assert.deepEqual(names(), ['a', 'b'])
  context.mock.timers.tick(60_000)
  await settled()
  assert.deepEqual(names(), ['a', 'b'])
  context.mock.timers.tick(60_000)
  await settled()
  assert.deepEqual(names(), ['d'])
  beside.close()
})
