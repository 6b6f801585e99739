/** A group of the kernel's log has one reader; what it means to be the other one depends on the group. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { needRoot } from '../../../test/need.ts'

const skip = needRoot()
const FIXTURE = new URL('./listen.fixture.ts', import.meta.url).pathname
const namespace = `guisenl${process.pid}`
before(() => {
  if (skip === false) execFileSync('ip', ['netns', 'add', namespace])
})
after(() => {
  if (skip === false) execFileSync('ip', ['netns', 'del', namespace])
})

test('who comes second is told what goes on without it, and what does not', { skip }, () => {
  const argv = ['netns', 'exec', namespace, process.execPath, FIXTURE]
  const [log, answers] = JSON.parse(execFileSync('ip', argv).toString()) as string[]
  assert.match(log!, /^another program reads NFLOG group 41 of this namespace; denies are counted still/)
  assert.match(answers!, /NFLOG group 42 .*; names in rules stand for nobody; end that program and restart the agent/)
})
