/**
 * Every page and state at two widths and in both themes: no violation axe knows, nothing wider than the screen, no error
 * in the browser's console; the pictures stay in test-output/screens/ for eyes. The pages are listed in pages.ts.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { NOON } from '../fixtures/seed.ts'
import { type FixtureServer, startFixture } from '../fixtures/server.ts'
import { enter, launchBrowser, NARROW, newContext, WIDE } from './browser.ts'
import { PAGES_UNDER_TEST, type PageState, type PageUnderTest } from './pages.ts'

const SCREENS = new URL('../../test-output/screens/', import.meta.url).pathname
const skip = needBrowser()
/** A full page is drawn in all four, any other state in the two `main` ones: each width and each theme once. */
const LOOKS = [
  { width: '1440', size: WIDE, theme: 'light', main: true },
  { width: '1440', size: WIDE, theme: 'dark', main: false },
  { width: '390', size: NARROW, theme: 'dark', main: true },
  { width: '390', size: NARROW, theme: 'light', main: false },
] as const

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

/** A page with a clock that stands, and what its browser complained about. */
async function desk(server: FixtureServer): Promise<{ page: Page; errors: string[] }> {
  const context = await newContext(browser, { at: NOON })
  await enter(context, server.url)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // The browser's own line about a failed request: those are meant here.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  return { page, errors }
}

/** States that are no page of their own are read by axe once, at one width and the other in turn. */
let turn = 0

async function lookAt(page: Page, name: string, which: 'all' | 'main' = 'main'): Promise<void> {
  const readAt = turn++ % 2 === 0 ? '1440' : '390'
  for (const { width, size, theme, main } of LOOKS) {
    if (which === 'main' && !main) continue
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    const as = `${name}-${width}-${theme}`
    // Charts follow a new width in a frame of their own.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    await page.screenshot({ path: `${SCREENS}${as}.png`, fullPage: true })
    const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(over, 0, `${as} scrolls sideways by ${over} px`)
    // Axe takes longer than all else: the other two looks have the same page and the same colours.
    if (main && (which === 'all' || width === readAt)) assert.deepEqual(await violations(page), [], as)
  }
  await page.setViewportSize(WIDE)
}

async function violations(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).options({ resultTypes: ['violations'], iframes: false }).analyze()
  return found.violations.map((v) => {
    const where = v.nodes.map((n) => n.target.join(' ')).slice(0, 3)
    return `${v.id}: ${where.join(' | ')}`
  })
}

async function visible(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).locator('visible=true').first().waitFor()
}

async function states(page: Page, one: PageUnderTest): Promise<void> {
  const own: PageState[] = [{ name: '', path: one.path, ready: one.ready }, ...(one.also ?? [])]
  for (const { name, path, ready, act } of own) {
    await page.goto(`${full.url}/ui${path}`)
    await visible(page, ready)
    await act?.(page)
    await lookAt(page, name === '' ? one.name : `${one.name}-${name}`, name === '' ? 'all' : 'main')
  }
}

for (const one of PAGES_UNDER_TEST) {
  test(one.name, { skip, timeout: 120_000 }, async () => {
    const { page, errors } = await desk(full)
    await states(page, one)
    // Offline: what was read stays, dimmed, and the bar says since when.
    await page.goto(`${full.url}/ui${one.path}`)
    await visible(page, one.ready)
    full.streams = 'refused'
    full.dropStreams()
    await visible(page, /Reconnecting, last data/)
    await lookAt(page, `${one.name}-offline`)
    full.streams = 'served'
    if (one.asks !== null) {
      full.holding.add(one.asks)
      await page.goto(`${full.url}/ui${one.path}`)
      await page.locator('main .skeleton').first().waitFor()
      await lookAt(page, `${one.name}-loading`)
      full.holding.clear()
      full.failing.set(one.asks, 500)
      await page.goto(`${full.url}/ui${one.path}`)
      await visible(page, 'The database does not answer.')
      await lookAt(page, `${one.name}-error`)
      full.failing.clear()
    }
    assert.deepEqual(errors, [])
    await page.context().close()
    if (one.empty === null) return
    const first = await desk(empty)
    await first.page.goto(`${empty.url}/ui${one.path}`)
    await visible(first.page, one.empty)
    await lookAt(first.page, `${one.name}-empty`)
    assert.deepEqual(first.errors, [])
    await first.page.context().close()
  })
}

test('sign-in', { skip, timeout: 60_000 }, async () => {
  const context = await newContext(browser, { at: NOON })
  const page = await context.newPage()
  await page.goto(`${full.url}/ui/`)
  await page.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
  await lookAt(page, 'sign-in', 'all')
  await context.close()
})
