/** What a tunnel's device is told, what is read back from it, and which wishes are refused before anything is written. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { Vpn, VpnWish, vpnFaults } from '../../model/facets/vpn.ts'
import { keepSecretsIn, writeSecret } from '../secret-files.ts'
import { deviceLines, publicKeyOf } from './vpn/tunnel.ts'
import { type Device, hexOf, parseDevice } from './vpn/uapi.ts'
import { wantedTunnel } from './vpn.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-vpn-'))
const ref = (secret: string) => ({ secret, version: 1, digest: 'd'.repeat(43) })
// RFC 7748 6.1: Alice's private and public key.
const PRIVATE = Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f4e9a0d2c1f3a1d1f6c0d7e2a2a', 'hex').toString(
  'base64',
)
const SHARED = Buffer.alloc(32, 7).toString('base64')
const PEER = Buffer.alloc(32, 9).toString('base64')
before(() => {
  keepSecretsIn(home)
  writeSecret(ref('wg'), `${PRIVATE}\n`)
  writeSecret(ref('shared'), SHARED)
  writeSecret(ref('bad'), 'not a key')
})
after(() => rmSync(home, { recursive: true, force: true }))

const wish = (more: Partial<Vpn> = {}, peer: Partial<Vpn['peers'][number]> = {}): Vpn => ({
  ...{ interface: 'wg0', addresses: ['10.9.0.2/24'], privateKey: ref('wg') },
  peers: [{ publicKey: PEER, endpoint: '192.0.2.1:51820', allowedIPs: ['10.9.0.0/24', '10.8.0.0/16'], ...peer }],
  ...more,
})
const empty: Device = { privateKey: null, listenPort: 0, peers: [] }
const lines = (device: Device, of: Vpn, endpoints: 'kept' | 'asked' = 'asked') =>
  deviceLines(device, wantedTunnel(of), PRIVATE, join(home, 'secrets'), endpoints)

test('32 bytes in base64 make a key, and nothing else does', () => {
  const raw = (key: string) => Buffer.from(key, 'base64')
  // A private key is clamped before use (RFC 7748 5): these two are one.
  const clamped = Buffer.from(raw(PRIVATE))
  clamped[0]! &= 248
  clamped[31] = (clamped[31]! & 127) | 64
  assert.equal(publicKeyOf(clamped.toString('base64')), publicKeyOf(PRIVATE))
  assert.equal(raw(publicKeyOf(PRIVATE)).length, 32)
  for (const bad of ['', 'x', PRIVATE.slice(1), `${PRIVATE}=`, raw(PRIVATE).toString('hex'), `${PRIVATE}\n`])
    assert.throws(() => publicKeyOf(bad), /no WireGuard key: 32 bytes in base64/)
})

test('a new device is told everything, one that is as wanted nothing, a peer that stays is not named', () => {
  const first = lines(empty, wish({ listenPort: 51_820 }, { presharedKey: ref('shared'), keepalive: 25 }))
  assert.deepEqual(first, [
    `private_key=${hexOf(PRIVATE)}`,
    'listen_port=51820',
    `public_key=${hexOf(PEER)}`,
    `preshared_key=${hexOf(SHARED)}`,
    'endpoint=192.0.2.1:51820',
    'persistent_keepalive_interval=25',
    'allowed_ip=10.8.0.0/16',
    'allowed_ip=10.9.0.0/24',
  ])
  const device = parseDevice(`${first.join('\n')}\nlast_handshake_time_sec=7\nerrno=0\n\n`)
  assert.equal(device.peers[0]!.lastHandshake, 7)
  assert.deepEqual(lines(device, wish({ listenPort: 51_820 }, { presharedKey: ref('shared'), keepalive: 25 })), [])
  const second = { publicKey: Buffer.alloc(32, 5).toString('base64'), allowedIPs: ['10.7.0.0/24'] }
  const more = wish({ listenPort: 51_820 }, { presharedKey: ref('shared'), keepalive: 25 })
  const told = lines(device, { ...more, peers: [...more.peers, second] })
  assert.deepEqual(told, [`public_key=${hexOf(second.publicKey)}`, 'allowed_ip=10.7.0.0/24'])
  assert.deepEqual(lines(device, wish({ listenPort: 51_820, peers: [] })), [`public_key=${hexOf(PEER)}`, 'remove=true'])
})

test('a peer that roamed is left where it is, until somebody asks for another endpoint', () => {
  const roamed = parseDevice(
    `private_key=${hexOf(PRIVATE)}\npublic_key=${hexOf(PEER)}\nendpoint=198.51.100.9:7\nallowed_ip=10.8.0.0/16\nallowed_ip=10.9.0.0/24\n`,
  )
  assert.deepEqual(lines(roamed, wish(), 'kept'), [])
  assert.deepEqual(lines(roamed, wish(), 'asked'), [`public_key=${hexOf(PEER)}`, 'endpoint=192.0.2.1:51820'])
  const narrower = lines(roamed, wish({}, { allowedIPs: ['10.9.0.0/24'] }), 'kept')
  assert.deepEqual(narrower, [`public_key=${hexOf(PEER)}`, 'replace_allowed_ips=true', 'allowed_ip=10.9.0.0/24'])
})

test('routes lead to what no address of the tunnel is linked to', () => {
  assert.deepEqual(wantedTunnel(wish()).routes, ['10.8.0.0/16'])
  const six = wish({ addresses: ['fd00:9::2/64'] }, { allowedIPs: ['fd00:9::1/128', 'fd00:8::/64', '10.9.0.0/24'] })
  assert.deepEqual(wantedTunnel(six).routes, ['10.9.0.0/24', 'fd00:8::/64'])
})

test('a state holds references and marks, no key; a secret that is no key is refused without being said', () => {
  const text = JSON.stringify(wantedTunnel(wish({}, { presharedKey: ref('shared') })))
  for (const value of [PRIVATE, SHARED, hexOf(PRIVATE), hexOf(SHARED)]) assert.ok(!text.includes(value))
  for (const bad of [wish({ privateKey: ref('bad') }), wish({}, { presharedKey: ref('bad') })])
    assert.throws(
      () => wantedTunnel(bad),
      (error: Error) => /no WireGuard key/.test(error.message) && !error.message.includes('not a key'),
    )
  assert.throws(() => wantedTunnel(wish({ privateKey: ref('gone') })), /secret gone version 1 is not on this host/)
})

test('what cannot be is said with its place and cure', () => {
  const faults = (more: Partial<Vpn>, peer?: Partial<Vpn['peers'][number]>) =>
    vpnFaults(wish(more, peer)).map(({ path, why, cure }) => `${path.join('.')}: ${why}; ${cure}`)
  assert.deepEqual(faults({}), [])
  assert.match(faults({ interface: 'lo' })[0]!, /^interface: lo is the loopback/)
  assert.match(faults({ addresses: ['10.9.0.2/33'] })[0]!, /^addresses.0: 10.9.0.2\/33 is no address/)
  assert.match(faults({}, { allowedIPs: ['0.0.0.0/0'] })[0]!, /allowedIPs.0: 0.0.0.0\/0 would take every path/)
  assert.match(faults({}, { allowedIPs: ['::/0'] })[0]!, /would take every path/)
  assert.match(faults({}, { allowedIPs: ['10.0.0.1/8'] })[0]!, /is no network/)
  assert.match(faults({}, { endpoint: '300.0.0.1:1' })[0]!, /is no address and port/)
  assert.match(faults({}, { endpoint: '10.8.1.1:1' })[0]!, /runs? through itself/)
  const twice = [...wish().peers, ...wish().peers]
  assert.match(faults({ peers: twice }).join('\n'), /peer is here twice.*\n.*behind peer 1 already/)
})

test('the closed schema takes no word that could mean something else to a program', () => {
  const [checkWish, check] = [Compile(VpnWish), Compile(Vpn)]
  assert.ok(check.Check(wish()))
  assert.ok(!checkWish.Check(wish()) && checkWish.Check({ ...wish(), privateKey: { secret: 'wg' } }))
  for (const bad of ['wg0; id', '-x', '../wg0', 'WG0', 'a b', '', 'x'.repeat(16)])
    assert.ok(!check.Check(wish({ interface: bad })), bad)
  for (const bad of ['host:1', '10.0.0.1', '10.0.0.1:1\nlisten_port=2', '[::1]', '$(id):1'])
    assert.ok(!check.Check(wish({}, { endpoint: bad })), bad)
  for (const bad of ['10.0.0.0/8 dev eth0', '10.0.0.0', 'all'])
    assert.ok(!check.Check(wish({}, { allowedIPs: [bad] })), bad)
  assert.ok(!check.Check({ ...wish(), postUp: 'id' }))
})

test('whatever a device answers is read without throwing', () => {
  const word = fc.constantFrom('private_key', 'public_key', 'allowed_ip', 'endpoint', 'preshared_key', 'x', '')
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.string())), (pairs) => {
      const device = parseDevice(pairs.map(([key, value]) => `${key}=${value}`).join('\n'))
      assert.ok(Array.isArray(device.peers))
    }),
  )
})
