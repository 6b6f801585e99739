import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLeases } from './leases.ts'

test('reads names as dnsmasq writes them, and nothing from lines that are none', () => {
  const names = readLeases(
    [
      '1700000000 02:00:00:AB:cd:01 10.0.0.5 phone 01:02:00:00:ab:cd:01',
      '1700000000 02:00:00:ab:cd:02 10.0.0.6 * *',
      'duid 00:01:00:01:2c',
      '1700000000 1234 fd00::5 printer 00:01',
      '1700000000 02:00:00:ab:cd:03 10.0.0.7 \u001b[2J\u202Egnp *',
      '',
    ].join('\n'),
  )
  assert.deepEqual(
    [...names],
    [
      ['02:00:00:ab:cd:01', 'phone'],
      ['02:00:00:ab:cd:03', '[2J gnp'],
    ],
  )
})

test('whatever is in the file, names are short and printable', () => {
  const line = fc.tuple(fc.string(), fc.string({ unit: 'binary', maxLength: 300 }))
  fc.assert(
    fc.property(fc.array(line), fc.string(), (lines, rest) => {
      const text = lines.map(([a, b]) => `${a} 02:00:00:00:00:01 x ${b} *`).join('\n') + rest
      for (const name of readLeases(text).values()) assert.match(name, /^[^\p{Cc}]{1,63}$/u)
    }),
  )
})
