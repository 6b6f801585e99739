/**
 * Every page without a mouse: Tab reaches each thing that can be operated and shows where it is, never under the bar; rows
 * are walked with j and k, Enter opens, Escape closes and the focus is where it was. The pages are listed in pages.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { NOON } from '../fixtures/seed.ts'
import { sitDown } from './desk.ts'
import { PAGES_UNDER_TEST, type PageUnderTest } from './pages.ts'

const skip = needBrowser()
const desk = sitDown({ skip, size: 12, now: NOON, servers: 'one' })

const MOST_TABS = 220

/** What is wrong with the focus now, or where it is; marks what was reached. */
const LOOK = `(() => {
  const at = document.activeElement
  if (at === null || at === document.body) return { end: true }
  const first = at.dataset.reached !== undefined
  at.dataset.reached = ''
  const name = (at.tagName + ' ' + (at.getAttribute('aria-label') ?? at.textContent ?? '')).slice(0, 60)
  const near = [at, at.parentElement, at.parentElement?.parentElement, at.closest('.cm-editor'), at.nextElementSibling].filter(Boolean)
  const ring = near.some((one) => {
    const style = getComputedStyle(one)
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
  })
  const box = at.getBoundingClientRect()
  const bar = document.querySelector('header.bar')
  const hidden = bar !== null && !bar.contains(at) && at.closest('nav, .skip, dialog, [popover], aside') === null && box.bottom <= bar.getBoundingClientRect().bottom && box.height > 0
  return { end: first, name, ring, hidden }
})()`
const IN_EDITOR = 'document.activeElement.closest(".cm-editor") !== null'
/** An editor shows its ring a moment after it got the focus. */
const LATE_RING = `(() => {
  const box = document.activeElement.closest('.cm-editor')
  return box !== null && getComputedStyle(box).outlineStyle !== 'none'
})()`

/** Things that can be operated and were not reached. A group of radio buttons is one stop, rows are one stop. */
const MISSED = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().height > 0)
  .filter((one) => !(one.type === 'radio' && one.name !== ''))
  .filter((one) => one.closest('[inert]') === null && one.dataset.reached === undefined)
  .map((one) => (one.tagName + ' ' + (one.getAttribute('aria-label') ?? one.textContent ?? '')).slice(0, 60))`

type Focus = { readonly end: boolean; readonly name?: string; readonly ring?: boolean; readonly hidden?: boolean }

async function tabThrough(page: Page): Promise<{ faults: string[]; stops: number }> {
  const faults: string[] = []
  for (let stops = 0; stops < MOST_TABS; stops++) {
    // In an editor Tab indents; Escape first, and it leaves (https://codemirror.net/examples/tab/).
    if ((await page.evaluate(IN_EDITOR)) === true) await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    const at = (await page.evaluate(LOOK)) as Focus
    if (at.end) return { faults, stops }
    if (at.ring === false && !(await comesTrue(page, LATE_RING))) faults.push(`no focus ring: ${at.name}`)
    if (at.hidden === true) faults.push(`under the bar: ${at.name}`)
  }
  return { faults: [...faults, `no end after ${MOST_TABS} stops`], stops: MOST_TABS }
}

async function comesTrue(page: Page, condition: string): Promise<boolean> {
  for (let i = 0; i < 20; i++) {
    if ((await page.evaluate(condition)) === true) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

async function until(page: Page, what: string, condition: string): Promise<void> {
  const end = Date.now() + 10_000
  while ((await page.evaluate(condition)) !== true) {
    if (Date.now() > end) assert.fail(`waited 10 s in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

const ROW = 'document.activeElement.closest("tr, li")?.dataset.id ?? ""'

async function walkRows(page: Page, { walk, path }: PageUnderTest): Promise<void> {
  if (walk === null) return
  await page.getByRole('table', { name: walk.table }).waitFor()
  await page.keyboard.press('j')
  await until(page, 'the first row has the focus', `(${ROW}) !== ""`)
  const first = await page.evaluate(ROW)
  await page.keyboard.press('j')
  await until(page, 'the second row has the focus', `(${ROW}) !== ${JSON.stringify(first)}`)
  await page.keyboard.press('k')
  await until(page, 'the first row has it again', `(${ROW}) === ${JSON.stringify(first)}`)
  await page.keyboard.press('Enter')
  if (walk.opens === 'page') {
    await until(page, 'the page of the row opens', `!location.pathname.endsWith(${JSON.stringify(path.split('?')[0])})`)
    return
  }
  await until(page, 'the peek has the focus', 'document.activeElement.closest("aside") !== null')
  await page.keyboard.press('Escape')
  await until(page, 'the row has the focus again', `(${ROW}) === ${JSON.stringify(first)}`)
  await page.locator('aside.peek').waitFor({ state: 'detached' })
}

/** Opens and closes what is there on every page; the focus comes back to where it was. */
async function overlays(page: Page): Promise<void> {
  await page.locator('a.skip').focus()
  for (const [key, opened] of [
    ['Control+k', 'combobox'],
    ['?', 'dialog'],
  ] as const) {
    await page.keyboard.press(key)
    await page.getByRole(opened).first().waitFor()
    await page.keyboard.press('Escape')
    await until(page, `the focus is back after ${key}`, 'document.activeElement.classList.contains("skip")')
  }
}

for (const one of PAGES_UNDER_TEST) {
  test(`${one.name} by keyboard`, { skip, timeout: 60_000 }, async () => {
    const page = await desk.visit(one.path, { at: NOON })
    await page.getByText(one.ready).locator('visible=true').first().waitFor()
    await until(page, 'the page is loaded', 'document.querySelector("main [aria-busy=true]") === null')
    const { faults, stops } = await tabThrough(page)
    assert.deepEqual(faults, [])
    assert.ok(stops > 12, `only ${stops} stops`)
    assert.deepEqual(await page.evaluate(MISSED), [], 'not reached by Tab')
    await overlays(page)
    await walkRows(page, one)
    await page.context().close()
  })
}
