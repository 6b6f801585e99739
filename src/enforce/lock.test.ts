import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
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

/** The lock of a supervisor that is dead, whose worker lives on. */
async function leaveStale(): Promise<string> {
  const worker = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  await once(worker, 'spawn')
  const stat = readFileSync(`/proc/${worker.pid}/stat`, 'utf8')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const lock = { supervisor: { pid: process.pid, started: '1' }, worker: { pid: worker.pid, started } }
  const text = JSON.stringify(lock)
  writeFileSync(join(home, 'lock'), text)
  return text
}

test('of many who take over one stale lock at once, one has it', { skip }, async () => {
  await leaveStale()
  const tried = await Promise.allSettled(Array.from({ length: 5 }, () => takeLock(home)))
  const took = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = tried.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  for (const lock of took) lock.release()
  assert.equal(took.length, 1)
  for (const reason of refused) assert.ok(reason instanceof LockTaken)
  assert.deepEqual(readdirSync(home), [])
})

test('of many processes, too', { skip }, async () => {
  await leaveStale()
  const text = `
import { takeLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
process.stdout.write('ready ')
process.stdin.once('data', () => takeLock(${JSON.stringify(home)}).then(() => process.stdout.write('took '), () => process.stdout.write('refused ')))
process.stdin.on('end', () => process.exit())
`
  const argv = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', text]
  const children = [1, 2, 3].map(() => spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] }))
  const said = children.map(() => '')
  for (const [i, { stdout }] of children.entries())
    stdout.setEncoding('utf8').on('data', (words: string) => {
      said[i] += words
    })
  const saying = async (words: number) => {
    while (said.some((one) => one.split(' ').length <= words)) await wait(10)
  }
  await saying(1)
  for (const child of children) child.stdin.write('go')
  await saying(2)
  for (const child of children) child.stdin.end()
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  assert.deepEqual(said.toSorted(), ['ready refused ', 'ready refused ', 'ready took '])
  rmSync(join(home, 'lock'))
})

test('who dies while it takes over is taken over as well', { skip }, async () => {
  const digest = createHash('sha256')
    .update(await leaveStale())
    .digest('hex')
  writeFileSync(
    join(home, `lock.${digest.slice(0, 16)}.claim`),
    JSON.stringify({ supervisor: { pid: 1, started: '1' } }),
  )
  const lock = await takeLock(home)
  lock.release()
  assert.deepEqual(readdirSync(home), [])
})
