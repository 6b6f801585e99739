/** The tree as the rules see it: every TypeScript file with the modules it imports, read as text. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export type Source = { readonly path: string; readonly text: string; readonly imports: readonly string[] }

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

export function readSources(): Source[] {
  const root = new URL('../..', import.meta.url).pathname
  return globSync('{src,web,lab,sim,bench,test,guest}/**/*.{ts,tsx}', {
    cwd: root,
    exclude: (p) => /node_modules|dist/.test(p),
  })
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const imports = [...text.matchAll(IMPORT)].map((m) => {
        const target = m[1] ?? m[2] ?? m[3]!
        return target.startsWith('.') ? normalize(join(dirname(path), target)) : target
      })
      return { path, text, imports }
    })
}

/** `src/observe/reduce/x.ts` → `observe`; `src/server.ts` → `server`; `web/main.tsx` → `web`. */
export function room(path: string): string {
  const parts = path.split('/')
  return parts[0] === 'src' ? parts[1]!.replace(/\.ts$/, '') : parts[0]!
}
