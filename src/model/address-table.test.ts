import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAddressTable } from './address-table.ts'

const words = fc.tuple(
  fc.constantFrom(0, 0x20010db8),
  fc.constantFrom(0, 1),
  fc.constantFrom(0xffff, 0),
  fc.integer({ min: 0, max: 400 }),
)

test('numbers addresses as a map of strings would, also after forgetting some', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(words, fc.boolean()), { maxLength: 600 }), (steps) => {
      const table = createAddressTable(10_000)
      const known = new Map<string, number>()
      for (const [address, forget] of steps) {
        const key = address.join()
        if (forget && known.has(key)) {
          const gone = known.get(key)
          table.sweep((id) => id !== gone)
          known.delete(key)
          assert.equal(table.find(address, 0), -1)
        } else {
          const id = table.intern(address, 0)
          assert.equal(id, known.get(key) ?? id)
          known.set(key, id)
        }
        assert.equal(table.size, known.size)
      }
      assert.equal(new Set(known.values()).size, known.size, 'no number twice')
      for (const [key, id] of known) {
        const out = new Uint32Array(4)
        assert.ok(table.read(id, out, 0))
        assert.equal(out.join(), key)
      }
    }),
  )
})

test('full is full, and counted', () => {
  const table = createAddressTable(3)
  const ids = [1, 2, 3, 4, 1].map((last) => table.intern([0, 0, 0xffff, last], 0))
  assert.deepEqual(ids, [0, 1, 2, -1, 0])
  assert.equal(table.refused, 1)
})
