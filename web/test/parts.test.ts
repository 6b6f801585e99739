/** Pure parts that pages share: order, the window of a long table, files to take away, filters with a name, suggestions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Grammar, suggest } from '../src/grammar.ts'
import { type Column, parseSort, sortRows } from '../src/parts/columns.ts'
import { fileName, toCsv, toJson } from '../src/parts/export.ts'
import { dropSaved, keepSaved, questionOf, readSaved } from '../src/parts/saved.ts'
import { rangeAt } from '../src/parts/window.ts'

type Host = { readonly id: string; readonly name: string; readonly load: number | null }
const COLUMNS: readonly Column<Host>[] = [
  { name: 'name', title: 'Name', cell: (h) => h.name, value: (h) => h.name },
  { name: 'load', title: 'Load', cell: (h) => h.load, value: (h) => h.load },
  { name: 'picture', title: 'Picture', cell: () => null },
]
const host = (id: string, name: string, load: number | null): Host => ({ id, name, load })

test('rows are sorted as a person counts, unknown values last both ways', () => {
  const rows = [host('1', 'web-10', 3), host('2', 'Web-2', null), host('3', 'api', 1)]
  const names = (sort: string) => sortRows(rows, COLUMNS, parseSort(sort, COLUMNS, 'name')).map((row) => row.name)
  assert.deepEqual(names('name'), ['api', 'Web-2', 'web-10'])
  assert.deepEqual(names('-name'), ['web-10', 'Web-2', 'api'])
  assert.deepEqual(names('load'), ['api', 'web-10', 'Web-2'])
  assert.deepEqual(names('-load'), ['web-10', 'api', 'Web-2'])
  assert.deepEqual(names('picture'), names('name'), 'what has no value is not sorted by')
})

test('the order is total: the same rows in another order come out the same', () => {
  const load = fc.option(fc.integer({ min: 0, max: 3 }))
  const rows = fc.uniqueArray(fc.record({ id: fc.string(), name: fc.string({ maxLength: 2 }), load }), {
    selector: (row) => row.id,
  })
  fc.assert(
    fc.property(rows, fc.constantFrom('name', '-name', 'load', '-load'), (all, by) => {
      const sort = parseSort(by, COLUMNS, 'name')
      const ids = (list: readonly Host[]) => sortRows(list, COLUMNS, sort).map((row) => row.id)
      assert.deepEqual(ids([...all].reverse()), ids(all))
    }),
  )
})

test('a long table draws all that is seen, and never more than fifty rows of a usual one', () => {
  fc.assert(
    fc.property(fc.integer({ min: -5_000, max: 500_000 }), fc.integer({ min: 0, max: 10_000 }), (scrolled, count) => {
      const { from, to } = rangeAt(scrolled, 1_000, 44, count)
      assert.ok(from >= 0 && to <= count && from <= to && to - from <= 50, `${from} to ${to}`)
      assert.ok(count === 0 || to > from, 'some row is there to walk to')
      const [first, last] = [Math.max(0, Math.floor(scrolled / 44)), Math.ceil((scrolled + 1_000) / 44)]
      for (let row = first; row < Math.min(count, last); row++) assert.ok(row >= from && row < to, `${row}`)
    }),
  )
})

test('a table as CSV: what is sorted by is a column, and no cell is a formula', () => {
  const rows = [host('1', '=HYPERLINK("http://x","y")', -2), host('2', 'a,"b"\nc', null), host('3', '@SUM(A1)', 1.5)]
  assert.equal(
    toCsv(rows, COLUMNS),
    ['"name","load"', '"\'=HYPERLINK(""http://x"",""y"")",-2', '"a,""b""\nc",', '"\'@SUM(A1)",1.5', ''].join('\r\n'),
  )
  assert.deepEqual(JSON.parse(toJson(rows)), rows)
})

test('no text that anyone chose begins a cell as a formula', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const [, cell = ''] = toCsv([host('1', name, null)], COLUMNS.slice(0, 1)).split('\r\n', 2)
      assert.doesNotMatch(cell, /^"?[=+\-@\t\r]/)
    }),
  )
})

test('a file says what it holds and when it was made', () => {
  assert.equal(fileName('agents', new Date(2026, 10, 21, 9, 5).getTime(), 'csv'), 'guise-agents-2026-11-21T0905.csv')
})

function memory(): Storage {
  const held = new Map<string, string>()
  return {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
  } as unknown as Storage
}

test('a filter is kept under its name, per page, and can be dropped', () => {
  const store = memory()
  keepSaved('fleet', { name: 'mine', search: '?q=a' }, store)
  keepSaved('agents', { name: 'silent', search: '?q=silent' }, store)
  keepSaved('fleet', { name: 'mine', search: '?q=b' }, store)
  assert.deepEqual(readSaved('fleet', store), [{ name: 'mine', search: '?q=b' }])
  dropSaved('fleet', 'mine', store)
  assert.deepEqual(readSaved('fleet', store), [])
  assert.equal(readSaved('agents', store).length, 1)
})

test('what is stored and is not ours is left out', () => {
  for (const text of [
    '',
    '[]',
    'null',
    '{"fleet":7}',
    '{"fleet":[{"name":1}]}',
    '{"fleet":[{"name":"a","search":"//evil"}]}',
  ]) {
    assert.deepEqual(readSaved('fleet', { getItem: () => text }), [], text)
  }
})

test('the question of an address is all but what is open at the moment', () => {
  assert.equal(questionOf('?q=a&sel=w_1&s=-risk&why=risk'), '?q=a&s=-risk')
  assert.equal(questionOf('?sel=w_1'), '')
})

test('typing offers the names there are, and behind a field its values by how often they occur', () => {
  const grammar: Grammar<Host> = {
    words: (h) => [h.name],
    fields: { name: (h) => [h.name] },
    numbers: { load: (h) => h.load },
    flags: { idle: (h) => h.load === 0 },
  }
  const rows = [host('1', 'web user', 1), host('2', 'web user', 1), host('3', 'db', 2)]
  assert.deepEqual(
    suggest('x ', rows, grammar).map((one) => one.value),
    ['x name:', 'x load>', 'x idle'],
  )
  assert.deepEqual(suggest('x -name:', rows, grammar), [
    { value: 'x -name:"web user"', times: 2 },
    { value: 'x -name:db', times: 1 },
  ])
  assert.deepEqual(suggest('name:D', rows, grammar), [{ value: 'name:db', times: 1 }])
})
