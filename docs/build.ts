/**
 * `npm run docs -- test` runs what the pages say: every command, the site itself, and the newcomer's first minutes.
 * `npm run docs`: the reference from the code, then the site from the pages, into docs/.vitepress/dist. `npm run docs -- dev`
 * serves it while it is written. VitePress is installed here, beside the pages, so that running Guise does not need it.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { writeReference } from './reference.ts'

const here = import.meta.dirname
const mark = `${here}/node_modules/.guise-packages`

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: here, stdio: 'inherit' })
  if (status !== 0) {
    console.error(`guise docs: ${command} ${args.join(' ')} failed (see above)`)
    process.exit(status ?? 1)
  }
}

function install(): void {
  const lock = createHash('sha256')
    .update(readFileSync(`${here}/package-lock.json`))
    .digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  console.error('guise docs: installing VitePress')
  // Not `npm ci`: it wants rollup's optional binary of every platform in the lock, and not every registry serves them all.
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(mark, lock)
}

const [what = 'build'] = process.argv.slice(2)
if (!['build', 'dev', 'reference', 'test'].includes(what)) {
  console.error('usage: npm run docs [-- build|dev|reference|test]')
  process.exit(2)
}
if (what === 'test') {
  run(process.execPath, ['../test/tasks/test.ts', 'test/docs/*.test.ts'])
  process.exit(0)
}
const pages = await writeReference()
console.error(`guise docs: reference written (${pages.join(', ')})`)
if (what !== 'reference') {
  install()
  mkdirSync(`${here}/public/fonts`, { recursive: true })
  cpSync(`${here}/../web/public/fonts`, `${here}/public/fonts`, { recursive: true })
  copyFileSync(`${here}/../web/public/icon.svg`, `${here}/public/icon.svg`)
  run(process.execPath, ['node_modules/vitepress/bin/vitepress.js', what, '.'])
  if (what === 'build')
    console.error(
      `guise docs: ${here}/.vitepress/dist/index.html, ${statSync(`${here}/.vitepress/dist/index.html`).size} bytes`,
    )
}
