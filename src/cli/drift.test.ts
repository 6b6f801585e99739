import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { readTime } from './drift-time.ts'

test('times: seconds, milliseconds, dates with and without a zone', () => {
  for (const text of [
    '1700000000',
    '1700000000000',
    '2023-11-14 22:13:20',
    '2023-11-14T22:13:20Z',
    '2023-11-14T23:13:20+01:00',
  ])
    assert.equal(readTime(text), 1_700_000_000, text)
  assert.ok(Number.isNaN(readTime('soon')))
})

test('drift watch tells the event in a file, with its why, and refuses what is no file', () => {
  const dir = mkdtempSync(`${tmpdir()}/guise-drift-`)
  try {
    const lines = Array.from({ length: 600 }, (_, k) => `${1_700_000_000 + k * 300},${k === 500 ? 90 : 10 + (k % 7)}`)
    writeFileSync(`${dir}/a.csv`, `time,value\n${lines.join('\n')}\n`)
    const main = new URL('./main.ts', import.meta.url).pathname
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [main, 'drift', 'watch', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    const answer = JSON.parse(run(`${dir}/a.csv`, '--json'))
    assert.equal(answer.rows, 600)
    const event = answer.events.find((one: { row: number }) => one.row === 500)
    assert.equal(event.why.cause, 'spike')
    assert.ok(event.score >= 0.5 && event.why.high < 90)
    assert.match(run(`${dir}/a.csv`), /spike: 90, above the expected/)
    assert.throws(() => run(`${dir}/none.csv`), /cannot be read \(ENOENT\)/)
    assert.throws(() => run(`${dir}/a.csv`, '--column', 'load'), /There is no column load; the file has time, value/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
