import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attributes, messages } from '../netlink/message.ts'
import { encodeBatch } from '../netlink/nft-batch.ts'
import { readTableText } from './table-text.ts'

test('reads what compile writes, key by key', () => {
  assert.deepEqual(
    readTableText(
      'flush map inet guise eg_pending\nadd element inet guise eg { "w1" timeout 5ms : goto e_1, "w2" : goto e_2 }\ndelete element inet guise source4 { "w1" . 10.0.0.1 }\n',
    ),
    [
      { verb: 'flush', set: 'eg_pending' },
      {
        verb: 'add',
        set: 'eg',
        elements: {
          count: 2,
          keyBytes: 16,
          keys: Uint8Array.from(Buffer.from(`${'w1'.padEnd(16, '\0')}${'w2'.padEnd(16, '\0')}`)),
          timeoutsMs: [5],
          verdicts: [
            { act: 'goto', chain: 'e_1' },
            { act: 'goto', chain: 'e_2' },
          ],
        },
      },
      {
        verb: 'delete',
        set: 'source4',
        elements: {
          count: 1,
          keyBytes: 20,
          keys: Uint8Array.from([...Buffer.from('w1'.padEnd(16, '\0')), 10, 0, 0, 1]),
          timeoutsMs: [],
          verdicts: null,
        },
      },
    ],
  )
})

const NOT_ELEMENTS = [
  'add element inet other eg { "w" : goto a }',
  'add element inet guise unknown { 1 }',
  'add element inet guise ours { w1 }',
  'add element inet guise ours { "w1" : goto a }',
  'add element inet guise eg { "w1" }',
  'add element inet guise eg { "w*" : goto a }',
  'add element inet guise eg { "w1" : accept }',
  'add element inet guise eg { "w1" timeout 0ms : goto a }',
  'add element inet guise source4 { "w1" . fd00::1 }',
  'add element inet guise reflex_host4 { 10.0.0.0/8 }',
  'add element inet guise ours { "w1", }',
  'add element inet guise ours { }',
  'flush set inet guise ours; delete table inet guise',
  'flush ruleset',
]
for (const line of NOT_ELEMENTS)
  test(`leaves to nft: ${line}`, () => {
    assert.equal(readTableText(`flush map inet guise eg\n${line}\n`), null)
  })

test('a batch is whole messages whose elements are all there, however many', () => {
  const size = fc.integer({ min: 1, max: 3_000 })
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 3 }), (sizes) => {
      const text = sizes.map((n, i) => {
        const elements = Array.from({ length: n }, (_, at) => `"w${i}_${at}" : goto e_${at % 7}`)
        return `add element inet guise eg { ${elements.join(', ')} }\n`
      })
      const { bytes, names } = encodeBatch('guise', readTableText(text.join(''))!, 7)
      const found = messages(bytes)
      assert.equal(found.length, names.length + 2)
      assert.equal(
        found.reduce((sum, message) => sum + message.payload.length + 16, 0),
        bytes.length,
      )
      let elements = 0
      for (const message of found.slice(1, -1))
        attributes(message.payload, 4, (type, list) => type === 3 && attributes(list, 0, () => elements++))
      assert.equal(
        elements,
        sizes.reduce((sum, n) => sum + n, 0),
      )
    }),
    { numRuns: 20 },
  )
})

test('garbage is left to nft', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      const read = readTableText(`add element inet guise eg { ${text} }`)
      assert.ok(read === null || read.length === 1)
    }),
  )
})
