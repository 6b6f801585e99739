import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { compileAhead, LATER } from './compile-ahead.ts'

test('both programs of an agent are compiled before they start, once for each release; what cannot be kept stops nobody', () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-compiled-'))
  try {
    compileAhead(folder)
    const kept = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    assert.ok(kept.length > 300, `${kept.length} files are kept`)
    const before = readFileSync(join(folder, 'agent-compiled'), 'utf8')
    assert.match(before, /^v\d+\.\d+\.\d+ \d/)
    const began = performance.now()
    compileAhead(folder)
    assert.ok(performance.now() - began < 300, 'nothing is compiled the second time')
    assert.deepEqual(readdirSync(folder, { recursive: true, encoding: 'utf8' }), kept)
    compileAhead(join(folder, 'agent-compiled', 'nowhere'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('what an agent loads when it is needed is compiled with the rest', () => {
  const source = join(import.meta.dirname, '..')
  const files = globSync('{agent.ts,{agent,enforce,model,netlink,observe}/**/*.ts}', { cwd: source })
  const later = files
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(source, file), 'utf8').matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, name]) =>
        relative(source, resolve(source, file, '..', name!)),
      ),
    )
  assert.deepEqual([...new Set(later)].sort(), LATER)
})
