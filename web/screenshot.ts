/**
 * `node web/screenshot.ts [FILE]` writes the picture of the README (default docs/fleet.png) from the seeded fixture:
 * the same seed, moment and fonts give the same picture.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { NOON } from './fixtures/seed.ts'
import { startFixture, TOKEN } from './fixtures/server.ts'
import { launchBrowser, open } from './test/browser.ts'

const file = resolve(process.argv[2] ?? new URL('../docs/fleet.png', import.meta.url).pathname)
const server = await startFixture({ size: 14 })
const browser = await launchBrowser()
try {
  const page = await open(browser, {
    url: server.url,
    token: TOKEN,
    path: '/fleet',
    at: NOON,
    size: { width: 1440, height: 1000 },
  })
  await page.getByText('Live', { exact: true }).waitFor()
  mkdirSync(dirname(file), { recursive: true })
  await page.screenshot({ path: file, fullPage: true })
} finally {
  await browser.close()
  await server.close()
}
console.log(`${file}: ${Math.round(statSync(file).size / 1000)} kB`)
