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

type Desk = {
  readonly server: FixtureServer
  readonly page: Page
  /** what the browser complained about */
  readonly errors: string[]
}

let browser: Browser
let full: Desk
let empty: Desk
before(async () => {
  if (skip !== false) return
  mkdirSync(SCREENS, { recursive: true })
  browser = await launchBrowser()
  full = await sitDown(await startFixture({ size: 24 }))
  empty = await sitDown(await startFixture({ size: 0 }))
})
after(async () => {
  await browser?.close()
  await full?.server.close()
  await empty?.server.close()
})

/** One page for all that is looked at: its clock stands, and what the console is made of is read once. */
async function sitDown(server: FixtureServer): Promise<Desk> {
  const context = await newContext(browser, { at: NOON })
  await enter(context, server.url)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // The browser's own line about a failed request: those are meant here.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  return { server, page, errors }
}

/** Loads the console anew: nothing is known, nothing is open. */
const open = (desk: Desk, path: string) => desk.page.goto(`${desk.server.url}/ui${path}`)

/** As a link does it: what was read stays. */
const follow = (desk: Desk, path: string) =>
  desk.page.evaluate(`history.pushState(null, '', '/ui${path}'), dispatchEvent(new PopStateEvent('popstate'))`)

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
    await page.screenshot({ path: `${SCREENS}${as}.png`, fullPage: which === 'all' })
    const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(over, 0, `${as} scrolls sideways by ${over} px`)
    // Axe takes longer than all else: the other two looks have the same page and the same colours.
    if (main && (which === 'all' || width === readAt)) assert.deepEqual(await violations(page), [], as)
  }
  await page.setViewportSize(WIDE)
}

async function violations(page: Page): Promise<string[]> {
  // The console has no frames; gathering the answers of frames in a page of its own takes three times as long.
  const axe = new AxeBuilder({ page }).setLegacyMode(true)
  const found = await axe.options({ resultTypes: ['violations'], iframes: false }).analyze()
  return found.violations.map((v) => {
    const where = v.nodes.map((n) => n.target.join(' ')).slice(0, 3)
    return `${v.id}: ${where.join(' | ')}`
  })
}

async function visible(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).locator('visible=true').first().waitFor()
}

async function states(desk: Desk, one: PageUnderTest): Promise<void> {
  const own: PageState[] = [{ name: '', path: one.path, ready: one.ready }, ...(one.also ?? [])]
  let isClean = false
  for (const { name, path, ready, act } of own) {
    await (isClean ? follow(desk, path) : open(desk, path))
    await visible(desk.page, ready)
    await act?.(desk.page)
    isClean = act === undefined
    await lookAt(desk.page, name === '' ? one.name : `${one.name}-${name}`, name === '' ? 'all' : 'main')
  }
}

for (const one of PAGES_UNDER_TEST) {
  test(one.name, { skip, timeout: 120_000 }, async () => {
    const { page, errors, server } = full
    errors.length = 0
    await states(full, one)
    // Offline: what was read stays, dimmed, and the bar says since when.
    await open(full, one.path)
    await visible(page, one.ready)
    server.streams = 'refused'
    server.dropStreams()
    await visible(page, /Reconnecting, last data/)
    await lookAt(page, `${one.name}-offline`)
    server.streams = 'served'
    if (one.asks !== null) {
      server.holding.add(one.asks)
      await open(full, one.path)
      await page.locator('main .skeleton').first().waitFor()
      await lookAt(page, `${one.name}-loading`)
      server.holding.clear()
      server.failing.set(one.asks, 500)
      await open(full, one.path)
      await visible(page, 'The database does not answer.')
      await lookAt(page, `${one.name}-error`)
      server.failing.clear()
    }
    assert.deepEqual(errors, [])
    if (one.empty === null) return
    empty.errors.length = 0
    await open(empty, one.path)
    await visible(empty.page, one.empty)
    await lookAt(empty.page, `${one.name}-empty`)
    assert.deepEqual(empty.errors, [])
  })
}

test('sign-in', { skip, timeout: 60_000 }, async () => {
  const context = await newContext(browser, { at: NOON })
  const page = await context.newPage()
  await page.goto(`${full.server.url}/ui/`)
  await page.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
  await lookAt(page, 'sign-in', 'all')
  await context.close()
})
