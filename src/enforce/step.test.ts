import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command } from './step.ts'

test('a program that does not stop talking is ended', async () => {
  const began = performance.now()
  await assert.rejects(command('yes', [], '', 1 << 20), /^Error: yes {2}says more than 1048576 bytes$/)
  assert.ok(performance.now() - began < 10_000)
  assert.equal(await command('echo', ['short'], '', 6), 'short\n')
})
