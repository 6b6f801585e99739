import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { needRoot } from '../../../test/need.ts'

/** A router namespace that forwards between two others, all our own; the source runs in the router as a child. */
const skip = needRoot()
const id = `${process.pid % 100_000}`
const names = { router: `guiseR${id}`, a: `guiseA${id}`, b: `guiseB${id}` }
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' })

type Row = {
  phase: number
  state: number
  marks: number
  source: string
  target: string
  targetPort: number
  out: number
  in: number
  lagMs: number
}
const rows: Row[] = []
let waiting: (() => void) | null = null
let watcher: ChildProcess | null = null

/** Resolves when a row satisfies `wanted`; rejects after `boundMs`. */
async function seen(what: string, wanted: (row: Row) => boolean, boundMs = 15_000): Promise<Row> {
  const until = performance.now() + boundMs
  for (;;) {
    const found = rows.find(wanted)
    if (found !== undefined) return found
    if (performance.now() > until)
      assert.fail(`no ${what} within ${boundMs} ms; rows: ${JSON.stringify(rows.slice(-5))}`)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 500)
      waiting = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

before(async () => {
  if (skip !== false) return
  for (const name of Object.values(names)) ip('netns', 'add', name)
  for (const [peer, host, net] of [
    [names.a, 'va', '10.231.1'],
    [names.b, 'vb', '10.231.2'],
  ] as const) {
    ip('-n', names.router, 'link', 'add', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peer)
    ip('-n', names.router, 'addr', 'add', `${net}.1/24`, 'dev', host)
    ip('-n', names.router, 'link', 'set', host, 'up')
    ip('-n', peer, 'addr', 'add', `${net}.2/24`, 'dev', 'eth0')
    ip('-n', peer, 'link', 'set', 'eth0', 'up')
    ip('-n', peer, 'route', 'add', 'default', 'via', `${net}.1`)
  }
  const inRouter = ['netns', 'exec', names.router]
  ip(...inRouter, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
  // A rule that looks at conntrack is what makes the kernel track forwarded flows.
  ip(
    ...inRouter,
    'nft',
    'add table inet guisetest; add chain inet guisetest f { type filter hook forward priority 0; }; add rule inet guisetest f ct state new counter',
  )
  const child = new URL('./conntrack-watch.fixture.ts', import.meta.url).pathname
  watcher = spawn('ip', [...inRouter, process.execPath, child, readlinkSync('/proc/self/ns/net')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: watcher.stdout! })
  await new Promise<void>((resolve, reject) => {
    watcher!.once('exit', (code) => reject(new Error(`the watcher ended with ${code}`)))
    lines.on('line', (line) => {
      if (line === 'ready') resolve()
      else rows.push(JSON.parse(line) as Row)
      waiting?.()
    })
  })
})

const children: ChildProcess[] = []

after(() => {
  for (const child of children) child.kill()
  watcher?.stdin?.end()
  if (skip === false)
    for (const name of Object.values(names)) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
})

function inNamespace(name: string, program: string): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

test('a served, a refused and an ignored connection, as rows', { skip }, async () => {
  const server = inNamespace(
    names.b,
    `require('net').createServer(s => { s.on('data', d => s.write('x'.repeat(5000))) }).listen(8000, () => console.log('up')); process.stdin.on('end', () => process.exit()).resume()`,
  )
  await new Promise((resolve) => server.stdout!.once('data', resolve))
  inNamespace(
    names.a,
    `const net = require('net'); const s = net.connect(8000, '10.231.2.2', () => s.write('y'.repeat(2000)));
     net.connect(8001, '10.231.2.2').on('error', () => {}); net.connect(8002, '10.231.2.99').on('error', () => {});
     process.stdin.on('end', () => process.exit()).resume()`,
  )
  const opened = await seen('NEW of the served connection', (row) => row.phase === 1 && row.targetPort === 8000)
  assert.equal(opened.source, '10.231.1.2')
  assert.equal(opened.target, '10.231.2.2')
  const progress = await seen(
    'progress with bytes',
    (row) => row.targetPort === 8000 && row.phase === 2 && row.in > 5_000,
  )
  assert.ok(progress.out > 2_000, 'bytes at the IP layer are more than the payload')
  assert.equal(progress.marks & 1, 1, 'the handshake was seen')
  await seen('the refusal', (row) => row.targetPort === 8001 && row.state === 4)
  await seen('the silence', (row) => row.targetPort === 8002 && row.state === 1)
  // What the kernel forgets, whoever made it forget, is told at once.
  execFileSync('ip', ['netns', 'exec', names.router, 'conntrack', '-D', '-p', 'tcp', '--dport', '8000'], {
    stdio: 'ignore',
  })
  const closed = await seen('DESTROY', (row) => row.targetPort === 8000 && row.phase === 3)
  assert.ok(closed.out >= 0)
  const total = rows.filter((row) => row.targetPort === 8000).reduce((sum, row) => sum + row.in, 0)
  assert.ok(total >= 5_000 && total < 20_000, `deltas add up to the bytes of the flow, got ${total}`)
  assert.ok(opened.lagMs < 1_000, `NEW came ${opened.lagMs} ms after the first packet`)
})

const FLOWS = 4_000
test('a burst into a tiny buffer: events are lost, flows are not', { skip }, async () => {
  const inA = ['netns', 'exec', names.a]
  ip('-n', names.a, 'link', 'set', 'lo', 'up')
  ip(
    ...inA,
    'nft',
    'add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o ct state new counter',
  )
  const child = new URL('./conntrack-watch.fixture.ts', import.meta.url).pathname
  const watch = spawn('ip', [...inA, process.execPath, child, readlinkSync('/proc/self/ns/net'), '4096'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(watch)
  let said = ''
  watch.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const opened = new Set<number>()
  const ready = Promise.withResolvers<void>()
  const all = Promise.withResolvers<void>()
  createInterface({ input: watch.stdout }).on('line', (line) => {
    if (line === 'ready') return ready.resolve()
    const row = JSON.parse(line) as Row
    if (row.phase === 1 && row.targetPort >= 10_000) opened.add(row.targetPort)
    if (opened.size === FLOWS) all.resolve()
  })
  await ready.promise
  const bound = setTimeout(() => all.reject(new Error(`${opened.size} of ${FLOWS} flows after 15 s`)), 15_000)
  inNamespace(
    names.a,
    `const s = require('dgram').createSocket('udp4'); s.on('error', () => {})
     for (let i = 0; i < ${FLOWS}; i++) s.send('x', 10000 + i, '127.0.0.1')
     process.stdin.on('end', () => process.exit()).resume()`,
  )
  await all.promise
  clearTimeout(bound)
  watch.stdin.end()
  await new Promise((resolve) => watch.once('close', resolve))
  assert.match(said, /^lost [1-9]/, 'the kernel said that it dropped events')
})
