import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FEATURES } from './features.ts'
import { fitModel, type Sequence, scoreModel } from './fit.ts'
import { type Random, seeded } from './random.ts'

/** Three personas that differ in two features; the rest is noise, and some of it is not known. */
function made(random: Random, hosts: number, run: string): Sequence[] {
  return ['Database', 'Web User', 'Scanner'].flatMap((persona, k) =>
    Array.from({ length: hosts }, () => ({
      persona,
      run,
      windows: Array.from({ length: 12 }, (_, w) => ({
        at: (w + 1) * 30_000,
        seen: {
          kind: 'active' as const,
          trust: 1,
          x: Float64Array.from(FEATURES, (_, f) =>
            f === 2 ? k + random() * 0.8 : f === 5 ? (random() < 0.2 ? Number.NaN : -k + random()) : random(),
          ),
        },
      })),
    })),
  )
}

const data = (seed: number) => {
  const random = seeded(seed)
  return { fitting: made(random, 6, 'a'), calibrating: made(random, 3, 'b') }
}
const settings = { seed: 3, id: 'test', provenance: {} }

test('the same rows and seed give the same model bit for bit; another seed does not', () => {
  const once = JSON.stringify(fitModel(data(1), settings))
  assert.equal(JSON.stringify(fitModel(data(1), settings)), once)
  assert.notEqual(JSON.stringify(fitModel(data(1), { ...settings, seed: 4 })), once)
})

test('it learns what can be learnt and says so on hosts it has not seen', () => {
  const model = fitModel(data(1), settings)
  const score = scoreModel(model, made(seeded(99), 5, 'c'))
  assert.ok(score.hostsRight >= 0.9, JSON.stringify(score))
  assert.equal(score.hostsConfidentWrong, 0)
})

test('a host unlike everything learnt becomes unknown', () => {
  const model = fitModel(data(1), settings)
  const [strange] = made(seeded(5), 1, 'd')
  const odd: Sequence = {
    ...strange!,
    windows: strange!.windows.map(({ at }) => ({
      at,
      seen: { kind: 'active', trust: 1, x: Float64Array.from(FEATURES, (_, f) => (f % 2 ? 40 : -40)) },
    })),
  }
  assert.equal(scoreModel(model, [odd]).confident, 0)
})
