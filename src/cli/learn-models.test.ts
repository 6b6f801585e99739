import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { apiFixture } from '../../test/api.ts'
import { SHIPPED_MODEL } from '../learn/model.ts'
import { modelId } from '../learn/model-file.ts'
import type { ModelMetrics, ModelRecord } from '../model/model-record.ts'
import { modelsText, modelText } from './learn-models.ts'

const HOUR_MS = 3_600_000
const NOW = 100 * HOUR_MS
const metrics: ModelMetrics = {
  ...{ windows: 40, hosts: 4, accuracy: 0.95, macroF1: 0.949, ece: 0.041, abstained: 0.125 },
  confusion: [
    [19, 1],
    [1, 19],
  ],
  silent: [2, 3],
  bins: Array.from({ length: 10 }, (_, i) =>
    i === 9 ? { n: 40, p: 0.97, accuracy: 0.95 } : { n: 0, p: 0, accuracy: 0 },
  ),
}
const record = (id: string, more: Partial<ModelRecord> = {}): ModelRecord => ({
  ...{ id, name: 'guise-1', kind: 'shipped', features: 'features/2', personas: ['Idle', 'Scanner'] },
  provenance: { dataset: 'ab'.repeat(32), seed: 1, fitting: ['a', 'b'], calibrating: ['c'], measuring: ['d'], metrics },
  ...{ addedBy: 'guise', addedAt: NOW - 3 * HOUR_MS },
  ...more,
})
const unmeasured = { dataset: null, seed: null, fitting: [], calibrating: [], measuring: [], metrics: null }
const mine = record('m_2', { name: 'mine-1', kind: 'added', provenance: unmeasured, addedBy: 'ann' })
const lines = (text: string) => text.split('\n').map((line) => line.trimEnd())

test('the list: which is in force, what each is worth, who put what in force and why, and what waits', () => {
  const history = [
    { n: 2, model: 'm_2', act: 'promoted', by: 'ann', at: NOW - HOUR_MS, why: 'a try', back: 1 },
    { n: 1, model: 'm_1', act: 'shipped', by: 'guise', at: NOW - 3 * HOUR_MS, why: 'it ships with Guise', back: null },
  ] as const
  const text = modelsText({ items: [mine, record('m_1')], next: null, inForce: 'm_2', waiting: 'm_1', history }, NOW)
  assert.deepEqual(lines(text), [
    'MODEL  NAME     KIND     IN FORCE  ACCURACY  ECE    PERSONAS  FEATURES    ADDED',
    'm_2    mine-1   added    yes       -         -      2         features/2  3 h ago',
    'm_1    guise-1  shipped  -         95.0 %    0.041  2         features/2  3 h ago',
    '',
    'SINCE    MODEL          WHAT      BY     WHY',
    '1 h ago  mine-1 (m_2)   promoted  ann    a try',
    '3 h ago  guise-1 (m_1)  shipped   guise  it ships with Guise',
    '',
    'm_1 ships with this release and is not in force. Compare it with guise learn model show m_1.',
  ])
})

test('one beside the one in force: metrics of both, whom it takes for whom, and whose name it would change', () => {
  const shadow = {
    ...{ workloads: 12, windows: 60, wouldChange: 1 },
    changes: [{ workload: 'w_1' as never, name: 'db1', from: 'Idle', to: null }],
  }
  const text = modelText({ model: record('m_1'), isInForce: false, inForce: mine, shadow }, NOW)
  assert.deepEqual(
    lines(text).filter((line) => !/^0\.[0-8]-/.test(line)),
    [
      'm_1  guise-1  not in force',
      'shipped, added 3 h ago by guise',
      'Learnt from abababababab, seed 1, features/2: fitted on 2 runs, calibrated on 1, measured on 1 others.',
      '',
      'HELD OUT           m_1     m_2 (in force)',
      'accuracy           95.0 %  not measured',
      'macro F1           0.949   not measured',
      'calibration error  0.041   not measured',
      'abstained          12.5 %  not measured',
      'windows            40      not measured',
      'hosts              4       not measured',
      '',
      'IS \\ GUESSED  1   2   SILENT',
      '1 Idle        19  1   2',
      '2 Scanner     1   19  3',
      '',
      'SAID     MEAN P  RIGHT  WINDOWS',
      '0.9-1.0  0.970   0.950  40',
      '',
      'By the last 60 windows of 12 workloads, 1 change their name.',
      '  db1: Idle -> (nothing said)',
    ],
  )
})

test('asked of a server: added from a file, shown, refused with the place; one line for programs', async () => {
  await using f = await apiFixture()
  const server = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const env = { ...process.env, GUISE_SERVER: server, GUISE_TOKEN: await f.token('approver') }
  const main = new URL('./main.ts', import.meta.url).pathname
  const learn = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'learn', ...args], { env }).catch((error) => error)
  const dir = mkdtempSync(join(tmpdir(), 'guise-model-'))
  try {
    const [good, bad] = [join(dir, 'good.json'), join(dir, 'bad.json')]
    writeFileSync(good, JSON.stringify({ ...SHIPPED_MODEL, id: 'mine-1' }, null, 1))
    writeFileSync(bad, JSON.stringify({ ...SHIPPED_MODEL, prior: [1] }))
    const id = modelId({ ...SHIPPED_MODEL, id: 'mine-1' })
    assert.match((await learn('model', 'add', good)).stdout, new RegExp(`^mine-1 is kept as ${id}; it is not in force`))
    const refused = await learn('model', 'add', bad)
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.match(refused.stderr, /The model cannot be read: \/prior 1 numbers, and there should be 8\./)
    assert.match((await learn('model', 'add', join(dir, 'none.json'))).stderr, /none\.json cannot be read: ENOENT/)
    assert.equal(JSON.parse((await learn('models', '--json')).stdout).items[0].id, id)
    assert.equal(JSON.parse((await learn('model', 'remove', id, '--json')).stdout).removed, id)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
