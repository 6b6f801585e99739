/** Names on the map of personas never lie over each other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keptApart } from '../src/pages/personas/map-plane.ts'

const names = ['Web User', 'Data Exporter', 'Idle', 'API Consumer', 'Compromised', 'Scanner', 'Database', 'API Server']

test('names at one place go one below the other, those apart stay where they are', () => {
  const at = (text: string, x: number, y: number) => ({ text, x, y })
  const lines = [at('Web User', 100, 50), at('Data Exporter', 110, 55), at('Idle', 400, 50)]
  assert.deepEqual(keptApart(lines, 400), [at('Web User', 100, 50), at('Idle', 400, 50), at('Data Exporter', 110, 65)])
  assert.deepEqual(
    keptApart([at('Web User', 100, 390), at('Idle', 100, 392)], 400).map(({ y }) => y),
    [390, 375],
  )
})

test('wherever they are, no two overlap and none leaves the picture', () => {
  const place = fc.record({ x: fc.integer({ min: 20, max: 740 }), y: fc.integer({ min: 20, max: 396 }) })
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: names.length }), (places) => {
      const shown = keptApart(
        places.map((one, i) => ({ ...one, text: names[i]! })),
        420,
      )
      assert.equal(shown.length, places.length)
      for (const [i, a] of shown.entries()) {
        assert.ok(a.y >= 15 && a.y <= 416, `${a.text} at ${a.y}`)
        for (const b of shown.slice(0, i)) {
          const beside = Math.abs(a.x - b.x) >= (7 * (a.text.length + b.text.length)) / 2
          assert.ok(beside || Math.abs(a.y - b.y) >= 15, `${a.text} over ${b.text}`)
        }
      }
    }),
  )
})
