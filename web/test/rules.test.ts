/** Rules of the console that no linter knows. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

const web = new URL('..', import.meta.url).pathname
const read = (path: string) => readFileSync(`${web}/${path}`, 'utf8')

test('colours are written in tokens.css and nowhere else', () => {
  const literal = /#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab)\(/i
  const wrong = globSync('src/**/*.{css,ts,tsx}', { cwd: web })
    .filter((path) => path !== 'src/tokens.css')
    .flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, i) => (literal.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
    )
  assert.deepEqual(wrong, [])
})

test('every colour a style asks for is a token', () => {
  const tokens = new Set([...read('src/tokens.css').matchAll(/^ {2}(--[a-z0-9-]+):/gm)].map((match) => match[1]))
  // Given in the element's own style.
  const local = new Set(['--c', '--depth'])
  const wrong = globSync('src/**/*.{css,ts,tsx}', { cwd: web }).flatMap((path) =>
    [...read(path).matchAll(/var\((--[a-z0-9-]+)[,)]/g)]
      .map((match) => match[1]!)
      .filter((name) => !tokens.has(name) && !local.has(name))
      .map((name) => `${path}: ${name}`),
  )
  assert.deepEqual(wrong, [])
})

/** Text tokens on their surfaces, both themes: WCAG 2.2 asks for 4.5. */
test('text has a contrast of 4.5 on every surface', () => {
  const css = read('src/tokens.css')
  const pair = (name: string) => {
    const match = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(css)
    assert.ok(match, `--${name} is one colour per theme`)
    return [match[1]!, match[2]!] as const
  }
  const wrong: string[] = []
  for (const text of ['ink', 'ink-2', 'ink-3', 'accent', 'allow', 'drop', 'would-drop', 'risk-2', 'risk-3', 'risk-4']) {
    for (const surface of ['bg', 'surface', 'raised', 'selected']) {
      for (const theme of [0, 1] as const) {
        const ratio = contrast(pair(text)[theme], pair(surface)[theme])
        if (ratio < 4.5) wrong.push(`${text} on ${surface}: ${ratio.toFixed(2)}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

type Chunk = {
  readonly file: string
  readonly imports?: readonly string[]
  readonly css?: readonly string[]
  readonly dynamicImports?: readonly string[]
}

/** Sizes as they travel. kB are 1000 bytes, gzip level 9. */
test('the console stays within its budget', (context) => {
  const manifest = JSON.parse(read('dist/.vite/manifest.json')) as Record<string, Chunk>
  const closure = (key: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(key)) return seen
    seen.add(key)
    for (const next of manifest[key]?.imports ?? []) closure(next, seen)
    return seen
  }
  const gzip = (keys: Iterable<string>) =>
    [...keys].reduce((sum, key) => sum + gzipSync(read(`dist/${manifest[key]!.file}`), { level: 9 }).length, 0)
  const shell = closure('index.html')
  const signIn = closure('src/pages/sign-in.tsx', new Set(shell))
  const extra = (page: string) => [...closure(page)].filter((key) => !shell.has(key))
  const words = gzip(extra('src/words/shared.ts'))
  const loads = (entry: string) => words + gzip(extra(entry))
  /**
   * "+ Topology" of the budget: the whole route (page, map library, words) beyond the shell and beyond what the first
   * page, Fleet, has brought already: the table, the filter row and the words that all pages share.
   */
  const fleet = closure('src/pages/fleet/fleet.tsx')
  const map = ['src/pages/topology/topology.tsx', 'src/pages/topology/canvas.ts'].flatMap(extra)
  const topology = gzip(new Set(map.filter((key) => !fleet.has(key))))
  const sizes: Record<string, readonly [bytes: number, most: number]> = {
    shellAndSignIn: [gzip(new Set([...shell, ...signIn])), 130_000],
    fleet: [loads('src/pages/fleet/fleet.tsx'), 25_000],
    workload: [loads('src/pages/workload/workload.tsx'), 45_000],
    activity: [loads('src/pages/activity/activity.tsx'), 25_000],
    sources: [loads('src/pages/sources/sources.tsx'), 25_000],
    agents: [loads('src/pages/agents/agents.tsx'), 25_000],
    plans: [loads('src/pages/plans/plans.tsx'), 25_000],
    plan: [loads('src/pages/plans/plan.tsx'), 25_000],
    ledger: [loads('src/pages/ledger/ledger.tsx'), 25_000],
    policies: [loads('src/pages/policies/policies.tsx'), 25_000],
    policy: [loads('src/pages/policies/policy.tsx'), 25_000],
    personas: [loads('src/pages/personas/personas.tsx'), 25_000],
    persona: [loads('src/pages/personas/persona.tsx'), 25_000],
    secrets: [loads('src/pages/secrets/secrets.tsx'), 25_000],
    topology: [topology, 160_000],
    editor: [gzip(extra('src/editor/code-mirror.tsx')), 180_000],
    css: [
      globSync('dist/assets/*.css', { cwd: web }).reduce((sum, path) => sum + gzipSync(read(path)).length, 0),
      25_000,
    ],
  }
  context.diagnostic(
    `bytes, gzip: ${JSON.stringify(Object.fromEntries(Object.entries(sizes).map(([k, [n]]) => [k, n])))}`,
  )
  const over = Object.entries(sizes).filter(([, [bytes, most]]) => bytes > most)
  assert.deepEqual(over, [])
})
