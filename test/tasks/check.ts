/** `npm run check`: format and lint (biome), types (tsc), and the repository's own rules (test/rules). */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'

const root = new URL('../..', import.meta.url).pathname
process.chdir(root)

export function biome(): string | null {
  const path = `node_modules/@biomejs/cli-linux-${process.arch}/biome`
  return existsSync(path) ? path : null
}

/** Steps run beside each other; each is told whole when it has ended. */
async function step(name: string, command: string, args: readonly string[]): Promise<boolean> {
  const started = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const failure = new Promise<null>((resolve) => child.once('error', () => resolve(null)))
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), Promise.race([code, failure])])
  process.stdout.write(out)
  process.stderr.write(err)
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${Math.round(performance.now() - started)} ms)`)
  return status === 0
}

if (import.meta.main) {
  const linter = biome()
  const colors = process.stdout.isTTY ? 'force' : 'off'
  if (linter === null) console.log('skip format and lint: biome ships for Linux only here')
  const results = await Promise.all([
    linter === null || step('format and lint', linter, ['ci', `--colors=${colors}`, '--error-on-warnings', '.']),
    step('types', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']),
    !existsSync('web/tsconfig.json') ||
      step('types of the console', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'web']),
    step('rules of the house', process.execPath, ['--test', '--test-reporter=dot', 'test/rules/*.test.ts']),
  ])
  process.exit(results.every(Boolean) ? 0 : 1)
}
