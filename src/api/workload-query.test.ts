/** The filter language says what it means, and garbage is refused or looked for, never thrown at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { reportOf } from '../../test/api.ts'
import type { WorkloadRecord } from '../model/records.ts'
import { parseWorkloadQuery, workloadOrder } from './workload-query.ts'

const record = (more: object = {}): WorkloadRecord =>
  ({
    id: 'w_1',
    agent: 'host-a',
    report: reportOf('db-1'),
    assigned: null,
    worn: { id: 'database', name: 'Database', version: 1 },
    belief: { believed: null, personas: [], unknown: 1 },
    risk: { value: 0.4 },
    rate: { out: 1, in: 1 },
    lastSeen: 1,
    ...more,
  }) as unknown as WorkloadRecord

const matches = (q: string, w = record()) => {
  const parsed = parseWorkloadQuery(q)
  return parsed.ok ? parsed.value(w) : parsed.code
}

test('each word of the language', () => {
  const rows: [string, boolean | string][] = [
    ['', true],
    ['persona:"Standard User"', true],
    ['persona:database', false],
    ['wears:database', true],
    ['wears:Database abstains', true],
    ['label:app=shop', true],
    ['label:app=', false],
    ['label:app', 'bad-filter'],
    ['risk>0.4', false],
    ['risk>=0.4', true],
    ['risk<0.5 risk>0.3', true],
    ['risk>x', 'bad-filter'],
    ['risk>', 'bad-filter'],
    ['persona:', 'bad-filter'],
    ['host:HOST-A', true],
    ['10.0.0', true],
    ['DB', true],
    ['nothing', false],
  ]
  for (const [q, expected] of rows) assert.equal(matches(q), expected, q)
  assert.equal(matches('persona:Scanner', record({ belief: { believed: 'Scanner' } })), true)
  assert.equal(
    matches('persona:Scanner', record({ belief: { believed: 'Scanner' }, assigned: { name: 'Database' } })),
    false,
  )
})

test('anything may be typed', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (q) =>
      ['boolean', 'string'].includes(typeof matches(q)),
    ),
  )
  assert.equal(matches('x '.repeat(21)), 'bad-filter')
})

test('an order is total, so pages do not overlap', () => {
  const order = workloadOrder('-risk')!
  const same = [record({ id: 'w_2' }), record({ id: 'w_1' }), record({ id: 'w_3', risk: { value: 0.9 } })]
  assert.deepEqual(
    same.sort(order).map((w) => w.id),
    ['w_3', 'w_1', 'w_2'],
  )
  assert.equal(workloadOrder('__proto__'), null)
})
