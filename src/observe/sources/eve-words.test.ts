import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createWords } from './eve-words.ts'

test('any word, at any place of any chunk, is what was made of it', () => {
  const words = createWords(4, (text) => `<${text}>`)
  const word = fc.oneof(
    fc.string({ maxLength: 70, unit: 'binary-ascii' }),
    fc.constantFrom('', 'a', 'abcd', 'abcde', '\0', '\0\0'),
  )
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (line) => {
      const bytes = Buffer.from(line.join(''), 'latin1')
      let at = 0
      for (const one of line) {
        assert.equal(words.of(bytes, at, at + one.length), `<${one}>`)
        at += one.length
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what was made once is given again', () => {
  let made = 0
  const words = createWords(64, () => ++made)
  const bytes = Buffer.from('flow dns flow')
  const [first, , last] = [words.of(bytes, 0, 4), words.of(bytes, 5, 8), words.of(bytes, 9, 13)]
  assert.equal(first, last)
  assert.equal(made, 3)
})
