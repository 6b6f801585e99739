/** What `guise plan diff` says, and what `guise plan rollback` refuses before it asks a server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanPreview, RuleText } from '../model/plan-preview.ts'
import { createProgram, takeEverywhere } from './commands.ts'
import { diffText, register } from './plan.ts'

const rule = (verdict: 'allow' | 'deny', peer: string, was: number, n: number): RuleText => ({
  ...{ verdict, peer, was, n, service: 'any service', seen: null },
  match: { peer: { kind: 'any' }, service: null },
  why: { rule: `p/${was}`, text: '' },
})
const none = {
  ...{ removed: [], added: [], kept: [], more: { removed: 0, added: 0, kept: 0 } },
  otherwise: { before: 'deny', after: 'deny' },
} as const
const diff = (kept: readonly RuleText[], more: number) =>
  diffText({
    steps: [
      {
        ...{ workload: 'w_1', name: 'db1', shift: null, from: null, why: [], containment: null },
        to: { persona: 'database', name: 'Database' },
        rules: { egress: { ...none, kept }, ingress: none },
        facets: { changed: [], unchanged: [] },
      },
    ] as unknown as PlanPreview['steps'],
    steps_more: more,
  })

test('rules that change places are a change: the first that fits decides', () => {
  assert.equal(
    diff([rule('deny', 'anyone', 2, 1), rule('allow', 'db2', 1, 2), rule('allow', 'db3', 3, 3)], 0),
    [
      'db1: nothing → Database',
      '~ out allow to db2, any service [p/1] was rule 1, is rule 2',
      '  out 2 unchanged',
    ].join('\n'),
  )
  const pushed = [rule('allow', 'db2', 1, 2), rule('allow', 'db3', 2, 3)]
  assert.equal(diff(pushed, 0), 'No rules change; only address sets or settings do.', 'in the same order as before')
})

test('workloads beyond those that are shown are counted, also when none of those changes a rule', () => {
  assert.equal(diff([], 7), 'and 7 more workloads')
})

test('rollback takes a plan or a generation: of both, neither is passed over in silence', async (context) => {
  const said: string[] = []
  context.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0)
  const program = createProgram()
  register(program)
  takeEverywhere(program)
  await program.parseAsync(['plan', 'rollback', 'p_1', '--to', '5', '--server', 'http://127.0.0.1:2'], { from: 'user' })
  const { exitCode } = process
  process.exitCode = 0
  assert.deepEqual([exitCode, said], [2, ['guise: A plan or --to GENERATION, not both. Leave out p_1, or --to 5.\n']])
})
