/** The deadline is kept by whoever is left, also where nothing can be written. With a kernel: `enforcer.kernel.test.ts`, `bench -- atomic`. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fakeNft } from '../../test/fake-nft.ts'
import type { Generation } from '../model/desired.ts'
import { bootId, monotonicMs, openJournal } from './journal.ts'

const skip = process.platform !== 'linux' && 'needs Linux: /proc'
const folder = mkdtempSync(join(tmpdir(), 'guise-supervisor-'))
const nft = fakeNft(folder)
const started: ChildProcess[] = []
after(async () => {
  for (const child of started) child.kill('SIGTERM')
  await until('they left', () => started.every((child) => child.exitCode !== null || child.signalCode !== null))
  rmSync(folder, { recursive: true })
})

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) assert.fail(`not within ten seconds: ${what}`)
    await wait(20)
  }
}

/** A worker that writes down each start, and then does that; it leaves when it is told to, or when nobody is there any more. */
function supervise(home: string, does: string) {
  const path = join(folder, `${started.length}.worker.mjs`)
  const starts = join(folder, `${started.length}.starts`)
  const text = `
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
process.on('disconnect', () => process.exit(1))
process.on('SIGTERM', () => process.exit(0))
process.once('message', () => {
  appendFileSync(${JSON.stringify(starts)}, '.')
  ${does}
})
`
  writeFileSync(path, text)
  const config = { home, worker: path, config: {}, longestPauseMs: 50 }
  const module = new URL('./supervisor.ts', import.meta.url).pathname
  const argv = ['--disable-warning=ExperimentalWarning', module, JSON.stringify(config)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8')
  })
  started.push(child)
  return {
    child,
    get said() {
      return said
    },
    get starts() {
      return existsSync(starts) ? readFileSync(starts, 'utf8').length : 0
    },
  }
}

function intend(home: string): void {
  const nothing = { state: null, bindings: [], facets: {} }
  const undo = [{ run: 'nft', text: 'delete table inet guise\n' }] as const
  const generation = { system: 's', timeline: 1, n: 1 } as Generation
  openJournal(home).intend({
    generation,
    boot: bootId(),
    deadlineMs: monotonicMs() + 600_000,
    before: nothing,
    after: nothing,
    undo,
  })
}

test('a worker that dies while nothing can be written: the change is taken back, and another begins when it can', {
  skip,
}, async () => {
  const home = join(folder, 'full')
  intend(home)
  nft.putTable()
  const lock = join(home, 'lock')
  // Nothing can be renamed over a folder with something in it: the lock can no more be written than on a full disk.
  const fills = `const lock = ${JSON.stringify(lock)}; rmSync(lock, { force: true }); mkdirSync(lock + '/x', { recursive: true }); process.exit(1)`
  const it = supervise(home, fills)
  await until('it is taken back', () => it.said.includes('taken back'))
  assert.equal(nft.hasTable, false)
  await until('it tries to start another', () => it.said.split('EISDIR').length + it.said.split('ENOTEMPTY').length > 5)
  assert.equal(it.child.exitCode, null)
  assert.equal(it.starts, 1, 'no worker begins that nobody has written down')
  rmSync(lock, { recursive: true })
  await until('another one began', () => it.starts > 1)
})
