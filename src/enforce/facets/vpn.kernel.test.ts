/** Two namespaces, a tunnel each: a handshake, a ping through it, peers that change without losing it, and the way back. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needRoot } from '../../../test/need.ts'
import type { Vpn } from '../../model/facets/vpn.ts'
import type { Place } from '../facet.ts'
import { keepSecretsIn, writeSecret } from '../secret-files.ts'
import { runStep } from '../step.ts'
import { deviceName, engineMissing, findEngine } from './vpn/engine.ts'
import { publicKeyOf } from './vpn/tunnel.ts'
import { getDevice } from './vpn/uapi.ts'
import { vpn } from './vpn.ts'

const POLL_MS = 20
const skip = needRoot() || (engineMissing() ?? false)
const SUFFIX = `${process.pid}`
const home = mkdtempSync(join(tmpdir(), 'guise-vpn-'))
const ip = (...argv: string[]) => execFileSync('ip', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
const placeOf = (name: string): Place => ({
  ...{ key: name, namespace: `/run/netns/${name}`, face: null, addresses: [], cgroup: null, root: null, monitor: null },
})
const A = placeOf(`guiseva${SUFFIX}`)
const B = placeOf(`guisevb${SUFFIX}`)
const spotOf = (place: Place) => ({ key: place.key, namespace: place.namespace! })

const key = () =>
  generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32).toString('base64')
const ref = (secret: string) => ({ secret, version: 1, digest: 'd'.repeat(43) })
const keys = { a: key(), b: key(), c: key(), shared: key() }

const wishA = (more: Partial<Vpn['peers'][number]> = {}): Vpn => ({
  ...{ interface: 'wg0', addresses: ['10.99.0.1/24', 'fd99::1/64'], listenPort: 51_820, privateKey: ref('a') },
  peers: [{ publicKey: publicKeyOf(keys.b), allowedIPs: ['10.99.0.2/32', 'fd99::2/128'], ...more }],
})
const wishB = (more: Partial<Vpn['peers'][number]> = {}): Vpn => ({
  ...{ interface: 'wg0', addresses: ['10.99.0.2/24', 'fd99::2/64'], privateKey: ref('b') },
  peers: [
    {
      ...{ publicKey: publicKeyOf(keys.a), endpoint: '10.98.0.1:51820', keepalive: 1 },
      ...{ allowedIPs: ['10.99.0.1/32', 'fd99::1/128', '10.97.0.0/24'] },
      ...more,
    },
  ],
})

before(() => {
  if (skip !== false) return
  keepSecretsIn(home)
  for (const [name, value] of Object.entries(keys)) writeSecret(ref(name), `${value}\n`)
  for (const place of [A, B]) ip('netns', 'add', place.key)
  ip('link', 'add', 'eth0', 'netns', A.key, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', B.key)
  for (const [place, address] of [
    [A, '10.98.0.1/24'],
    [B, '10.98.0.2/24'],
  ] as const) {
    ip('-n', place.key, 'addr', 'add', address, 'dev', 'eth0')
    for (const device of ['lo', 'eth0']) ip('-n', place.key, 'link', 'set', device, 'up')
  }
})
after(async () => {
  if (skip === false)
    for (const place of [A, B]) {
      await vpn.converge(place, { tunnel: null, others: [] }).catch(() => {})
      ip('netns', 'del', place.key)
    }
  rmSync(home, { recursive: true, force: true })
})

async function wear(place: Place, wish: Vpn) {
  const wanted = vpn.wanted(place, await vpn.capture(place), wish)
  await vpn.converge(place, wanted)
  assert.equal(vpn.normalise(await vpn.capture(place)), vpn.normalise(wanted))
  return wanted
}
async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  for (const giveUpAt = performance.now() + withinMs; !(await holds()); await delay(POLL_MS))
    assert.ok(performance.now() < giveUpAt, `waited ${withinMs} ms: ${what}`)
}
function pings(from: Place, to: string): boolean {
  try {
    execFileSync('ip', ['netns', 'exec', from.key, 'ping', '-n', '-q', '-c', '1', '-W', '1', to], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const handshakeOf = async (place: Place) => (await getDevice(deviceName(spotOf(place)))).peers[0]?.lastHandshake ?? 0

test('a handshake, and both families through the tunnel', { skip }, async () => {
  await wear(A, wishA())
  await wear(B, wishB())
  await until('a ping through the tunnel', () => pings(B, '10.99.0.1'))
  assert.ok(pings(A, 'fd99::2'))
  assert.ok((await handshakeOf(A)) > 0 && (await handshakeOf(B)) > 0)
  const probes = await Promise.all(
    vpn.probes!(A, { tunnel: null, others: [] }, await wear(A, wishA())).map((probe) => probe()),
  )
  assert.deepEqual(probes, [{ name: 'tunnel wg0', ok: true, detail: 'is up with its key' }])
  assert.match(ip('-n', B.key, 'route', 'show', 'proto', '186'), /10\.97\.0\.0\/24 dev wg0/)
})

test('a key is on no command line, in no environment and in no state', { skip }, async () => {
  const state = JSON.stringify([await wear(A, wishA()), vpn.undo(A, await wear(A, wishA()), await vpn.capture(A))])
  const pid = findEngine(spotOf(A))!
  const told = [state, ...['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'))].join()
  for (const value of Object.values(keys))
    for (const form of [value, Buffer.from(value, 'base64').toString('hex')]) assert.ok(!told.includes(form))
  assert.match(state, /"secret":"a","version":1/)
})

test('peers change live: nothing is lost, the handshake stays, the process stays', { skip }, async () => {
  const [pid, handshake] = [findEngine(spotOf(A)), await handshakeOf(A)]
  const ping = execFileSync.bind(null, 'ip', [
    'netns',
    'exec',
    B.key,
    'ping',
    '-n',
    '-q',
    '-c',
    '25',
    '-i',
    '0.04',
    '10.99.0.1',
  ])
  const { spawn } = await import('node:child_process')
  const running = spawn('ip', [
    'netns',
    'exec',
    B.key,
    'ping',
    '-n',
    '-q',
    '-c',
    '40',
    '-i',
    '0.05',
    '-W',
    '1',
    '10.99.0.1',
  ])
  let text = ''
  running.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const ended = new Promise((resolve) => running.on('close', resolve))
  const second = { publicKey: publicKeyOf(keys.c), allowedIPs: ['10.96.0.0/24'], endpoint: '10.98.0.9:1' }
  for (let i = 0; i < 3; i++) {
    await wear(A, { ...wishA({ allowedIPs: ['10.99.0.2/32', 'fd99::2/128', `10.95.${i}.0/24`] }) })
    await wear(A, { ...wishA(), peers: [...wishA().peers, second] })
  }
  await wear(A, wishA())
  await ended
  assert.match(text, /40 packets transmitted, 40 received, 0% packet loss/, text)
  assert.equal(findEngine(spotOf(A)), pid)
  assert.equal(await handshakeOf(A), handshake)
  assert.equal((await getDevice(deviceName(spotOf(A)))).peers.length, 1)
  ping()
})

test('a pre-shared key on both ends, and back to none', { skip }, async () => {
  await wear(A, wishA({ presharedKey: ref('shared') }))
  await wear(B, wishB({ presharedKey: ref('shared') }))
  await until('a ping under the new key', () => pings(B, '10.99.0.1'), 20_000)
  await wear(A, wishA())
  await wear(B, wishB())
})

test('what somebody else deletes, renames or kills is there again', { skip }, async () => {
  const wanted = await wear(B, wishB())
  const engine = () => findEngine(spotOf(B))
  const harms: [string, () => void][] = [
    ['the interface', () => void ip('-n', B.key, 'link', 'del', 'wg0')],
    ['its address', () => void ip('-n', B.key, 'addr', 'del', '10.99.0.2/24', 'dev', 'wg0')],
    ['its being up', () => void ip('-n', B.key, 'link', 'set', 'wg0', 'down')],
    ['its name', () => void ip('-n', B.key, 'link', 'set', 'wg0', 'down', 'name', 'other0')],
    ['its process', () => void process.kill(engine()!, 'SIGKILL')],
  ]
  for (const [what, harm] of harms) {
    harm()
    await until(`${what} to be seen as gone`, async () => vpn.normalise(await vpn.capture(B)) !== vpn.normalise(wanted))
    await vpn.converge(B, wanted)
    assert.equal(vpn.normalise(await vpn.capture(B)), vpn.normalise(wanted), what)
    await until(`a ping after losing ${what}`, () => pings(B, '10.99.0.1'), 20_000)
  }
})

test('what came no further than its name is gone on with', { skip }, async () => {
  const wanted = await wear(B, wishB())
  await vpn.converge(B, { tunnel: null, others: [] })
  const peers = wanted.tunnel!.peers.map((peer) => ({ ...peer, endpoint: 'nowhere' }))
  await assert.rejects(vpn.converge(B, { ...wanted, tunnel: { ...wanted.tunnel!, peers } }), /WireGuard device/)
  assert.equal((await vpn.capture(B)).tunnel?.interface, 'wg0')
  await vpn.converge(B, wanted)
  assert.equal(vpn.normalise(await vpn.capture(B)), vpn.normalise(wanted))
})

test('another name, another key: the same tunnel, changed; undone by a step alone', { skip }, async () => {
  const from = await wear(B, wishB())
  const to = await wear(B, { ...wishB(), interface: 'wg9', privateKey: ref('c'), addresses: ['10.94.0.2/24'] })
  assert.notEqual(vpn.normalise(from), vpn.normalise(to))
  for (const step of vpn.undo(B, from, to)) await runStep(JSON.parse(JSON.stringify(step)))
  assert.equal(vpn.normalise(await vpn.capture(B)), vpn.normalise(from))
  await until('a ping after going back', () => pings(B, '10.99.0.1'), 20_000)
})

test('taken off, nothing of it is left; what is not ours is not touched', { skip }, async () => {
  const bare = { tunnel: null, others: [] }
  const worn = await wear(B, wishB())
  for (const step of vpn.undo(B, bare, worn)) await runStep(step)
  assert.equal(findEngine(spotOf(B)), null)
  const links = JSON.parse(ip('-n', B.key, '-j', 'link')) as { ifname: string }[]
  assert.deepEqual(
    links.map(({ ifname }) => ifname),
    ['lo', 'eth0'],
  )
  ip('-n', B.key, 'link', 'add', 'wg0', 'type', 'bridge')
  const found = await vpn.capture(B)
  assert.throws(() => vpn.wanted(B, found, wishB()), /has another interface wg0; give the tunnel another name/)
  await assert.rejects(vpn.converge(B, worn), /has another interface wg0/)
  assert.match(ip('-n', B.key, 'link', 'show', 'wg0'), /wg0/)
  ip('-n', B.key, 'link', 'del', 'wg0')
})

test('a workload that goes leaves no process behind that keeps its namespace and its keys', { skip }, async () => {
  const wanted = await wear(B, wishB())
  ip('netns', 'del', B.key)
  assert.notEqual(findEngine(spotOf(B)), null)
  assert.notEqual(vpn.normalise(await vpn.capture(B)), vpn.normalise(wanted))
  await vpn.converge(B, wanted)
  assert.equal(findEngine(spotOf(B)), null)
  await assert.rejects(vpn.capture(B))
  ip('netns', 'add', B.key)
})
