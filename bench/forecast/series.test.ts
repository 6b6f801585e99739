import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { mase, naiveScale } from '../../src/learn/forecast/accuracy.ts'
import { DATA, needData } from '../../test/need.ts'
import { naive2, seasonalNaiveOf } from './naive2.ts'
import { readColumn, readM4 } from './series.ts'

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'guise-series-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test('M4 rows: quoted, padded with empty cells, matched by id, gzip or not', () => {
  using folder = folderWith({
    'Hourly-train.csv.gz': gzipSync('"V1","V2","V3","V4"\n"H2","1","2.5","3"\n"H5","4",,""\n'),
    'Hourly-test.csv': '"V1","V2"\n"H5","9"\n"H2","8"\n',
  })
  const [first, second] = readM4(folder.path)
  assert.deepEqual(first, { id: 'H2', past: Float64Array.of(1, 2.5, 3), future: Float64Array.of(8) })
  assert.deepEqual(second, { id: 'H5', past: Float64Array.of(4), future: Float64Array.of(9) })
})

test('a train row without its test row is said by name', () => {
  using folder = folderWith({ 'x-train.csv': 'h\nA,1,2\n', 'x-test.csv': 'h\nB,3\n' })
  assert.throws(() => readM4(folder.path), /series A has no test row/)
})

test('a column keeps its gaps', () => {
  using folder = folderWith({ 'a.csv': '"t","v"\n"1",5\n"2",\n"3",7\n' })
  assert.deepEqual(readColumn(folder.path), Float64Array.of(5, Number.NaN, 7))
})

test('Naive2 takes a multiplicative season off and puts it back', () => {
  const x = Float64Array.from({ length: 48 }, (_, t) => [10, 20, 30, 20][t % 4]!)
  naive2(x, 4, 6).forEach((v, h) => {
    assert.ok(Math.abs(v - [10, 20, 30, 20, 10, 20][h]!) < 1e-9)
  })
})

test('Naive2 of a series without season, or with zeros, is its last value', () => {
  const ramp = Float64Array.from({ length: 40 }, (_, t) => (t * 7919) % 13)
  assert.deepEqual(naive2(ramp, 4, 2), new Float64Array(2).fill(ramp[39]!))
})

test('sNaive on the M4 folder scores as published for this split', { skip: needData('forecast/m4-hourly') }, () => {
  const series = readM4(`${DATA}/forecast/m4-hourly`)
  const errors = series.map(({ past, future }) => mase(future, seasonalNaiveOf(past, 24, 48), naiveScale(past, 24)))
  const mean = errors.reduce((a, b) => a + b, 0) / errors.length
  assert.ok(Math.abs(mean - 1.211) < 5e-4, `MASE ${mean}`)
})
