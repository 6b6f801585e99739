import assert from 'node:assert/strict'
import { test } from 'node:test'
import { personaOf, segmentOf, segmentsOf } from './segment.ts'

const who = (labels: Record<string, string>, persona: string | null, kind = 'namespace') => ({ labels, persona, kind })

test('a label wins, in the order segment, zone, tier; its column is that of the word, else of the persona', () => {
  assert.deepEqual(segmentOf(who({ tier: 'db', zone: 'Payments', app: 'x' }, 'Database')), {
    id: 'payments',
    name: 'Payments',
    column: 3,
  })
  assert.equal(segmentOf(who({ tier: 'db' }, 'Web User')).column, 3)
  assert.equal(segmentOf(who({ tier: 'web' }, 'API Server')).column, 1)
  assert.equal(segmentOf(who({ segment: 'outside' }, 'Database')).id, 'data')
  assert.equal(segmentOf(who({ segment: '…' }, null)).id, 'not-placed')
})

test('without a label the persona places it, in the order in which work flows', () => {
  const places = [
    'Web User',
    'API Gateway',
    'API Server',
    'Database',
    'Data Exporter',
    'DNS Resolver',
    'Build Runner',
    'Data Analyst',
  ]
  assert.deepEqual(
    places.map((persona) => segmentOf(who({}, persona)).id),
    ['clients', 'edge', 'services', 'data', 'data', 'edge', 'services', 'clients'],
  )
  assert.equal(segmentOf(who({}, null, 'device')).id, 'clients')
  assert.equal(segmentOf(who({}, 'Compromised')).id, 'not-placed')
})

test('assigned, else worn unless it is the default, else believed', () => {
  assert.equal(personaOf({ assigned: 'Database', worn: 'Idle', believed: 'Scanner' }), 'Database')
  assert.equal(personaOf({ assigned: null, worn: 'Standard User', believed: 'API Server' }), 'API Server')
  assert.equal(personaOf({ assigned: null, worn: 'Idle', believed: 'API Server' }), 'Idle')
  assert.equal(personaOf({ assigned: null, worn: 'Standard User', believed: null }), null)
})

test('a segment stands where most of its members point, and the smallest of too many are one', () => {
  const shop = ['API Server', 'API Consumer', 'Database'].map((persona) => who({ segment: 'shopping' }, persona))
  assert.deepEqual([...new Set(segmentsOf(shop).map((segment) => segment.column))], [2])
  const many = Array.from({ length: 60 }, (_, i) => who({ segment: `zone ${i % 40}` }, null))
  const ids = new Set(segmentsOf(many).map((segment) => segment.id))
  assert.equal(ids.size, 25)
  assert.ok(ids.has('other-segments'))
})
