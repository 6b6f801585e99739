/** What lint says of each file in test/lint-policies. GUISE_GOLDEN=1 writes the golden text anew; read it before keeping it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AgentId, DEFAULT_TENANT, type PersonaId, type ShiftId, type WorkloadId } from '../../model/ids.ts'
import type { PersonaManifest, PolicyManifest } from '../../model/manifest.ts'
import type { PeerSelector, PolicyRule, PortMatch } from '../../model/policy.ts'
import type { ConversationRecord, ShiftRecord, WorkloadRecord } from '../../model/records.ts'
import { judge } from '../judge.ts'
import { fitsLabels } from '../label-match.ts'
import { parseManifests } from '../manifest.ts'
import { resolve } from '../resolve.ts'
import { coversAtom } from './covers.ts'
import { lintRules } from './lint-rules.ts'
import { unusedRules } from './unused.ts'

const FOLDER = new URL('../../../test/lint-policies/', import.meta.url)
const GOLDEN = new URL('findings.golden.txt', FOLDER)

test('rules in vain, doubled and too wide are found at their place', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
  const told = files.sort().map((file) => {
    const parsed = parseManifests(readFileSync(new URL(file, FOLDER), 'utf8'), { file })
    assert.ok(parsed.ok)
    const lines = lintRules(parsed.value).map(({ kind, index, path, why, cure }) => {
      const { line, column } = parsed.places[index]!(path)
      return `${file}:${line}:${column}: ${kind}: ${why}; ${cure}\n`
    })
    return `# ${file}\n${lines.join('')}`
  })
  const text = told.join('\n')
  if (process.env.GUISE_GOLDEN === '1' || !existsSync(GOLDEN)) writeFileSync(GOLDEN, text)
  assert.equal(text, readFileSync(GOLDEN, 'utf8'))
})

test('nothing is found in what ships', () => {
  const texts = ['personas', 'policies'].flatMap((folder) => {
    const url = new URL(`../../../examples/${folder}/`, import.meta.url)
    return readdirSync(url).flatMap((name) =>
      name.endsWith('.yaml') ? [readFileSync(new URL(name, url), 'utf8')] : [],
    )
  })
  const parsed = parseManifests(texts.join('\n---\n'), { file: 'shipped' })
  assert.ok(parsed.ok)
  assert.deepEqual(lintRules(parsed.value), [])
})

const WORKLOADS = ['web', 'api', null].flatMap((app, i) =>
  ['x', null].map((team, j) => ({
    address: `10.${i}.${j}.1`,
    labels: { ...(app === null ? {} : { app }), ...(team === null ? {} : { team }) } as Record<string, string>,
  })),
)
const words = fc.constantFrom('web', 'api', 'x', 'y')
const key = fc.constantFrom('app', 'team')
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(words, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
)
const cidr = fc.constantFrom('10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '10.0.1.1/32', '0.0.0.0/0', '::/0')
const peer: fc.Arbitrary<PeerSelector> = fc.oneof(
  fc.constant({ any: true as const }),
  fc.record({ cidr, except: fc.array(cidr, { maxLength: 2 }) }, { requiredKeys: ['cidr'] }),
  fc.dictionary(key, words, { minKeys: 1, maxKeys: 2 }).map((labels) => ({ labels })),
  fc.array(expression, { minLength: 1, maxLength: 2 }).map((matchExpressions) => ({ matchExpressions })),
)
const port: fc.Arbitrary<PortMatch | null> = fc.oneof(
  fc.constant(null),
  fc.record({ protocol: fc.constantFrom('tcp' as const, 'udp' as const) }),
  fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 })).map(([from, more]) => ({
    protocol: 'tcp' as const,
    port: from,
    to: from + more,
  })),
  fc.record(
    { protocol: fc.constantFrom('icmp' as const, 'icmp6' as const), type: fc.constantFrom(8, 128, 13) },
    { requiredKeys: ['protocol'] },
  ),
)
const atom = fc.record({ peer, port })

test('what is said to cover another matches wherever that one does', () => {
  let covered = 0
  const matcher = (one: { peer: PeerSelector; port: PortMatch | null }) => {
    const rule: PolicyRule = {
      action: 'allow',
      direction: 'egress',
      peers: [one.peer],
      ...(one.port === null ? {} : { ports: [one.port] }),
    }
    const persona = { ref: { id: 'p' as never, name: 'P', version: 1 }, spec: { profile: { rules: [rule] } } }
    const { egress, sets } = resolve(persona, [])
    const members = (name: string) => {
      const meaning = sets.get(name)
      if (meaning?.kind !== 'labels') return []
      return WORKLOADS.filter((who) => fitsLabels(who.labels, meaning.query)).map((who) => who.address)
    }
    return (address: string, proto: number, number: number) =>
      judge(egress, { peer: address, proto, port: number }, members).rule !== null
  }
  const addresses = [...WORKLOADS.map((one) => one.address), '10.0.9.9', '192.0.2.1', '2001:db8::1']
  fc.assert(
    fc.property(atom, atom, (wide, narrow) => {
      if (!coversAtom('allow', wide, narrow, 'allow')) return
      covered++
      const [outer, inner] = [matcher(wide), matcher(narrow)]
      for (const address of addresses)
        for (const proto of [1, 6, 17, 58])
          for (const number of [1, 3, 6, 8, 128])
            if (inner(address, proto, number)) assert.ok(outer(address, proto, number), JSON.stringify([wide, narrow]))
    }),
    { numRuns: 2_000 },
  )
  assert.ok(covered > 100, `${covered}`)
})

test('a rule by reputation covers unrated addresses only when it is about them: a pass never is', () => {
  const rated = (below: number, unrated: 'allow' | 'deny') => ({ peer: { reputation: { below, unrated } }, port: null })
  const bad = rated(0.3, 'allow')
  assert.equal(coversAtom('allow', bad, bad, 'allow'), true)
  assert.equal(coversAtom('pass', bad, bad, 'allow'), false)
  assert.equal(coversAtom('pass', bad, bad, 'pass'), true)
  assert.equal(coversAtom('pass', rated(0.5, 'deny'), rated(0.3, 'deny'), 'deny'), false)
  assert.equal(coversAtom('reject', rated(0.5, 'deny'), rated(0.3, 'deny'), 'deny'), true)
  assert.equal(coversAtom('deny', rated(0.5, 'allow'), bad, 'allow'), false)
  assert.equal(coversAtom('deny', rated(0.5, 'deny'), rated(0.3, 'deny'), 'allow'), true)
  assert.equal(coversAtom('allow', rated(0.2, 'allow'), bad, 'allow'), false)
})

test('a rule that decided no conversation is told, one by reputation is not', () => {
  const parsed = parseManifests(
    `apiVersion: guise/v1
kind: Policy
metadata: { name: p }
spec:
  rules:
    - { action: allow, direction: egress, peers: [{ cidr: 192.0.2.0/24 }] }
    - { action: deny, direction: egress, peers: [{ cidr: 198.51.100.0/24 }] }
    - { action: deny, direction: ingress, peers: [{ labels: { app: web } }] }
    - { action: deny, direction: egress, peers: [{ reputation: { below: 0.3, unrated: allow } }] }
`,
    { file: 'p' },
  )
  assert.ok(parsed.ok)
  const policy = parsed.value[0] as PolicyManifest
  const workload = (id: string, address: string, labels: Record<string, string>): WorkloadRecord => ({
    id: id as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: 'a' as AgentId,
    report: { key: id, name: id, kind: 'namespace', driver: 'netns', interface: id, addresses: [address], labels },
    assigned: null,
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: 0,
    lastSeen: 0,
    version: 1,
  })
  const talk = (of: string, direction: ConversationRecord['direction'], peerAddress: string): ConversationRecord => ({
    workload: of as WorkloadId,
    peer: peerAddress,
    port: 443,
    proto: 6,
    direction,
    start: 0,
    last: 0,
    flows: 1,
    failed: 0,
    bytesOut: 1,
    bytesIn: 1,
    service: null,
  })
  const talks = {
    policies: [policy],
    personas: [],
    workloads: [workload('w1', '10.0.0.1', { app: 'web' }), workload('w2', '10.0.0.2', {})],
    shifts: [],
    now: 1,
    conversations: [talk('w2', 'initiated', '192.0.2.9'), talk('w2', 'served', '10.0.0.1')],
    span: 'the last 24 hours',
  }
  const asked = [{ index: 0, policy }]
  assert.deepEqual(
    unusedRules(talks, asked).map(({ path, why }) => [path, why]),
    [[['spec', 'rules', 1], 'rule 2 decided no conversation of the last 24 hours']],
  )
  assert.equal(unusedRules({ ...talks, conversations: [] }, asked).length, 3)

  const known = parseManifests(
    `apiVersion: guise/v1
kind: Persona
metadata: { name: Guest }
spec: { profile: { default: { egress: allow, ingress: allow } } }
---
apiVersion: guise/v1
kind: Policy
metadata: { name: guests }
spec:
  subjects: { persona: Guest }
  rules: [{ action: deny, direction: egress, peers: [{ cidr: 192.0.2.0/24 }] }]
`,
    { file: 'guests' },
  )
  assert.ok(known.ok)
  const [guest, guests] = known.value as [PersonaManifest, PolicyManifest]
  const to = { id: 'guest' as PersonaId, name: 'Guest', version: 1 }
  const shift = {
    ...{ id: 's_1' as ShiftId, tenant: DEFAULT_TENANT, workload: 'w2' as WorkloadId, from: null, to },
    ...{ state: 'confirmed', plan: null, requestedBy: 'ann', until: null, createdAt: 0 },
  } as unknown as ShiftRecord
  const shifted = { ...talks, policies: [guests], personas: [guest], shifts: [shift] }
  const only = [{ index: 0, policy: guests }]
  assert.deepEqual(unusedRules(shifted, only), [], 'who was shifted to a persona meets the rules of its wearers')
  assert.equal(unusedRules({ ...shifted, shifts: [] }, only).length, 1)
})

test('a redirect to everyone is of one family: what the other one does is not hidden by it', () => {
  const rules = (peer: string) => `
apiVersion: guise/v1
kind: Policy
metadata: { name: p }
spec:
  rules:
    - { action: redirect, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 80 }], to: { address: 10.0.0.9 } }
    - { action: deny, direction: egress, peers: [${peer}], ports: [{ protocol: tcp, port: 80 }] }
`
  const kinds = (peer: string) => {
    const parsed = parseManifests(rules(peer), { file: 'p' })
    assert.ok(parsed.ok)
    return lintRules(parsed.value).map(({ kind }) => kind)
  }
  assert.deepEqual(kinds('{ any: true }'), [])
  assert.deepEqual(kinds('{ cidr: "2001:db8::/32" }'), [])
  assert.deepEqual(kinds('{ cidr: 192.0.2.0/24 }'), ['shadowed'])
})
