import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { apiFixture, knowWorkload, reportOf } from '../../test/api.ts'
import { judgeGate } from '../learn/gate/verdict.ts'
import type { GateReport } from '../model/gate.ts'
import type { WorkloadId } from '../model/ids.ts'
import { gateText } from './learn-gate.ts'

const DAY_MS = 86_400_000
const judged = (share: number, high: number) =>
  judgeGate({
    ...{ share, low: 0, high, traffic: 412, rules: 17, once: 4, blocks: 12 },
    ...{ spanMs: DAY_MS, horizonMs: DAY_MS, reachMs: 5 * DAY_MS, rehearsed: null },
  })

test('a persona: the sentence of all, then each of them', () => {
  const report: GateReport = {
    ...judged(0.03, 0.06),
    of: { kind: 'Persona', name: 'Web User' },
    from: 0,
    until: DAY_MS,
    workloads: [
      { id: 'w_1' as WorkloadId, name: 'web1', ...judged(0.03, 0.06) },
      { id: 'w_2' as WorkloadId, name: 'web2', ...judged(0, 0.01) },
    ],
  }
  assert.deepEqual(
    gateText(report)
      .split('\n')
      .map((line) => line.trimEnd()),
    [
      'Web User: ≈ 3 % of traffic not seen yet (0–6 %). Wait: 24 h watched, 412 conversations by 17 rules, 4 of them met once: too little to say less than 6 %, and 5 % is allowed.',
      '',
      'workload  gate   unseen',
      'web1      wait   ≈ 3 % of traffic not seen yet (0–6 %)',
      'web2      ready  ≈ 0 % of traffic not seen yet (0–1 %)',
    ],
  )
  const one = { ...report, ...judged(0, 0.01), of: { kind: 'Workload', name: 'web2' }, workloads: [] } as const
  assert.equal(
    gateText(one),
    'web2: ≈ 0 % of traffic not seen yet (0–1 %). Ready: 24 h watched, 412 conversations by 17 rules, 4 of them met once; at most 1 % is unseen.',
  )
})

test('asked of a server: the verdict, one line for programs, and 1 as exit code while it says wait', async () => {
  await using f = await apiFixture()
  await knowWorkload(f, reportOf('web1'))
  const server = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const env = { ...process.env, GUISE_SERVER: server, GUISE_TOKEN: await f.token('viewer') }
  const main = new URL('./main.ts', import.meta.url).pathname
  const gate = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'learn', 'gate', ...args], { env }).catch((error) => error)
  const said = await gate('web1', '--json')
  assert.equal(said.code, 1)
  assert.deepEqual([JSON.parse(said.stdout).verdict, JSON.parse(said.stdout).of.name], ['wait', 'web1'])
  assert.match((await gate('web1')).stdout, /^web1: no traffic seen yet\. Wait: nothing was seen yet\.\n$/)
  assert.match((await gate('--persona', 'No Such')).stderr, /persona of that id/)
  assert.equal((await gate()).code, 2)
  assert.match((await gate('web1', '--bar', '2')).stderr, /--bar 2 is no share/)
})
