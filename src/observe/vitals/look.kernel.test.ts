import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { needRoot } from '../../../test/need.ts'
import { type FigureName, figureAt } from '../../model/vitals.ts'
import { type Looked, readingsBetween } from '../reduce/vitals.ts'
import { diskBytes } from './cgroup.ts'
import { busySeconds, wholeDisks } from './host.ts'
import { createVitalsLook, type Subject } from './look.ts'
import { parseStat } from './processes.ts'

const ip = (...argv: string[]) => execFileSync('ip', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
const of = (looked: Looked | Float64Array, name: FigureName) =>
  (looked instanceof Float64Array ? looked : looked.values)[figureAt[name]]!
/** Sends and burns until it is killed. */
const BUSY = `
const { createSocket } = require('node:dgram')
const socket = createSocket('udp4')
setInterval(() => { for (let i = 0; i < 20; i++) socket.send(Buffer.alloc(1000), 9, '10.99.7.1') }, 10)
setInterval(() => { const end = Date.now() + 5; while (Date.now() < end); }, 10)
process.stdout.write('x')`

test('a link, its queue, the processes of a namespace and a cgroup are counted, and a link made anew is a gap', {
  skip: needRoot(),
}, async () => {
  const suffix = process.pid % 100_000
  const [space, face] = [`guiseVit${suffix}`, `gvt${suffix}`]
  const [path, cgroup] = [`/run/netns/${space}`, `/guiseVit${suffix}`]
  const folders = ['cpu', 'memory', 'cpuacct', 'pids']
    .map((name) => `/sys/fs/cgroup/${name}`)
    .filter((root) => existsSync(`${root}/cgroup.procs`))
  const cgroups = (folders.length > 0 ? folders : ['/sys/fs/cgroup']).map((root) => `${root}${cgroup}`)
  const nothing = { upFace: null, cgroup: null, uncounted: 'not asked' }
  const subject: Subject = { key: 'w', isHost: false, face, namespace: path, ...nothing }
  const host: Subject = { key: 'h', isHost: true, face: null, namespace: null, ...nothing }
  const sight = createVitalsLook()
  const link = () => {
    ip('link', 'add', face, 'netns', `${space}r`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
    ip('-n', `${space}r`, 'addr', 'add', '10.99.7.1/24', 'dev', face)
    ip('-n', `${space}r`, 'link', 'set', face, 'up')
    ip('-n', space, 'addr', 'add', '10.99.7.2/24', 'dev', 'eth0')
    ip('-n', space, 'link', 'set', 'eth0', 'up')
  }
  let child: ReturnType<typeof spawn> | null = null
  try {
    ip('netns', 'add', space)
    ip('netns', 'add', `${space}r`)
    link()
    child = spawn('ip', ['netns', 'exec', space, process.execPath, '-e', BUSY], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout!, 'data')
    const first = sight.look([subject, host], 0).get('w')!
    assert.match(first.why.get('sent')!, /not in the namespace/)
    assert.match(first.why.get('memoryLimit')!, /places\.json/)
    assert.equal(first.why.get('systemCalls'), 'not asked')
    assert.ok(of(first, 'processes') >= 1 && of(first, 'memory') > 1e6)
    await until(() => of(readingsBetween(first, sight.look([subject], 1).get('w')!), 'cpu') >= 0.05)
    const whole = sight.look([subject, host], 2).get('h')!
    assert.ok(of(whole, 'cpu') > 0 && of(whole, 'memory') > 0 && of(whole, 'memoryLimit') > of(whole, 'memory'))
    for (const folder of cgroups) {
      mkdirSync(folder)
      writeFileSync(`${folder}/cgroup.procs`, `${child.pid}`)
    }
    const held = { ...subject, cgroup }
    const before = sight.look([held], 3).get('w')!
    assert.equal(of(readingsBetween(first, before), 'cpu'), Number.NaN, 'another that counts is no continuation')
    await until(() => of(readingsBetween(before, sight.look([held], 4).get('w')!), 'cpu') >= 0.05)
    const now = sight.look([held], 5).get('w')!
    // What a process had before it came is charged where it was.
    assert.ok(of(now, 'processes') === 1 && of(now, 'memory') > 1e5, JSON.stringify([...now.values]))
    const inside = JSON.parse(
      execFileSync('ip', ['netns', 'exec', `${space}r`, process.execPath, '-e', INSIDE, face, 'gap'], {
        encoding: 'utf8',
      }),
    )
    assert.ok(inside.sent > 10_000, `${inside.sent} bytes came from it`)
    assert.ok(inside.backlog >= 0 && inside.queueDrops >= 0)
    assert.equal(inside.gap, null, 'the new link counts from nothing')
  } finally {
    sight.close()
    child?.kill('SIGKILL')
    if (child !== null && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    for (const name of [space, `${space}r`]) if (existsSync(`/run/netns/${name}`)) ip('netns', 'delete', name)
    for (const folder of cgroups) if (existsSync(folder)) await until(() => remove(folder))
  }
})

/** As the agent does it, in the namespace that the links are in: two looks with traffic between, then a link of the same name. */
const INSIDE = `
const { execFileSync } = require('node:child_process')
const face = process.argv[1]
Promise.all([import('${new URL('./look.ts', import.meta.url).href}'), import('${new URL('../reduce/vitals.ts', import.meta.url).href}'), import('${new URL('../../model/vitals.ts', import.meta.url).href}')]).then(async ([{ createVitalsLook }, { readingsBetween }, { figureAt }]) => {
  execFileSync('tc', ['qdisc', 'replace', 'dev', face, 'root', 'tbf', 'rate', '5mbit', 'burst', '32kb', 'latency', '50ms'])
  const sight = createVitalsLook()
  const subject = { key: 'w', isHost: false, face, upFace: null, cgroup: null, namespace: null, uncounted: 'not asked' }
  const look = () => sight.look([subject], 0).get('w')
  const first = look()
  let second = first
  const end = Date.now() + 5000
  while (Date.now() < end && !(readingsBetween(first, second)[figureAt.sent] > 10000)) {
    await new Promise((done) => setTimeout(done, 50))
    second = look()
  }
  const read = readingsBetween(first, second)
  execFileSync('ip', ['link', 'delete', face])
  execFileSync('ip', ['link', 'add', face, 'type', 'ifb'])
  const gap = readingsBetween(second, look())[figureAt.sent]
  sight.close()
  console.log(JSON.stringify({ sent: read[figureAt.sent], backlog: read[figureAt.backlog], queueDrops: read[figureAt.queueDrops], gap }))
})`

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !holds(); await wait(20))
    assert.ok(performance.now() < end, 'it never held')
}

function remove(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch {
    return readFileSync(`${folder}/cgroup.procs`, 'utf8') === ''
  }
}

test('what the kernel writes is read as it is written, and no text stops the readers', () => {
  assert.deepEqual(diskBytes('8:0 Read 4096\n8:0 Write 512\n8:16 Read 4\nTotal 4612\n', 'v1'), {
    read: 4_100,
    written: 512,
  })
  assert.deepEqual(diskBytes('8:0 rbytes=4096 wbytes=512 rios=1\n', 'v2'), { read: 4_096, written: 512 })
  assert.deepEqual(diskBytes(null, 'v2'), { read: Number.NaN, written: Number.NaN })
  assert.equal(busySeconds('cpu  100 20 30 4000 5 6 7 8 0 0\ncpu0 1 2 3\n'), 1.63)
  assert.deepEqual(wholeDisks('   8 0 sda 1 0 10 0 2 0 20 0 0\n   8 1 sda1 1 0 10 0 2 0 20 0 0\n'), {
    read: 5_120,
    written: 10_240,
  })
  const stat = `12 (a) S 1 (x) R ${Array.from({ length: 40 }, (_, i) => i).join(' ')}`
  assert.deepEqual(parseStat(stat), { ticks: 10 + 11, started: 18, pages: 20 })
  assert.equal(parseStat('12 (a) Z 1 2 3'), null)
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseStat(text)
      diskBytes(text, 'v1')
      diskBytes(text, 'v2')
      wholeDisks(text)
      busySeconds(text)
    }),
  )
})
