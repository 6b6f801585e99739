import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { endGroup, LockTaken, takeLock } from './lock.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-lock-'))
after(() => rmSync(home, { recursive: true }))
const skip = process.platform !== 'linux' && 'needs Linux: /proc'

test('a second agent on one home is refused; the lock of a dead one is taken over', { skip }, async () => {
  const lock = await takeLock(home)
  await assert.rejects(takeLock(home), LockTaken)
  lock.release()
  // A living process with another start time is somebody else who got the number.
  writeFileSync(join(home, 'lock'), JSON.stringify({ supervisor: { pid: process.pid, started: '1' }, worker: null }))
  const again = await takeLock(home)
  again.release()
})

test('taking over ends what is left of the dead worker, its children too', { skip }, async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & echo up; wait'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout!, 'data')
  await endGroup({ pid: child.pid! })
  await (child.exitCode ?? child.signalCode ?? once(child, 'exit'))
  assert.equal(child.signalCode, 'SIGKILL')
})
