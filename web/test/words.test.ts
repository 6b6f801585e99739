/** Pure parts of the console: numbers and times, the filter, the held order, the stacked belief, the counterfactual. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { t } from 'i18next'
import type { Hold } from '../../src/model/containment.ts'
import type { AuditRecord } from '../../src/model/records.ts'
import { buildHistory } from '../fixtures/history.ts'
import { NOON, TENANT } from '../fixtures/seed.ts'
import { buildWorld } from '../fixtures/world.ts'
import { workloadGrammar } from '../src/filter.ts'
import { ago, bytes, count, countdown, duration, plain, probability, rate, signed } from '../src/format.ts'
import { fieldTerm, matchTerms, parseTerms, toggleTerm } from '../src/grammar.ts'
import { buildStream, filterStream } from '../src/pages/activity/stream.ts'
import { words as activity } from '../src/pages/activity/words.ts'
import { findNeeds } from '../src/pages/fleet/needs.ts'
import { findChanges, numberTerms } from '../src/pages/workload/evidence.ts'
import { runs, spread, stackBelief, timeTicks } from '../src/pages/workload/stack.ts'
import { boundWords, heldAs } from '../src/parts/bound.ts'
import { hold } from '../src/parts/held-order.ts'
import { sentence, shortReason } from '../src/sentence.ts'
import { shared } from '../src/words/shared.ts'
import { addWords, initWords } from '../src/words/words.ts'

initWords()
addWords({ ...shared, ...activity })

const nb = (text: string) => text.replaceAll('\u00a0', ' ').replaceAll('\u2009', ' ')

test('numbers', () => {
  assert.deepEqual(
    [
      count(214),
      count(9_999),
      nb(count(41_220)),
      probability(0.8),
      signed(2.1),
      signed(-0.4),
      signed(0.01),
      plain(-2.6),
    ],
    ['214', '9999', '41 220', '0.80', '+2.1', '−0.4', '0.0', '−2.6'],
  )
  assert.deepEqual([bytes(0), bytes(999), bytes(4.2e9), bytes(612e6), bytes(9_960), bytes(999_999)].map(nb), [
    '0 B',
    '999 B',
    '4.2 GB',
    '612 MB',
    '10 kB',
    '1 MB',
  ])
  assert.equal(nb(rate(41e6)), '41 MB/s')
})

test('a containment is said whole: what is cut, what is bounded, and each way only where nothing is cut', () => {
  const limit = { unit: 'flows', perSecond: 1200 } as const
  const holds = [{ directions: 'none', limit }, { directions: 'egress', limit }, { directions: 'egress' }] as const
  assert.deepEqual(
    holds.map((one: Hold) => t(`profile.contained.${heldAs(one)}`, { bound: boundWords(one.limit), until: '12:00' })),
    [
      'held to 1,200 new flows a second each way until 12:00',
      'outbound dropped, inbound held to 1,200 new flows a second until 12:00',
      'outbound dropped until 12:00',
    ],
  )
})

test('times', () => {
  assert.deepEqual([38, 12_000, 22 * 60_000, 3 * 3_600_000, 9 * 86_400_000].map(duration).map(nb), [
    '38 ms',
    '12 s',
    '22 min',
    '3 h',
    '9 d',
  ])
  assert.deepEqual([ago(NOON - 4_999, NOON), nb(ago(NOON - 5_000, NOON))], ['now', '5 s'])
  assert.deepEqual(
    [countdown(NOON + 94_000, NOON), countdown(NOON + 9_001, NOON), countdown(NOON - 1, NOON)],
    ['1:34', '0:10', '0:00'],
  )
})

const world = buildWorld(NOON, 48)
const grammar = workloadGrammar((w) => w.agent.slice(2))
const found = (q: string) => {
  const terms = parseTerms(q, grammar)
  return world.workloads.filter((w) => matchTerms(terms, w, grammar)).map((w) => w.report.name)
}

test('the filter finds by every kind of term', () => {
  assert.deepEqual(found('risk>0.6'), ['etl-worker-07', 'build-runner-3'])
  assert.deepEqual(found('risk>0.6 -etl-worker'), ['build-runner-3'])
  assert.deepEqual(found('abstains'), ['build-runner-3', 'mq-edge-1'])
  assert.deepEqual(found('contained'), ['etl-worker-07'])
  assert.deepEqual(found('wears:"Data Exporter"'), ['etl-worker-07', 'backup-nightly'])
  assert.deepEqual(found('label:app=etl host:rack2'), ['etl-worker-07', 'backup-nightly'])
  assert.deepEqual(found('evidence:beacon'), ['etl-worker-07'])
  assert.equal(found('10.20.0.17').includes('etl-worker-07'), true)
  assert.deepEqual(found('nobody-is-called-this'), [])
})

test('what the filter does not understand is named, not dropped in silence', () => {
  const [term] = parseTerms('drift>60', grammar)
  assert.equal(term?.kind, 'unknown')
  assert.equal(parseTerms('risk>', grammar)[0]?.kind, 'unknown')
})

test('the filter never throws, whatever is typed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const terms = parseTerms(text, grammar)
      for (const w of world.workloads) matchTerms(terms, w, grammar)
    }),
  )
})

test('a click on a name adds its term, a second one takes it away', () => {
  const term = fieldTerm('persona', 'Web User')
  assert.equal(term, 'persona:"Web User"')
  assert.equal(toggleTerm('risk>0.4', term), 'risk>0.4 persona:"Web User"')
  assert.equal(toggleTerm(toggleTerm('risk>0.4', term), term), 'risk>0.4')
})

test('a held order keeps its rows, counts those that would move and those that are new', () => {
  const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id }))
  const wanted = ['d', 'a', 'b', 'c', 'e'].map((id) => ({ id }))
  const held = hold(wanted, ['a', 'b', 'c', 'd'])
  assert.deepEqual(held.rows, rows)
  assert.deepEqual([held.wouldMove, held.fresh], [1, 1])
  assert.deepEqual(
    hold(rows.slice(1), ['a', 'b', 'c', 'd']).rows.map((r) => r.id),
    ['b', 'c', 'd'],
    'gone rows leave',
  )
})

test('belief bands fill 0 to 1 without overlap, worn at the bottom, alarming on top', () => {
  const w = world.workloads[0]!
  const points = buildHistory(w, NOON - 3 * 3_600_000, NOON).filter((point) => point.belief !== null)
  const bands = stackBelief(points, w.worn!.name)
  assert.deepEqual(
    bands.map((b) => b.name),
    ['Data Exporter', 'Idle', 'unknown', 'Compromised'],
  )
  for (let i = 0; i < points.length; i++) {
    let edge = 0
    for (const band of bands) {
      const [low, high] = band.edges[i]!
      assert.ok(Math.abs(low - edge) < 1e-9 && high >= low)
      edge = high
    }
    assert.ok(Math.abs(edge - 1) < 1e-6, `point ${i} ends at ${edge}`)
  }
})

test('a missing stretch stays a gap', () => {
  const points = [0, 1, 2, 9, 10, 11].map((at) => ({
    at: at * 30_000,
    bytesOut: 0,
    bytesIn: 0,
    belief: null,
    risk: 0.1,
  }))
  assert.deepEqual(runs(points), [
    [0, 2],
    [3, 5],
  ])
})

test('labels keep their distance and stay inside', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 10, max: 130 }), { minLength: 1, maxLength: 7 }), (wanted) => {
      const sorted = [...wanted].sort((a, b) => a - b)
      const placed = spread(sorted, 15, 10, 134)
      for (let i = 1; i < placed.length; i++) assert.ok(placed[i]! - placed[i - 1]! >= 15 - 1e-9)
      assert.ok(placed[0]! >= 10 && placed.at(-1)! <= 134)
    }),
  )
})

test('ticks are round and inside', () => {
  const ticks = timeTicks(NOON - 3 * 3_600_000, NOON, 7)
  assert.ok(ticks.length >= 3 && ticks.length <= 7)
  for (const at of ticks) assert.equal(at % (30 * 60_000), 0)
})

test('evidence is numbered by time and listed by weight; the counterfactual is the sum without one term', () => {
  const { risk } = world.workloads[0]!
  const terms = numberTerms(risk)
  assert.deepEqual(
    terms.map((term) => [term.n, term.evidence.kind]),
    [
      [2, 'beacon'],
      [3, 'exfiltration'],
      [1, 'belief'],
      [null, 'manual'],
    ],
  )
  const changes = findChanges(risk!, terms, [0.4, 0.7])
  assert.deepEqual(
    changes.map((c) => [c.without.evidence.kind, probability(c.risk)]),
    [
      ['exfiltration', '0.43'],
      ['beacon', '0.38'],
    ],
  )
})

test('what needs a person: the plan that runs out first, then what nothing holds', () => {
  const seen = { workloads: world.workloads, plans: world.plans, agents: world.agents, sources: [] }
  const needs = findNeeds(seen, NOON)
  assert.deepEqual(
    needs.map((n) => n.kind),
    ['confirm'],
  )
  assert.equal(needs[0]?.kind === 'confirm' && needs[0].deadline, NOON + 94_000)
  const loose = world.workloads.map((w) => ({ ...w, containedUntil: null }))
  assert.equal(findNeeds({ ...seen, workloads: loose, plans: [] }, NOON)[0]?.kind, 'danger')
  assert.equal(findNeeds({ ...seen, workloads: [], plans: [] }, NOON + 60_000)[0]?.kind, 'silent')
})

test('activity: steps of a plan are under Audit only, what many workloads do at once is one line', async () => {
  const base = { tenant: TENANT, hash: 'h' }
  const row = (n: number, action: string, object: string, summary: string, actor = 'guise') =>
    ({ ...base, n, at: NOON - n * 1_000, action, object, summary, actor }) as unknown as AuditRecord
  const entries = buildStream(
    [],
    [],
    [],
    [
      row(1, 'plan.applying', 'p_1', 'sent to its agents'),
      row(2, 'persona.declared', 'w_1', 'web1 declares Web User', 'agent:lab'),
      row(3, 'persona.declared', 'w_2', 'db1 declares Database', 'agent:lab'),
      row(4, 'session.open', 'cli', 'signed in as admin', 'session:cli'),
      row(5, 'session.open', 'cli', 'signed in as admin', 'session:cli'),
    ],
  )
  const titles = (kind: 'audit' | null) => filterStream(entries, kind, '').map((entry) => entry.title)
  const calm = [
    '2 workloads declare a persona: web1 declares Web User, db1 declares Database',
    'Signed in as admin (2×)',
  ]
  assert.deepEqual(titles(null), calm)
  assert.deepEqual(titles('audit'), ['Sent to its agents', ...calm])
})

test('reasons: short where a row has no room, whole sentences elsewhere', () => {
  const rule = "risk 0.80 meets Standard User's rule `risk >= 0.7`: sent 19.8 MB to 203.0.113.66 within 10 s"
  assert.equal(shortReason(rule), "Risk 0.80 meets Standard User's rule risk ≥ 0.7")
  assert.equal(shortReason('persona API Server rule 3: allow egress to Database'), 'Persona API Server rule 3')
  assert.equal(sentence('names can always be looked up'), 'Names can always be looked up.')
})
