import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSourceSpec, splitSpecs } from './source-spec.ts'

test('what a source is, as text', () => {
  assert.deepEqual(
    parseSourceSpec('netflow=0.0.0.0:2055,exporter=10.0.0.0/8,exporter=192.0.2.7,network=10.20.0.0/16'),
    {
      kind: 'netflow',
      address: '0.0.0.0',
      port: 2055,
      exporters: ['10.0.0.0/8', '192.0.2.7'],
      networks: ['10.20.0.0/16'],
    },
  )
  assert.deepEqual(parseSourceSpec('netflow=[::]:4739,network=fd00::/8'), {
    kind: 'netflow',
    address: '::',
    port: 4739,
    exporters: [],
    networks: ['fd00::/8'],
  })
  assert.deepEqual(parseSourceSpec('zeek=/var/log/zeek/current,network=10.0.0.0/8,network=fd00::/8'), {
    kind: 'zeek',
    path: '/var/log/zeek/current',
    networks: ['10.0.0.0/8', 'fd00::/8'],
  })
  for (const kind of ['tetragon', 'falco', 'auditd'] as const)
    assert.deepEqual(parseSourceSpec(`${kind}=/var/log/x`), { kind, path: '/var/log/x', networks: [] })
  assert.deepEqual(splitSpecs(' a,b\n  c '), ['a,b', 'c'])
  assert.deepEqual(splitSpecs(undefined), [])
})

test('what is wrong is said with its place and the cure', () => {
  for (const [spec, said] of [
    ['netflow=0.0.0.0,network=10.0.0.0/8', /0\.0\.0\.0 is no ADDRESS:PORT; give for example 0\.0\.0\.0:2055/],
    ['netflow=0.0.0.0:99999,network=10.0.0.0/8', /is no ADDRESS:PORT/],
    ['netflow=host:2055,network=10.0.0.0/8', /is no ADDRESS:PORT/],
    ['netflow=:2055', /names no network; add network=CIDR/],
    ['netflow=:2055,exporter=10.0.0.0/33,network=10.0.0.0/8', /exporter=10\.0\.0\.0\/33 is no network; give a CIDR/],
    ['netflow=:2055,network=10.0.0.1/8', /network=10\.0\.0\.1\/8 is no network/],
    ['netflow=:2055,colour=red,network=10.0.0.0/8', /colour=red is not known; use exporter=CIDR and network=CIDR/],
    ['eve=/x,exporter=10.0.0.0/8,network=10.0.0.0/8', /for netflow only/],
    ['eve=,network=10.0.0.0/8', /eve= has no path/],
    ['falco=/x,network=10.0.0.0/8', /network=… is for flows; leave it out/],
    ['auditd=', /auditd= has no path/],
    ['sflow=:6343,network=10.0.0.0/8', /begins with sflow; use netflow=/],
    ['', /it is empty; use netflow=/],
    ['foo=1', /begins with foo; use netflow=/],
    ['\u001b[31mzeek=/x,network=10.0.0.0/8', /begins with/],
  ] as const)
    assert.throws(
      () => parseSourceSpec(spec),
      ({ message }: Error) => said.test(message) && message.startsWith('--source ') && !message.includes('\u001b'),
      spec,
    )
})
