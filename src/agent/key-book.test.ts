import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKeyBook } from './key-book.ts'

test('who went is known for a while, and whoever comes and goes leaves nothing', () => {
  const book = createKeyBook()
  const stays = ['w_0', 'stays'] as const
  for (let n = 1; n <= 5_000; n++) {
    book.set([stays, [`w_${n}`, `c${n}`]], n * 1_000)
    assert.equal(book.keyOf(`w_${Math.max(1, n - 500)}`), `c${Math.max(1, n - 500)}`)
  }
  assert.ok(book.size <= 605, `${book.size}`)
  assert.equal(book.keyOf('w_1'), 'w_1')
  assert.equal(book.keyOf('w_0'), 'stays')
})

test('who comes back is here again, however long it was gone', () => {
  const book = createKeyBook()
  book.set([['w', 'a']], 0)
  book.set([], 1)
  book.set([['w', 'a']], 2)
  book.set([['w', 'a']], 10_000_000)
  assert.equal(book.keyOf('w'), 'a')
})
