import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseManifests } from '../decide/manifest.ts'
import type { PersonaManifest } from '../model/manifest.ts'
import { readManifest } from './manifest-body.ts'
import { Problem } from './problem.ts'
import { toShortForm } from './short-form.ts'

const FULL = {
  name: 'Branch Office',
  ip_address: '10.20.0.5',
  subnet_mask: '255.255.240.0',
  gateway: '10.20.0.1',
  dns_servers: ['10.20.0.53'],
  firewall_rules: ['allow tcp 443 out to 10.0.0.0/8', 'deny any in from 0.0.0.0/0', 'allow icmp out to any'],
  vpn_settings: null,
  tls_certificate: null,
}
const read = (body: object) => readManifest(body, 'Persona') as PersonaManifest
const refusal = (body: object) => {
  try {
    read(body)
  } catch (error) {
    if (error instanceof Problem)
      return { status: error.statusCode, code: error.code, detail: error.message, errors: error.errors }
    throw error
  }
  assert.fail('it was taken')
}

test('every field there and back', () => {
  const { spec } = read(FULL)
  assert.deepEqual(spec.profile?.network, { addresses: ['10.20.0.5/20'], gateways: ['10.20.0.1'] })
  assert.deepEqual(spec.profile?.rules?.[0]?.ports, [{ protocol: 'tcp', port: 443 }])
  assert.deepEqual(toShortForm(read(FULL)), FULL)
  const bare = { name: 'Bare' }
  const given = toShortForm(read(bare))
  assert.deepEqual(toShortForm(read(given)), given)
  const objects = { ...FULL, firewall_rules: [{ action: 'deny', direction: 'egress', peers: [{ any: true }] }] }
  assert.deepEqual((toShortForm(read(objects)) as typeof FULL).firewall_rules, ['deny any out to any'])
})

test('masks: dotted, with a slash, as a number; IPv6 by length', () => {
  const prefix = (ip: string, mask?: string) =>
    read({ name: 'a', ip_address: ip, ...(mask === undefined ? {} : { subnet_mask: mask }) }).spec.profile?.network
      ?.addresses[0]
  assert.equal(prefix('10.0.0.5'), '10.0.0.5/24')
  assert.equal(prefix('10.0.0.5', '255.255.255.255'), '10.0.0.5/32')
  assert.equal(prefix('10.0.0.5', '0.0.0.0'), '10.0.0.5/0')
  assert.equal(prefix('10.0.0.5', '/16'), '10.0.0.5/16')
  assert.equal(prefix('fd00::5', '48'), 'fd00::5/48')
  assert.equal(prefix('fd00::5'), 'fd00::5/64')
  for (const mask of ['255.0.255.0', '255.255.255', '33', '0xff.0.0.0', '255.255..0', 'x', ''])
    assert.equal(refusal({ ...FULL, subnet_mask: mask }).errors[0]?.pointer, '/subnet_mask', mask)
})

test('faults stand where the short form has them', () => {
  assert.deepEqual(refusal({ ...FULL, firewall_rules: ['deny any in from any', 'permit all'] }).errors, [
    {
      pointer: '/firewall_rules/1',
      message:
        'column 1: "permit" is here where allow, deny, reject or pass is expected; write it like "allow tcp 443 out to 10.0.0.0/8"',
    },
  ])
  assert.equal(refusal({ ...FULL, ip_address: '10.0.0.5/24' }).errors[0]?.pointer, '/ip_address')
  assert.equal(refusal({ ...FULL, gateway: 'router' }).errors[0]?.pointer, '/gateway')
  assert.equal(refusal({ ...FULL, dns_servers: ['10.0.0.53', 'dns'] }).errors[0]?.pointer, '/dns_servers/1')
  assert.equal(refusal({ ...FULL, ip_address: null }).errors[0]?.pointer, '/ip_address')
  const facets = refusal({ ...FULL, vpn_settings: { peer: 'x' }, tls_certificate: 'pem' })
  assert.deepEqual(
    [facets.status, facets.code, [...new Set(facets.errors.map((one) => one.pointer))].sort()],
    [422, 'manifest-refused', ['/tls_certificate', '/vpn_settings', '/vpn_settings/peer']],
  )
  const tls_certificate = { certificates: [{ name: 'web', issue: { names: ['web.internal'] } }] }
  const carried = readManifest({ ...FULL, tls_certificate }, 'Persona') as PersonaManifest
  assert.deepEqual(carried.spec.profile?.tls, tls_certificate)
  assert.deepEqual((toShortForm(carried) as typeof FULL).tls_certificate, tls_certificate)
})

test('a persona that holds more than the form can say is refused in it, with what more', () => {
  const folder = new URL('../../examples/personas/', import.meta.url)
  for (const file of readdirSync(folder)) {
    const parsed = parseManifests(readFileSync(new URL(file, folder), 'utf8'), { file })
    assert.ok(parsed.ok)
    assert.throws(
      () => toShortForm(parsed.value[0] as PersonaManifest),
      (error) =>
        error instanceof Problem && error.statusCode === 409 && /it also holds .*a description/.test(error.message),
      file,
    )
  }
})
