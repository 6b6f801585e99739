import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Outcome } from '../../../model/why.ts'
import { appendLog, logged, readLog } from './machine-log.ts'
import { machinesFolder } from './machine-store.ts'
import type { Machines } from './machines.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-machine-log-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** All that is asked of it here: to start, or to say why not. */
function starting(outcomes: Outcome<never>[]): Machines {
  const start = async () => outcomes.shift()!
  return { all: () => [], start } as unknown as Machines
}
const refused = (why: string): Outcome<never> => ({ ok: false, code: 'c', why, cure: 'c' })
const told = () => readLog(home).map(({ by, uuid, why }) => `${by} ${uuid} ${why}`)

test('what fails again as it did is told once where nobody asked again, and each time where somebody did', async () => {
  let now = 0
  const clock = () => now++
  const why = ['no room', 'no room', 'no kernel', 'no kernel', 'no room']
  const machines = logged(starting(why.map(refused)), home, 'persona', clock, 'once')
  for (const _ of why) await machines.start('a')
  assert.deepEqual(told(), ['persona a no room', 'persona a no kernel', 'persona a no room'])
  const other = logged(starting([refused('no room'), refused('no room')]), home, 'ana', clock)
  for (const _ of [1, 2]) await other.start('a')
  assert.deepEqual(told().slice(3), ['ana a no room', 'ana a no room'])
})

test('it keeps the newest, in two megabytes at most', () => {
  const line = { by: 'ana', act: 'start', machine: 'm', uuid: null, outcome: 'failed' } as const
  const why = 'x'.repeat(60_000)
  for (let i = 0; i < 60; i++) appendLog(home, { ...line, at: String(i), why })
  const size = ['log', 'log.older'].reduce((sum, name) => sum + statSync(join(machinesFolder(home), name)).size, 0)
  assert.ok(size < 2.3e6 && size > 1e6, String(size))
  const kept = readLog(home).map(({ at }) => Number(at))
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, i) => 60 - kept.length + i),
  )
  assert.ok(kept.length > 17)
})
