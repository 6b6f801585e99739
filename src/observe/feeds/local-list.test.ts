import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseList } from './local-list.ts'

test('addresses, CIDRs and scores; what does not parse is told by line, the rest counts', () => {
  const read = parseList(
    '# head\n203.0.113.7\n198.51.100.0/24, 0.2\r\n2001:db8::1 1\nexample.com\n10.0.0.1/8\n1.2.3.4 0.5 x\n1.2.3.4 7\n',
  )
  assert.deepEqual(read.entries, [
    { cidr: '203.0.113.7/32', score: null },
    { cidr: '198.51.100.0/24', score: 0.2 },
    { cidr: '2001:db8::1/128', score: 1 },
  ])
  assert.equal(read.refused, 4)
  assert.deepEqual(
    read.refusals.map((r) => r.line),
    [5, 6, 7, 8],
  )
})

test('garbage never throws and is bounded', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (text) => {
      const read = parseList(text)
      assert.ok(read.refusals.length <= 20)
    }),
  )
})
