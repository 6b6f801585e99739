/* biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what is asked */
/** The ledger in a real browser: found by who and what, read as far back as it goes, verified in words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { hashOf, olderAudit } from '../fixtures/ledger.ts'
import { until } from './browser.ts'
import { sitDown } from './desk.ts'

const skip = needBrowser()
const desk = sitDown({ skip, size: 24, servers: 'one-each' })

const rows = (page: Page) => page.getByRole('table', { name: 'Records' }).locator('tbody tr[data-id]')

test('records are found by who, what and words; the question is in the address', { skip }, async () => {
  const page = await desk.visit('/ledger')
  await until('all are there', async () => (await rows(page).count()) === 8)
  await page.keyboard.press('/')
  await page.keyboard.type('actor:mira action:plan five')
  await until('one is left', async () => (await rows(page).count()) === 1)
  assert.match(await rows(page).first().innerText(), /Mira[\s\S]*plan\.confirm[\s\S]*pl_412/)
  await page.waitForURL(/q=actor%3Amira\+action%3Aplan\+five/)
  await page.reload()
  await until('the same after a reload', async () => (await rows(page).count()) === 1)
  await page.goto(`${desk.server.url}/ui/ledger?span=1h`)
  await until('those of the last hour', async () => (await rows(page).count()) === 6)
  await page.goto(`${desk.server.url}/ui/ledger?q=nobody-said-this`)
  await page.getByText('No record matches nobody-said-this').waitFor()
  await page.context().close()
})

test('one record whole: its hash, the hash before it, and what it is about', { skip }, async () => {
  const page = await desk.visit('/ledger')
  await rows(page).nth(2).getByRole('button').click()
  const peek = page.getByRole('complementary', { name: 'Record 2212' })
  await peek.getByText(hashOf(2_212), { exact: true }).waitFor()
  await peek.getByText(hashOf(2_211), { exact: true }).waitFor()
  await page.waitForURL(/sel=2212/)
  await peek.getByRole('button', { name: 'Only Mira' }).click()
  await until('only hers', async () => (await rows(page).count()) === 2)
  await rows(page).first().getByRole('button').click()
  await peek.getByRole('link', { name: 'pl_412' }).click()
  await page.getByRole('heading', { level: 1, name: /pg-main/ }).waitFor()
  await page.getByRole('link', { name: 'd_974' }).click()
  await page.getByRole('complementary', { name: 'Decision d_974' }).getByText('Decided from (SHA-256)').waitFor()
  await page.context().close()
})

test('the chain is verified when asked, and a broken one says where and what that means', { skip }, async () => {
  const page = await desk.visit('/ledger')
  await page.getByText('Not verified since this page was opened.').waitFor()
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText(/^Verified: 2214 records, head [0-9a-f]{8}…[0-9a-f]{4}\.$/).waitFor()
  desk.server.world.audit.splice(3, 1)
  await page.getByRole('button', { name: 'Verify again' }).click()
  await page.getByText('The chain is broken at record 2211: row 2211 is missing.').waitFor()
  await page.getByText(/From it on, nothing is proven/).waitFor()
  await page.context().close()
})

test('twelve hundred records are read by scrolling, with as many rows drawn as fit', { skip }, async () => {
  desk.server.world.audit.push(...olderAudit(desk.server.world, Date.now(), 1_200))
  const page = await desk.visit('/ledger')
  await rows(page).first().waitFor()
  const total = async () => Number(await page.getByRole('table', { name: 'Records' }).getAttribute('aria-rowcount')) - 1
  let most = 0
  await until('the first record is reached', async () => {
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
    most = Math.max(most, (await total()) > 200 ? await rows(page).count() : 0)
    return (await total()) === 1_208
  })
  await page.getByText('1208 records shown. That is the first record.').waitFor()
  assert.ok(most > 0 && most <= 80, `${most} rows drawn at once`)
  await page.context().close()
})

test('newer records wait until they are asked for', { skip }, async () => {
  const page = await desk.visit('/ledger')
  await rows(page).first().waitFor()
  const first = desk.server.world.audit[0]!
  desk.server.world.audit.unshift({ ...first, n: first.n + 1, summary: 'Something new was done' })
  desk.server.emit('audit', { n: first.n + 1 })
  const link = page.getByRole('button', { name: 'Show newer records' })
  await link.waitFor()
  assert.equal(await rows(page).count(), 8)
  await link.click()
  await rows(page).first().getByText('Something new was done').waitFor()
  await page.context().close()
})
