/**
 * A real Chromium for the console's tests: one per file, a context per look (width, theme). Others may use it against a
 * real server: `await open(browser, { url, token, path: '/fleet' })` signs in through the page and waits for its h1.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM } from './chromium.ts'

export const WIDE = { width: 1440, height: 1000 } as const
export const NARROW = { width: 390, height: 844 } as const

/** Throws when no Chromium is installed; tests skip with needBrowser() first. */
export async function launchBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('no Chromium is installed')
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Of a whole browser; the headless shell has no other way.
      '--headless=new',
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--force-color-profile=srgb',
      '--font-render-hinting=none',
    ],
  })
}

export type Look = {
  readonly size?: { readonly width: number; readonly height: number }
  readonly theme?: 'light' | 'dark'
  /** The page's clock stands at this moment; left out, time runs. */
  readonly at?: number
}

export async function newContext(browser: Browser, look: Look = {}): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: look.size ?? WIDE,
    colorScheme: look.theme ?? 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    hasTouch: look.size === NARROW,
  })
  context.setDefaultTimeout(25_000)
  if (look.at !== undefined) await context.clock.setFixedTime(look.at)
  return context
}

/** Signed in already at a fixture server, by its cookie: only the tests of signing in go through the door. */
export async function enter(context: BrowserContext, url: string): Promise<void> {
  await context.addCookies([{ name: 'guise_session', value: 'fixture', url }])
}

/** Signs in through the first-run form of the address (`#token=`), then goes to `path` under /ui. */
export async function open(
  browser: Browser,
  options: Look & { readonly url: string; readonly token: string; readonly path?: string },
): Promise<Page> {
  const context = await newContext(browser, options)
  const page = await context.newPage()
  await page.goto(`${options.url}/ui/#token=${encodeURIComponent(options.token)}`)
  await page.getByRole('navigation').first().waitFor()
  if (options.path !== undefined) await page.goto(`${options.url}/ui${options.path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

/** Waits for what no locator waits for, with a bound: what a page does after an action is not there at once. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 25_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited 25 s in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
}
