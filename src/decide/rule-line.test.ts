import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PolicyRule } from '../model/policy.ts'
import { parseRuleLine, printRuleLine } from './rule-line.ts'

const value = (line: string) => {
  const parsed = parseRuleLine(line)
  assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.where}: ${parsed.why}`)
  return parsed.value
}

test('rules as people type them', () => {
  assert.deepEqual(value('allow tcp 443 out to 10.0.0.0/8'), {
    action: 'allow',
    direction: 'egress',
    peers: [{ cidr: '10.0.0.0/8' }],
    ports: [{ protocol: 'tcp', port: 443 }],
  })
  assert.deepEqual(value('deny any in from 0.0.0.0/0'), {
    action: 'deny',
    direction: 'ingress',
    peers: [{ cidr: '0.0.0.0/0' }],
  })
  assert.deepEqual(value('allow icmp out to any').peers, [{ any: true }])
  assert.deepEqual(value('  allow tcp 8000-8080,udp  in from persona "API Server", label app=shop and tier="a b" '), {
    action: 'allow',
    direction: 'ingress',
    peers: [{ persona: 'API Server' }, { labels: { app: 'shop', tier: 'a b' } }],
    ports: [{ protocol: 'tcp', port: 8000, to: 8080 }, { protocol: 'udp' }],
  })
  assert.deepEqual(value('deny any out to reputation below 0.3 unrated allow as "bad names"'), {
    action: 'deny',
    direction: 'egress',
    peers: [{ reputation: { below: 0.3, unrated: 'allow' } }],
    description: 'bad names',
  })
})

test('what is no rule is told by column, with its cure', () => {
  const told = (line: string) => {
    const parsed = parseRuleLine(line)
    return parsed.ok ? 'ok' : `${parsed.column}: ${parsed.why}`
  }
  assert.deepEqual(
    [
      '',
      'permit tcp out to any',
      'allow tcp 70000 out to any',
      'allow tcp 90-80 out to any',
      'allow tcp 443 in to any',
      'allow tcp 443 out to 10.1.2.3/8',
      'allow tcp 443 out to',
      'allow any out to any any',
      'allow any out to persona "x',
      'allow icmp type 256 out to any',
    ].map(told),
    [
      '1: the rule ends here where allow, deny, reject or pass is expected',
      '1: "permit" is here where allow, deny, reject or pass is expected',
      '11: "70000" is no port',
      '11: the range 90-80 runs backwards',
      '18: "to" is here where from is expected',
      '22: "10.1.2.3/8" is no peer',
      '21: the rule ends where a peer is expected',
      '22: "any" is after the end of the rule',
      '26: a quote is not closed',
      '17: an icmp type is 256',
    ],
  )
})

const text = fc.string({ minLength: 1, maxLength: 63, unit: 'grapheme' }).filter((one) => one.length <= 63)
const cidr = fc.constantFrom('10.0.0.0/8', '192.0.2.7', '::/0', 'fd00::/8', '0.0.0.0/0')
const port = fc.integer({ min: 1, max: 65535 })
/** Without the null prototypes fast-check likes to give. */
const plain = (one: PolicyRule): unknown => JSON.parse(JSON.stringify(one))
const rule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    action: fc.constantFrom('allow' as const, 'deny' as const, 'reject' as const, 'pass' as const),
    direction: fc.constantFrom('egress' as const, 'ingress' as const),
    peers: fc.array(
      fc.oneof(
        fc.constant({ any: true as const }),
        fc.record({ cidr, except: fc.array(cidr, { minLength: 1, maxLength: 3 }) }, { requiredKeys: ['cidr'] }),
        text.map((persona) => ({ persona })),
        fc
          .uniqueArray(
            fc.tuple(
              text.filter((key) => key !== '__proto__'),
              text,
            ),
            { minLength: 1, maxLength: 3, selector: ([key]) => key },
          )
          .map((labels) => ({ labels: Object.fromEntries(labels) })),
        fc
          .record({
            below: fc.double({ min: 0.001, max: 1, noNaN: true }),
            unrated: fc.constantFrom('allow' as const, 'deny' as const),
          })
          .map((reputation) => ({ reputation })),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    ports: fc.array(
      fc.oneof(
        fc.constantFrom(
          { protocol: 'tcp' as const },
          { protocol: 'udp' as const },
          { protocol: 'icmp' as const },
          { protocol: 'sctp' as const },
          { protocol: 'icmp6' as const },
        ),
        fc.integer({ min: 0, max: 255 }).map((type) => ({ protocol: 'icmp' as const, type })),
        port.map((one) => ({ protocol: 'udp' as const, port: one })),
        fc.tuple(port, port).map(([a, b]) => ({ protocol: 'tcp' as const, port: Math.min(a, b), to: Math.max(a, b) })),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    description: text,
  },
  { requiredKeys: ['action', 'direction', 'peers'] },
)

test('what is printed is read back as it was; garbage is refused, never thrown on', () => {
  fc.assert(
    fc.property(rule, (one) => assert.deepEqual(value(printRuleLine(one)!), plain(one))),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (line) => assert.equal(parseRuleLine(line).ok, false)),
  )
  fc.assert(
    fc.property(rule, fc.nat(200), (one, at) => {
      parseRuleLine(printRuleLine(one)!.slice(0, at))
    }),
  )
})
