import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { decideInput, workloadRecord } from '../../test/decide-input.ts'
import { AddressSet } from '../model/desired.ts'
import type { PolicyRule } from '../model/policy.ts'
import { dressFleet, emptyNotes } from './dress.ts'
import type { Persona } from './effective.ts'
import { parseManifests } from './manifest.ts'
import { createPeerSets, type SetMeaning } from './peer-sets.ts'
import { resolve } from './resolve.ts'
import { parseRuleLine, printRuleLine } from './rule-line.ts'
import { peerWords } from './rule-words.ts'
import { trustedResolvers } from './trusted-resolvers.ts'

const persona = (rules: PolicyRule[]): Persona => ({
  ref: { id: 'p' as never, name: 'P', version: 1 },
  spec: { profile: { rules, dns: { servers: ['10.0.0.53', 'fd00::35'] } } },
})
const rule = (action: PolicyRule['action'], domain: string, inside?: true): PolicyRule => ({
  action,
  direction: 'egress',
  peers: [{ domain, ...(inside === undefined ? {} : { inside }) }],
})

test('a name is a set that hosts fill, apart for what denies, for what may lead inside, and for a whole domain', () => {
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.com`
  const one = persona([
    rule('allow', 'Www.Example.com'),
    rule('deny', 'www.example.com'),
    rule('allow', 'www.example.com', true),
    rule('allow', '*.example.com'),
    rule('reject', long),
  ])
  const { egress, sets } = resolve(one, [])
  const names = egress.rules.map(({ match: { peer } }) => (peer.kind === 'set' ? peer.set : ''))
  assert.deepEqual(names.slice(0, 3), [
    'domain:www.example.com',
    'domain-deny:www.example.com',
    'domain-inside:www.example.com',
  ])
  assert.match(names[3]!, /^domain-any:example\.com:[0-9a-f]{6}$/)
  assert.equal(egress.rules[0]!.why.text, 'persona P rule 1: allow egress to domain Www.Example.com')
  assert.equal(
    peerWords(egress.rules[3]!, () => null),
    'domain *.example.com',
  )
  const declared = createPeerSets({
    workloads: [],
    entries: [],
    homeNetworks: [],
    names: new Map<string, SetMeaning>(sets),
    resolvers: trustedResolvers([one], ['192.0.2.0/24', 'nonsense']),
  }).declared()
  assert.equal(declared.length, 5)
  for (const set of declared) assert.ok(Value.Check(AddressSet, set), set.name)
  const asked = declared.find(({ name }) => name === 'domain-deny:www.example.com')
  assert.deepEqual(asked, {
    name: 'domain-deny:www.example.com',
    members: [],
    learned: { names: ['www.example.com'], resolvers: ['10.0.0.53', '192.0.2.0/24', 'fd00::35'], use: 'deny' },
  })
})

test('a preview never shows a domain that nobody wrote', () => {
  const wordsOf = (domain: string) =>
    peerWords(resolve(persona([rule('allow', domain)]), []).egress.rules[0]!, () => null)
  const tail = 'x23456789.x23456789.example.com'
  assert.equal(wordsOf('*.example.com'), 'domain *.example.com')
  assert.equal(wordsOf(`*.${tail.slice(2)}`), `domain *.${tail.slice(2)}`)
  // Cut or not, it ends like that.
  for (const domain of [tail.slice(1), `a.${tail}`]) assert.equal(wordsOf(domain), `domain ${domain}`)
  const long = `${'a'.repeat(60)}.${tail}`
  for (const domain of [`*.${tail.slice(1)}`, `*.${tail}`, `*.a.${tail}`, long, `*.${long}`])
    assert.equal(wordsOf(domain), `domains ending in …${tail.slice(1)}`)
})

test('a name that nobody is trusted for is told of to each that has it in a rule', () => {
  const told = (profile: string) => {
    const text = `apiVersion: guise/v1
kind: Persona
metadata: { name: Caller }
spec:
  profile:
    rules: [{ action: allow, direction: egress, peers: [{ domain: example.org }] }]
    ${profile}
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Other }
spec: { profile: { cpu: { cores: 1 } } }`
    const { drafts, dressed } = dressFleet(
      decideInput(
        text,
        ['Caller', 'Caller', 'Other'].map((name, i) => workloadRecord(i + 1, name)),
      ),
      notes,
    )
    assert.equal(drafts.length, dressed.length)
    return notes.skipped.splice(0).map(({ workload, why }) => `${workload} ${why.rule}`)
  }
  const notes = emptyNotes()
  assert.deepEqual(told('dns: { servers: [10.0.0.53] }'), [])
  assert.deepEqual(told('cpu: { cores: 1 }'), ['w_1 domain-without-resolver', 'w_2 domain-without-resolver'])
})

test('a line says a domain, and back; what is no name is refused at its place', () => {
  const line = 'allow tcp 443 out to domain *.example.com, domain example.org'
  const read = parseRuleLine(line)
  assert.ok(read.ok)
  assert.equal(printRuleLine(read.value), line)
  assert.equal(printRuleLine({ ...read.value, peers: [{ domain: 'x.y', inside: true }] }), null)
  const bad = parseRuleLine('allow any out to domain 10.0.0.1')
  assert.ok(!bad.ok && bad.column === 25, JSON.stringify(bad))
})

test('a manifest with an address for a name is refused', () => {
  const text = (domain: string) => `apiVersion: guise/v1
kind: Policy
metadata: { name: n }
spec: { rules: [{ action: allow, direction: egress, peers: [{ domain: '${domain}' }] }] }`
  const problemOf = (domain: string) => {
    const parsed = parseManifests(text(domain), { file: 'f' })
    return parsed.ok ? null : parsed.problems.map(({ why }) => why).join('; ')
  }
  assert.equal(problemOf('*.example.com'), null)
  assert.equal(problemOf('192.0.2.1'), '192.0.2.1 is an address')
  for (const bad of ['', '*', 'a..b', 'exa mple.com', '*.*.com', 'a.*.com', '.com', 'x/y'])
    assert.ok(problemOf(bad) !== null, bad)
})

test('a country and a system are sets of their own, in lines as well', () => {
  const line = 'deny any out to country DE, asn 64500'
  const read = parseRuleLine(line)
  assert.ok(read.ok)
  assert.equal(printRuleLine(read.value), line)
  const { egress } = resolve(persona([read.value]), [])
  assert.deepEqual(
    egress.rules.map((one) => [peerWords(one, () => null), one.why.text]),
    ['country DE', 'AS64500'].map((words) => [words, 'persona P rule 1: deny egress to country DE, AS64500']),
  )
  for (const bad of ['country de', 'country Germany', 'asn 0', 'asn x'])
    assert.ok(!parseRuleLine(`deny any out to ${bad}`).ok, bad)
})
