import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attributes, messages } from '../netlink/message.ts'
import { encodeBatch } from '../netlink/nft-batch.ts'
import { readRule } from './rule-text.ts'
import { readTableText } from './table-text.ts'

// That nft lists these rules in the words they came in is tested with the kernel: load.kernel.test.ts.

test('reads a rule as the pieces that the kernel keeps of it', () => {
  assert.deepEqual(readRule('meta l4proto tcp ct original proto-dst 5432-5433 counter goto d_1 comment "a b"'), {
    comment: 'a b',
    expressions: [
      { does: 'meta', key: 'l4proto' },
      { does: 'compare', how: '==', value: Uint8Array.of(6) },
      { does: 'ct', key: 'protoDst', original: true, register: 'first' },
      { does: 'compare', how: '>=', value: Uint8Array.of(21, 56) },
      { does: 'compare', how: '<=', value: Uint8Array.of(21, 57) },
      { does: 'count' },
      { does: 'decide', verdict: { act: 'goto', chain: 'd_1' } },
    ],
  })
})

test('compares whole bytes of a prefix as such, and masks the rest', () => {
  const compared = (text: string) => readRule(`ct original ip daddr ${text} accept`)?.expressions.slice(1, -1)
  assert.deepEqual(compared('10.0.0.0/8'), [{ does: 'compare', how: '==', value: Uint8Array.of(10) }])
  assert.deepEqual(compared('10.16.0.0/12'), [
    { does: 'mask', mask: Uint8Array.of(255, 240, 0, 0) },
    { does: 'compare', how: '==', value: Uint8Array.of(10, 16, 0, 0) },
  ])
})

test('says which family and protocol a header is of, once', () => {
  const pieces = readRule('udp sport 67 udp dport 68 accept')!.expressions.map(({ does }) => does)
  assert.deepEqual(pieces, ['meta', 'compare', 'payload', 'compare', 'payload', 'compare', 'decide'])
  assert.equal(
    readRule('ip6 hoplimit 255 ip6 saddr fd00::1 accept')!.expressions.filter(({ does }) => does === 'meta').length,
    1,
  )
})

const NOT_RULES = [
  '',
  'ip ttl 5 accept',
  'accept; flush ruleset',
  'accept comment "a" drop',
  'accept comment "a',
  'accept comment a',
  'jump "x"',
  'goto',
  'goto a-b',
  'iifname "w*" accept',
  'iifname @set"',
  'meta nfproto ipv5 accept',
  'ct original ip daddr fd00::1 accept',
  'ct original ip daddr 10.0.0.1/8 accept',
  'ct original ip daddr 0.0.0.0/0 accept',
  'ct original proto-dst 70000 accept',
  'ct original proto-dst 9-8 accept',
  'ct state bad,related accept',
  'limit rate 5/minute accept',
  'limit rate 5/second accept',
  'limit rate 0/second burst 5 packets accept',
  'reject with tcp reset',
  'reject',
  'log prefix "x" level info',
  'update @x { ip saddr limit rate over 7/second burst 7 packets } drop',
]
for (const line of NOT_RULES)
  test(`leaves to nft: ${line}`, () => assert.equal(readRule(line) !== null && line !== '', false))

const NOT_TABLES = [
  'table inet guise {\n  chain a {\n    accept\n}\n',
  'table inet guise {\n  chain a {\n    type nat hook forward priority 0; policy accept;\n  }\n}\n',
  'table inet guise {\n  set a {\n    type ifname : verdict\n    flags timeout\n  }\n}\n',
  'table inet guise {\n  set a {\n    type ifname\n    flags interval\n  }\n}\n',
  'table inet other {\n}\n',
  'add set inet guise a { type ifname; }\n',
  'add set inet guise a\n',
  'delete table inet other\n',
  'flush table inet guise\n',
  'delete map inet guise eg\n',
]
for (const text of NOT_TABLES)
  test(`leaves to nft: ${text.replaceAll('\n', ' ')}`, () => assert.equal(readTableText(text), null))

test('chains of a table come before its rules, which may lead to later ones', () => {
  const text = 'table inet guise {\n  chain a {\n    jump b\n  }\n  chain b {\n  }\n}\n'
  assert.deepEqual(
    readTableText(text)!.map(({ verb }) => verb),
    ['add-table', 'add-chain', 'add-chain', 'add-rule'],
  )
})

const words = fc.constantFrom(
  ...'meta nfproto l4proto ipv4 tcp iifname oifname . ct original ip ip6 daddr saddr proto-dst 53 1-9 @a & != vmap'.split(
    ' ',
  ),
  ...'10.0.0.0/8 fd00::1 255.0.0.0 limit rate over 9 /second bytes/second burst packets log prefix "p" group'.split(
    ' ',
  ),
  ...'snaplen counter reject with reset icmpx update { } accept goto c comment "x" state related direction reply'.split(
    ' ',
  ),
)

test('whatever the words, a rule is read whole or not at all, and what is read is whole messages', () => {
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), (line) => {
      const rule = readRule(line.join(' '))
      if (rule === null) return
      const { bytes } = encodeBatch('guise', [{ verb: 'add-rule', chain: 'c', rule }], 1)
      const [, message] = messages(bytes)
      let count = 0
      attributes(message!.payload, 4, (type, list) => type === 4 && attributes(list, 0, () => count++))
      assert.equal(count, rule.expressions.length)
    }),
    { numRuns: 2_000 },
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readRule(text)))
})
