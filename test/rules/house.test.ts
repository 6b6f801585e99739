/** Rules of the house that a linter does not know, each with its reason in the failure. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from './sources.ts'

const sources = readSources()

test('no file over 600 lines: a drawer hides what it holds', () => {
  assert.deepEqual(
    sources.filter((s) => s.text.split('\n').length > 601).map((s) => s.path),
    [],
  )
})

test('no utils, helpers, common, manager, or barrel: a name must say what is inside', () => {
  const wrong = sources.filter((s) =>
    /(^|\/)(utils?|helpers?|common|misc|manager)(\.tsx?|\/)|\/index\.ts$/.test(s.path),
  )
  assert.deepEqual(
    wrong.map((s) => s.path),
    [],
  )
})

test('no shell: observed names are attacker-controlled', () => {
  const wrong = sources.filter(
    (s) => !s.path.startsWith('test/rules/') && /shell:\s*true|\bexecSync\(|[^.\w]exec\(`/.test(s.text),
  )
  assert.deepEqual(
    wrong.map((s) => s.path),
    [],
  )
})

test('tests wait for a condition, never for a while', () => {
  const wrong = sources.filter(
    (s) =>
      /\.test\.tsx?$/.test(s.path) &&
      !s.path.startsWith('test/rules/') &&
      /await (sleep|setTimeout|delay)\(\d/.test(s.text),
  )
  assert.deepEqual(
    wrong.map((s) => s.path),
    [],
  )
})

test('every exported name is used somewhere else: dead code is a question nobody answers', () => {
  const dead: string[] = []
  for (const source of sources) {
    if (!source.path.startsWith('src/') || /\.test\.ts$/.test(source.path)) continue
    for (const [, name] of source.text.matchAll(/^export (?:async )?(?:function\*?|const|let|class|type) (\w+)/gm)) {
      const word = new RegExp(`\\b${name}\\b`)
      if (
        !sources.some((other) => other.path !== source.path && word.test(other.text)) &&
        occurrences(source.text, name!) < 2
      )
        dead.push(`${source.path}: ${name}`)
    }
  }
  assert.deepEqual(dead, [])
})

function occurrences(text: string, name: string): number {
  return [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length
}
