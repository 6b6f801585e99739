import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Belief } from '../model/belief.ts'
import { EVIDENCE_KINDS, type Evidence } from '../model/evidence.ts'
import type { PersonaManifest } from '../model/manifest.ts'
import { ALARMING, alarmingAmong, beliefEvidence, riskOf } from './risk.ts'

const T = 1_700_000_000_000
const evidence = (over: Partial<Evidence> = {}): Evidence => ({
  kind: 'beacon',
  subject: 'a',
  peer: '203.0.113.7',
  weight: 3,
  halfLifeMs: 3_600_000,
  at: T,
  authenticated: true,
  source: 'test',
  why: 'because',
  figures: {},
  ...over,
})

test('nothing known is a small risk; the sum can be written out', () => {
  assert.ok(Math.abs(riskOf([], T).value - 0.069) < 0.001)
  const risk = riskOf([evidence(), evidence({ kind: 'blocklist', weight: 1 })], T)
  assert.equal(risk.sum, risk.base + risk.terms.reduce((sum, term) => sum + term.logOdds, 0))
  assert.equal(risk.value, 1 / (1 + Math.exp(-risk.sum)))
})

test('evidence fades by its half-life', () => {
  const [term] = riskOf([evidence()], T + 3_600_000).terms
  assert.deepEqual([term?.decayed, term?.logOdds], [0.5, 1.5])
  assert.equal(riskOf([evidence()], T + 100 * 3_600_000).terms.length, 0)
})

test('the same kind and peer counts once, by what counts most now', () => {
  const repeated = Array.from({ length: 50 }, (_, i) => evidence({ weight: 1 + i / 50, at: T - i }))
  assert.equal(riskOf(repeated, T).terms.length, 1)
  const old = evidence({ weight: 4, at: T - 4 * 3_600_000 })
  assert.equal(riskOf([old, evidence({ weight: 1 })], T).terms[0]?.logOdds, 1)
})

const anyEvidence = fc.record({
  kind: fc.constantFrom(...EVIDENCE_KINDS),
  peer: fc.option(fc.ipV4()),
  weight: fc.double({ min: 0, max: 10, noNaN: true }),
  at: fc.integer({ min: T - 1e7, max: T }),
})

test('what could be forged never reaches 0.7 alone, however much of it there is', () => {
  fc.assert(
    fc.property(fc.array(anyEvidence, { maxLength: 40 }), (many) => {
      const forged = many.map((one) => evidence({ ...one, authenticated: false }))
      assert.ok(riskOf(forged, T).value < 0.7)
    }),
  )
})

test('forged evidence never hides authenticated evidence', () => {
  fc.assert(
    fc.property(fc.array(anyEvidence, { maxLength: 10 }), (many) => {
      const real = evidence({ weight: 6 })
      const forged = many.map((one) => evidence({ ...one, authenticated: false }))
      assert.ok(riskOf([...forged, real], T).value >= riskOf([real], T).value - 1e-9)
    }),
  )
})

test('an alarming belief adds a little, an abstaining or harmless one nothing', () => {
  const belief = (believed: string | null, p: number): Belief => ({
    at: T,
    personas: [{ persona: 'Scanner', p }],
    unknown: 1 - p,
    believed,
    because: [],
    model: 'm',
    features: 'f',
  })
  assert.equal(beliefEvidence(belief(null, 0.7), ALARMING, T, 'a'), null)
  assert.equal(beliefEvidence(belief('Database', 0.9), ALARMING, T, 'a'), null)
  const sure = beliefEvidence(belief('Scanner', 1), ALARMING, T, 'a')
  assert.equal(sure?.weight, 2)
  assert.ok(riskOf([sure!], T).value < 0.4)
})

test('a persona alarms as its manifest says, by its name and by the class it is recognised by', () => {
  const persona = (name: string, spec: PersonaManifest['spec']): PersonaManifest => ({
    apiVersion: 'guise/v1',
    kind: 'Persona',
    metadata: { name },
    spec,
  })
  const among = (...manifests: PersonaManifest[]) => [...alarmingAmong(manifests)].sort()
  const camera = persona('Camera', { alarming: true })
  assert.deepEqual(among(camera, persona('Database', {})), ['camera', 'compromised', 'scanner'])
  assert.deepEqual(among(persona('Port Mapper', { recognisedAs: 'Scanner', alarming: false })), ['compromised'])
  const both = [persona('Scanner', { alarming: true }), persona('Mapper', { recognisedAs: 'Scanner', alarming: false })]
  assert.deepEqual(among(...both), ['compromised', 'scanner'])
  const belief: Belief = {
    ...{ at: T, personas: [{ persona: 'Camera', p: 0.95 }], unknown: 0.05, believed: 'Camera' },
    ...{ because: [], model: 'm', features: 'f' },
  }
  assert.equal(beliefEvidence(belief, ALARMING, T, 'a'), null)
  assert.equal(beliefEvidence(belief, alarmingAmong([camera]), T, 'a')?.why, 'behaves like Camera (p 0.95)')
})
