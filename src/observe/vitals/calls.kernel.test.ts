/** System calls of real processes in a namespace, as the kernel counts them, and what is told where it does not. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { needRoot } from '../../../test/need.ts'
import { figureAt } from '../../model/vitals.ts'
import { type Looked, readingsBetween } from '../reduce/vitals.ts'
import { createCallBook } from './calls.ts'
import { createVitalsLook, type Subject } from './look.ts'
import { createCallKernel, findSysEnter } from './perf.ts'
import { watchStarts } from './starts.ts'

const skip = needRoot()
const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
const TIMES = 20_000
/** Beside what it is told to do, a program starts, reads and writes. */
const MARGIN = 4_000
let tracing = ''

before(() => {
  if (skip !== false) return
  tracing = mkdtempSync(join(tmpdir(), 'guise-tracefs-'))
  run('mount', '-t', 'tracefs', 'none', tracing)
})
after(() => {
  if (tracing === '') return
  run('umount', tracing)
  rmdirSync(tracing)
})

/** Does what it is told, a line at a time, and says when it is done. dd makes two calls for each byte. */
const WORKER = `
const { spawn, spawnSync } = require('node:child_process')
const { statSync } = require('node:fs')
const dd = 'dd if=/dev/zero of=/dev/null bs=1 count=${TIMES} 2>/dev/null'
let patient
const does = {
  stat() { for (let i = 0; i < ${TIMES}; i++) statSync('/') },
  child() { spawnSync('sh', ['-c', dd]) },
  patient() { patient = spawn('sh', ['-c', 'read go; exec ' + dd], { stdio: ['pipe', 'ignore', 'ignore'] }) },
  go() { return new Promise((done) => { patient.on('exit', done); patient.stdin.end('go\\n') }) },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  await does[line]()
  console.log(line)
})
console.log('up')`

test('calls of a process, of children that were gone before anybody looked, and of those that stay are counted, each once', {
  skip,
}, async () => {
  const space = `guiseCa${process.pid % 100_000}`
  const book = createCallBook(createCallKernel([tracing]))
  const sight = createVitalsLook(watchStarts(), undefined, book)
  const nothing = { isHost: false, face: null, upFace: null, cgroup: null, uncounted: null }
  const subject: Subject = { key: 'w', namespace: `/run/netns/${space}`, ...nothing }
  let at = 0
  // Whose a process is is asked of it when it is new, and once more.
  const look = () => sight.look([subject], at++).get('w')!
  let worker: ReturnType<typeof spawn> | null = null
  try {
    run('ip', 'netns', 'add', space)
    worker = spawn('ip', ['netns', 'exec', space, process.execPath, '-e', WORKER], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const said = lines(worker)
    await said('up')
    let last = look()
    for (const end = performance.now() + 5_000; book.counters.open === 0; await wait(20)) {
      assert.ok(performance.now() < end, [...last.why].join())
      last = look()
    }
    assert.ok(book.counters.open > 1, 'a counter for each of its threads')
    assert.equal(openCounters(), book.counters.open)
    const counted = async (word: string): Promise<number> => {
      worker!.stdin!.write(`${word}\n`)
      await said(word)
      const now = look()
      const calls = callsBetween(last, now)
      last = now
      return calls
    }
    const near = (calls: number, least: number) =>
      assert.ok(calls >= least && calls < least + MARGIN, `${calls} of ${least}`)
    near(await counted('stat'), TIMES)
    near(await counted('child'), 2 * TIMES)
    const open = book.counters.open
    near(await counted('patient'), 0)
    assert.equal(book.counters.open, open, 'who is held already has no counter of his own')
    near(await counted('go'), 2 * TIMES)
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    const earlier = last
    for (const end = performance.now() + 5_000; book.counters.open > 0; await wait(20)) {
      assert.ok(performance.now() < end, 'its counters are closed when it is gone')
      last = look()
    }
    assert.ok(callsBetween(earlier, last) < MARGIN, 'what it had counted stays')
    assert.equal(callsBetween(last, look()), 0, 'nothing is counted of whoever is gone')
    assert.equal(openCounters(), 0, 'no file stays open')
  } finally {
    worker?.kill('SIGKILL')
    sight.close()
    if (existsSync(`/run/netns/${space}`)) run('ip', 'netns', 'delete', space)
  }
})

test('where nothing is mounted, and where the kernel refuses, that is told with what is lacking', { skip }, () => {
  const kernel = createCallKernel(['/nowhere'])
  assert.deepEqual(kernel.open(process.pid), {
    why: 'tracefs is not mounted where its agent runs; mount -t tracefs none /sys/kernel/tracing',
  })
  const told = run(process.execPath, '-e', REFUSED, String(findSysEnter([tracing]))).toString()
  assert.match(told, /the kernel lets its agent count nothing \((EACCES|EPERM)\).*CAP_PERFMON.*perf_event_paranoid is/)
  assert.ok(told.length <= 200, 'a reason travels whole')
})

/** Somebody without rights; 1 is not his. */
const REFUSED = `
import('${new URL('./perf.ts', import.meta.url).href}').then(({ counterAttr, perfEventOpen }) => {
  const attr = counterAttr(Number(process.argv[1]))
  perfEventOpen(attr, 2 ** 30)
  process.setuid(65534)
  process.stdout.write(perfEventOpen(attr, 1).why)
})`

const callsBetween = (from: Looked, to: Looked) => readingsBetween(from, to)[figureAt.systemCalls]!
/** Counters that this process has open, by what the kernel calls such a file. */
const openCounters = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === 'anon_inode:[perf_event]').length

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

/** Waits for a line that says so. */
function lines(child: ReturnType<typeof spawn>): (word: string) => Promise<void> {
  const seen: string[] = []
  child.stdout!.on('data', (chunk: Buffer) => seen.push(...chunk.toString().split('\n')))
  return async (word) => {
    for (const end = performance.now() + 20_000; !seen.includes(word); await wait(5))
      assert.ok(performance.now() < end, `it never said ${word}`)
    seen.splice(0)
  }
}
