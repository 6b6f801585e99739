/**
 * `node web/screenshot.ts [FOLDER]` writes the pictures of the README (fleet.png and workload.png, default docs/) from the
 * seeded fixture: the same seed, moment and fonts give the same pictures.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { NOON } from './fixtures/seed.ts'
import { startFixture, TOKEN } from './fixtures/server.ts'
import { launchBrowser, open } from './test/browser.ts'

const folder = resolve(process.argv[2] ?? new URL('../docs/', import.meta.url).pathname)
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
  mkdirSync(folder, { recursive: true })
  await page.getByText('Live', { exact: true }).waitFor()
  await page.locator('table.data svg path').first().waitFor()
  await picture(page, 'fleet.png')
  await page.goto(`${server.url}/ui/workloads/w_0001`)
  await page.getByText('Reads the payments database').first().waitFor()
  await page.getByRole('img', { name: /Belief/ }).waitFor()
  await picture(page, 'workload.png')
} finally {
  await browser.close()
  await server.close()
}

async function picture(page: Page, name: string): Promise<void> {
  const file = join(folder, name)
  await page.evaluate('document.fonts.ready')
  await page.screenshot({ path: file, fullPage: name === 'fleet.png' })
  console.log(`${file}: ${Math.round(statSync(file).size / 1000)} kB`)
}
