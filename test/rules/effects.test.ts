/**
 * Every effect of `enforce/` passes a named point (`src/enforce/fault.ts`), so that `bench -- atomic` can kill before and after
 * it: whatever writes stands inside `effect(…)` or `effectSync(…)`, or reads, or is named below with the reason.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from './sources.ts'

const WRITERS =
  /(?<![.\w])(?:writeFileSync|writeSync|writeFile|appendFileSync|appendFile|renameSync|rename|rmSync|unlinkSync|rmdirSync|mkdirSync|mkdir|symlinkSync|linkSync|truncateSync|utimesSync|ftruncateSync|chmodSync|fchmodSync|chownSync|fchownSync|fsyncSync|copyFileSync|cpSync|spawn|spawnSync|execFile|execFileSync|command|inside|runInGuest|sendBatch|setDevice)\(|\b(?:process\.kill|child\??\.kill|qmp\.execute|nft\.run|socket\.send)\(/g

/** Calls that only look, by how they begin. */
const LOOKS: readonly RegExp[] = [
  /^command\('nft', \['-(j|c)'/,
  /^command\('ip', \['-o', 'link', 'show'/,
  /^command\('ping'/,
  /^inside\(\w+, 'ss', /,
  /^command\('tc', \['-batch', '-'\], `\$\{lines\.join/,
  /^command\('qemu-img', \['info'/,
  /^command\('nft', \['list'/,
  /^inside\([\w.]+, 'ip', \[(?:'-6', )?'-j'/,
  /^runInGuest\(\s*guest,\s*'(?:ls|cat|sha256sum)'/,
  /^runInGuest\(guest, 'ip', (?:\['-d', '-j', 'addr'\]|argv)\)/,
  /^runInGuest\(guest, 'wg', \['show'/,
  /^qmp\.execute\('(?:query-|qmp_capabilities)/,
  /^nft\.run\(`list /,
]

/** Where something is written without a point of its own, and why that is as it should be. */
const APART: Readonly<Record<string, readonly [pattern: RegExp, why: string][]>> = {
  'src/enforce/fault.ts': [[/./, 'it is what kills']],
  'src/enforce/facets/packages/inside-root.ts': [
    [/^spawn\(file/, 'the way of `ask`, which looks, and of `act`, which is an effect'],
  ],
  'src/enforce/trace.ts': [[/./, 'a table of its own, which judges nothing and ends with its program']],
  'src/enforce/step.ts': [
    [
      /^(command|inside|runInGuest)\(program|^command\('nsenter'|^runInGuest\(namespace|^spawn\(program/,
      'the way of every program; who calls it says what it does',
    ],
  ],
  'src/enforce/drivers/container/list.ts': [[/^execFileSync\(program/, 'it lists links and their addresses']],
  'src/enforce/drivers/qemu/guest-agent.ts': [
    [/^runInGuest\(\n? *path/, 'the way into a guest; who calls it says what it does'],
  ],
}

test('every effect of enforce passes a named point', () => {
  const bare: string[] = []
  for (const { path, text } of readSources()) {
    if (!path.startsWith('src/enforce/') || path.endsWith('.test.ts')) continue
    const covered = spansOf(text, /\b(?:effect|effectSync)(?:<[^>]*>)?\(/g)
    for (const match of text.matchAll(WRITERS)) {
      const call = text.slice(match.index, match.index + 300)
      const line = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index)
      // A comment, and where it is made or brought in.
      if (/^\s*(\*|\/\/|\/\*)|function $|^import /.test(line) || /^\w+\(\w+: /.test(call)) continue
      if (covered.some(([from, to]) => match.index > from && match.index < to)) continue
      if (LOOKS.some((look) => look.test(call))) continue
      if (APART[path]?.some(([pattern]) => pattern.test(call)) === true) continue
      bare.push(`${path}:${text.slice(0, match.index).split('\n').length}: ${call.split('\n')[0]}`)
    }
  }
  assert.deepEqual(bare, [], "wrap it: effectSync('what', () => …), from src/enforce/fault.ts")
})

test('the rule sees what is not wrapped', () => {
  const text = "effectSync('x', () => rmSync(')')); rmSync(b)"
  const [[from, to] = [0, 0]] = spansOf(text, /\beffectSync\(/g)
  assert.equal(text.slice(from, to), "'x', () => rmSync(')'))")
  const told = "effectSync('x', () => {\n  // it's a writer's\n  rmSync('//')\n}); rmSync(b) // the agent's"
  const [[begin, end] = [0, 0]] = spansOf(told, /\beffectSync\(/g)
  assert.equal(told.slice(begin, end), "'x', () => {\n  // it's a writer's\n  rmSync('//')\n})")
})

/** From each opening parenthesis to its own closing one; what stands in quotes or a comment is no parenthesis. */
function spansOf(text: string, opening: RegExp): [number, number][] {
  return [...text.matchAll(opening)].map((match) => {
    const from = match.index + match[0].length
    let depth = 1
    let at = from
    for (let quote = ''; at < text.length && depth > 0; at++) {
      const letter = text[at]!
      if (quote !== '') {
        if (letter === '\\') at++
        else if (letter === quote) quote = ''
      } else if (letter === '/' && /\s\/\/ /.test(text.slice(at - 1, at + 3)))
        at = (text.indexOf('\n', at) + 1 || text.length) - 1
      else if (letter === "'" || letter === '"') quote = letter
      else if (letter === '(') depth++
      else if (letter === ')') depth--
    }
    return [from, at]
  })
}
