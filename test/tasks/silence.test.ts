import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { endWhenSilent } from './silence.ts'

test('a file that says nothing is ended with what descends from it and what holds its output, and one that speaks is not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-silence-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'left.test.ts')
  // One of its children, and one that is nobody's child any more.
  writeFileSync(
    file,
    `import { spawn, spawnSync } from 'node:child_process'
    spawn('sleep', ['300'], { stdio: 'ignore' })
    spawnSync('sh', ['-c', 'sleep 301 &'], { stdio: ['ignore', 'inherit', 'inherit'] })
    process.stdout.write('begun')`,
  )
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended: number[] = []
  const silence = endWhenSilent(file, 700, (pids) => ended.push(...pids))
  t.after(() => silence.stop())
  await once(child.stdout, 'data')
  for (let i = 0; i < 4; i++) {
    silence.heard()
    await wait(300)
  }
  assert.equal(ended.length, 0, 'it speaks')
  await once(child, 'close')
  assert.equal(child.signalCode, 'SIGKILL')
  assert.equal(ended.length, 3)
  assert.ok(ended.includes(child.pid!))
})
