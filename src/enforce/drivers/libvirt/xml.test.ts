/** Whatever libvirt is made to say: the whole of it, or `BadXml`, and nothing between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BadXml, type Element, readXml, writeXml } from './xml.ts'

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.:-]{0,9}$/)
const text = fc.string({ maxLength: 20 }).filter((one) => one.trim() === one)
const plain = { noNullPrototype: true } as const
const { element } = fc.letrec<{ element: Element }>((tie) => ({
  element: fc.oneof(
    { maxDepth: 4 },
    fc.record({ name, attributes: worn(), children: fc.constant([]), text }, plain),
    fc.record(
      {
        name,
        attributes: worn(),
        children: fc.array(tie('element') as fc.Arbitrary<Element>, { minLength: 1, maxLength: 4 }),
        text: fc.constant(''),
      },
      plain,
    ),
  ) as fc.Arbitrary<Element>,
}))

function worn(): fc.Arbitrary<Map<string, string>> {
  return fc.array(fc.tuple(name, fc.string({ maxLength: 12 })), { maxLength: 4 }).map((pairs) => new Map(pairs))
}

test('what is written is read again as it was, one document after another', () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 3 }), (documents) => {
      assert.deepEqual(readXml(documents.map(writeXml).join('\n')), documents)
    }),
  )
})

test('a document that ends early is none at all', () => {
  fc.assert(
    fc.property(element, fc.nat(), (document, at) => {
      const whole = writeXml(document)
      const cut = whole.slice(0, 1 + (at % (whole.length - 1)))
      assert.throws(() => readXml(cut), BadXml)
    }),
  )
})

test('garbage, and a byte of it anywhere, is read as something whole or is BadXml', () => {
  const tried = (one: string) => {
    try {
      readXml(one)
    } catch (error) {
      assert.ok(error instanceof BadXml, String(error))
    }
  }
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'<>&/="\' abx!-?[];#0'), maxLength: 60 }), tried))
  fc.assert(
    fc.property(element, fc.nat(), fc.string({ minLength: 1, maxLength: 2 }), (document, at, put) => {
      const whole = writeXml(document)
      const from = at % whole.length
      tried(whole.slice(0, from) + put + whole.slice(from + 1))
    }),
  )
})

test('what libvirt never writes is refused, not skipped', () => {
  const refused = {
    '<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>': /not understood at 0/,
    '<?xml version="1.0"?><d/>': /not understood at 0/,
    '<d><![CDATA[x]]></d>': /not understood at 3/,
    '<d a="1" a="2"/>': /attribute a stands twice/,
    '<d>&unknown;</d>': /&unknown; is no entity/,
    '<d>&#0;</d>': /is no entity/,
    '<d>&#xD800;</d>': /is no entity/,
    '<a></b>': /<\/b> at 3 closes nothing/,
    '<a/></a>': /closes nothing/,
    'words <a/>': /text outside/,
    '<!-- <a> -- --><a/>': /not understood/,
  }
  for (const [text, why] of Object.entries(refused)) assert.throws(() => readXml(text), why, text)
  assert.throws(() => readXml('<a>'.repeat(100)), /deeper than 64/)
})

test('a long row of blanks or quotes costs no more than its length', () => {
  const began = performance.now()
  for (const text of [
    `<a ${' '.repeat(200_000)}`,
    `<a b="${'x'.repeat(200_000)}`,
    `<!--${'-'.repeat(200_000)}`,
    '&'.repeat(200_000),
  ])
    assert.throws(() => readXml(text), BadXml)
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`)
})
