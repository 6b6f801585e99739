/**
 * `node web/screenshot.ts [FOLDER]` writes the pictures of the README and the documentation (default docs/) from the seeded
 * fixture: the same seed, moment and fonts give the same pictures.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { NOON } from './fixtures/seed.ts'
import { startFixture, TOKEN } from './fixtures/server.ts'
import { launchBrowser, open, WIDE } from './test/browser.ts'

/** Longer than a screen, and worth it. */
const WHOLE = new Set(['fleet.png', 'topology.png', 'policy.png', 'plan.png'])
const folder = resolve(process.argv[2] ?? new URL('../docs/', import.meta.url).pathname)
const server = await startFixture({ size: 14 })
/** A map of a few is no map. */
const fuller = await startFixture({ size: 24 })
const browser = await launchBrowser()
try {
  const page = await open(browser, {
    url: server.url,
    token: TOKEN,
    path: '/fleet',
    at: NOON,
    size: WIDE,
  })
  mkdirSync(folder, { recursive: true })
  await page.getByText('Live', { exact: true }).waitFor()
  await page.locator('table.data svg path').first().waitFor()
  await picture(page, 'fleet.png')
  await page.goto(`${server.url}/ui/workloads/w_0001`)
  await page.getByText('Reads the payments database').first().waitFor()
  await page.getByRole('img', { name: /Belief/ }).waitFor()
  await picture(page, 'workload.png')
  await page.goto(`${server.url}/ui/plans/pl_413`)
  await page.getByText('everything outbound').first().waitFor()
  await page.getByRole('timer').waitFor()
  await picture(page, 'plan.png')
  await page.goto(`${server.url}/ui/policies/payments-stay-home`)
  await page.getByRole('textbox', { name: 'Policy in YAML' }).waitFor()
  await page.getByText('Chain e_').first().waitFor()
  await picture(page, 'policy.png')
  const crowd = await open(browser, { url: fuller.url, token: TOKEN, path: '/topology', at: NOON, size: WIDE })
  await crowd.locator('.map[data-ready="true"]').waitFor()
  await picture(crowd, 'topology.png')
} finally {
  await browser.close()
  await server.close()
  await fuller.close()
}

async function picture(page: Page, name: string): Promise<void> {
  const file = join(folder, name)
  await page.evaluate('document.fonts.ready')
  // As high as the page is: what stands at the bottom of the window then stands at the bottom of the picture.
  const height = Number(await page.evaluate('document.documentElement.scrollHeight'))
  if (WHOLE.has(name)) await page.setViewportSize({ width: WIDE.width, height })
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
  await page.screenshot({ path: file })
  await page.setViewportSize(WIDE)
  console.log(`${file}: ${Math.round(statSync(file).size / 1000)} kB`)
}
