/**
 * Every page and state at two widths and in both themes: no violation axe knows, nothing wider than the screen, no error
 * in the console; the pictures stay in test-output/screens/ for eyes.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { NOON } from '../fixtures/seed.ts'
import { type FixtureServer, startFixture, TOKEN } from '../fixtures/server.ts'
import { launchBrowser, NARROW, newContext, open, WIDE } from './browser.ts'

const SCREENS = new URL('../../test-output/screens/', import.meta.url).pathname
const skip = needBrowser()

let browser: Browser
let full: FixtureServer
let empty: FixtureServer
before(async () => {
  if (skip !== false) return
  mkdirSync(SCREENS, { recursive: true })
  browser = await launchBrowser()
  full = await startFixture({ size: 24 })
  empty = await startFixture({ size: 0 })
})
after(async () => {
  await browser?.close()
  await full?.close()
  await empty?.close()
})

async function look(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENS}${name}.png`, fullPage: true })
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'], iframes: false })
    .analyze()
  const found = violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .map((n) => n.target.join(' '))
        .slice(0, 3)
        .join(' | ')}`,
  )
  assert.deepEqual(found, [], name)
  const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  assert.equal(over, 0, `${name} scrolls sideways by ${over} px`)
}

for (const [width, size] of [
  ['1440', WIDE],
  ['390', NARROW],
] as const) {
  for (const theme of ['light', 'dark'] as const) {
    test(`${width} px, ${theme}`, { skip, timeout: 180_000 }, async () => {
      const errors: string[] = []
      const as = { size, theme, at: NOON, token: TOKEN } as const
      const page = await open(browser, { ...as, url: full.url, path: '/fleet' })
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      const shot = (name: string) => look(page, `${name}-${width}-${theme}`)
      const goto = async (path: string, ready: string) => {
        await page.goto(`${full.url}/ui${path}`)
        await page.getByText(ready).locator('visible=true').first().waitFor()
      }

      await page.getByText('etl-worker-07').locator('visible=true').first().waitFor()
      await shot('fleet')
      await goto('/workloads/w_0001', 'Worn profile')
      await page.getByText('Reads the payments database').locator('visible=true').first().waitFor()
      await page.getByRole('img', { name: /Belief/ }).waitFor()
      await shot('workload')
      await goto('/activity', 'change is under way')
      await shot('activity')
      // The states are looked at in two of the four: each width and each theme once.
      if ((width === '1440') === (theme === 'light')) {
        await goto('/fleet?q=risk%3E0.9', 'No workload matches')
        await shot('fleet-no-match')
        await goto('/workloads/w_0001/rules', 'Effective rules')
        await page.getByText('Reads the payments database').locator('visible=true').first().waitFor()
        await shot('rules')
        await goto('/workloads/w_0001?why=flow:10.20.0.20:5432:6:initiated', 'Why is pg-main allowed?')
        await page.getByRole('button', { name: /Confirm plan/ }).click()
        await page.getByRole('dialog').getByText('The timer runs on rack2-h04').waitFor()
        await shot('plan')
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'hidden' })
        await page.getByRole('button', { name: 'Shift…' }).click()
        await page.getByRole('dialog').getByLabel('To persona').waitFor()
        await shot('shift')
        await goto('/activity', 'change is under way')
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
        await shot('keys')
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'hidden' })
        await page.getByRole('button', { name: 'Find or do anything' }).locator('visible=true').click()
        await page.getByRole('combobox').fill('etl')
        await page
          .getByRole('option', { name: /etl-worker-07/ })
          .first()
          .waitFor()
        await shot('palette')
        assert.deepEqual(errors, [])
        full.failing.set('/v1/workloads', 500)
        await goto('/fleet', 'The database does not answer.')
        await shot('fleet-error')
        full.failing.clear()
        const first = await open(browser, { ...as, url: empty.url, path: '/fleet' })
        await first.getByText('No agent has reported a workload yet.').waitFor()
        await look(first, `fleet-empty-${width}-${theme}`)
        await first.context().close()
      } else assert.deepEqual(errors, [])
      await page.context().close()

      const context = await newContext(browser, as)
      const door = await context.newPage()
      await door.goto(`${full.url}/ui/`)
      await door.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
      await look(door, `sign-in-${width}-${theme}`)
      await context.close()
    })
  }
}
