/**
 * `npm test`: the repository's rules, then every *.test.ts, one file at a time (kernel tests share one machine).
 * Arguments are globs to run instead. As root, a skipped kernel or browser test fails the run: a skip must not pass
 * for a pass where the test could have run. Tests of outside data may skip anywhere.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const root = new URL('../..', import.meta.url).pathname
const globs = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
process.chdir(root)

if (globs.length === 0) {
  const check = spawnSync(process.execPath, ['test/tasks/check.ts'], { stdio: 'inherit' })
  if (check.status !== 0) process.exit(check.status ?? 1)
}

const files = globSync(globs.length > 0 ? globs : ['{src,lab,sim,bench,test,web}/**/*.test.ts'], {
  exclude: (path) => path.includes('node_modules'),
}).sort()

const asRoot = process.getuid?.() === 0
const counts = { passed: 0, failed: 0, skipped: 0 }
const wrongSkips: string[] = []

const stream = run({ files, concurrency: 1, timeout: 300_000, execArgv: ['--disable-warning=ExperimentalWarning'] })
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return
  if (event.skip !== undefined) {
    counts.skipped++
    const why = typeof event.skip === 'string' ? event.skip : 'no reason given'
    if (asRoot && !why.startsWith('data not available')) wrongSkips.push(`${event.name}: ${why}`)
  } else counts.passed++
})
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') counts.failed++
})
stream.compose(new spec()).pipe(process.stdout)
stream.on('end', () => {
  process.on('exit', () => {
    for (const skip of wrongSkips) console.log(`skipped as root, which fails the run: ${skip}`)
    const failed = counts.failed + wrongSkips.length
    console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`)
    if (failed > 0 || counts.passed === 0) process.exitCode = 1
  })
})
