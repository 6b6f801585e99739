/**
 * The first three minutes: clone, `npm start`, and a workload whose persona is believed, in a browser. Node packages come from
 * the registry (or npm's cache of it), system packages are there: what is timed is Guise.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { launchBrowser, newContext } from '../../web/test/browser.ts'
import { needBrowser, needRoot } from '../need.ts'

const skip = needRoot() || needBrowser()
const ROOT = new URL('../..', import.meta.url).pathname
const PATIENCE_MS = 180_000
const folder = mkdtempSync(join(tmpdir(), 'guise-newcomer-'))
// The database's user walks through it.
chmodSync(folder, 0o711)
let started: ChildProcess | null = null
after(async () => {
  if (started !== null && started.exitCode === null) {
    // npm passes the signal on, and leaves before what it started does.
    process.kill(-started.pid!, 'SIGTERM')
    await once(started, 'exit')
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
})

test('clone, npm start, a believed persona in the browser: within three minutes', {
  skip,
  timeout: PATIENCE_MS + 60_000,
}, async () => {
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1_000)
  const clone = join(folder, 'guise')
  execFileSync('git', ['-c', 'safe.directory=*', 'clone', '--quiet', '--depth', '1', `file://${ROOT}`, clone])
  const { GUISE_HOME: _home, GUISE_SERVER: _server, ...inherited } = process.env
  const env = {
    ...inherited,
    GUISE_LAB_PREFIX: `gn${process.pid % 10_000}`,
    GUISE_LAB_DIR: join(folder, 'lab'),
  }
  const port = 20_000 + (process.pid % 10_000)
  started = spawn('npm', ['start', '--', '--yes', '--port', String(port), '--home', join(folder, 'data')], {
    cwd: clone,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  const link = await new Promise<string>((resolve, reject) => {
    for (const stream of [started!.stdout!, started!.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const found = /(http:\/\/127\.0\.0\.1:\d+\/ui\/#token=\S+)/.exec(said)
        if (found !== null) resolve(found[1]!)
      })
    started!.on('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${said}`)))
  })
  const linkAt = seconds()
  const browser = await launchBrowser()
  try {
    const page = await (await newContext(browser)).newPage()
    await page.goto(link)
    const row = page.getByRole('row', { name: /db1/ })
    await row.waitFor({ timeout: PATIENCE_MS })
    const rowAt = seconds()
    await page
      .getByText(/[1-9]\d* (has|have) a persona we believe in/)
      .waitFor({ timeout: Math.max(1_000, PATIENCE_MS - (performance.now() - began)) })
    console.log(
      `newcomer: link after ${linkAt} s, first workloads after ${rowAt} s, first believed persona after ${seconds()} s`,
    )
    assert.ok(performance.now() - began <= PATIENCE_MS, `${seconds()} s`)
    assert.match((await row.textContent()) ?? '', /Database/)
  } finally {
    await browser.close()
  }
})
