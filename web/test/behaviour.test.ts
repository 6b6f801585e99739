/* biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what is asked */
/** What the console promises a person while data streams in, in a real browser, by roles and names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import type { WorkloadRecord } from '../../src/model/records.ts'
import { needBrowser } from '../../test/need.ts'
import { TOKEN } from '../fixtures/server.ts'
import { NARROW, newContext, until } from './browser.ts'
import { sitDown } from './desk.ts'

const skip = needBrowser()
const desk = sitDown({ skip, size: 24, servers: 'one-each' })

const names = (page: Page): Promise<string[]> => page.locator('table.data tbody b.name').allInnerTexts()

/** A new reading, in the record and in the stream, as the server has it. */
function observe(w: WorkloadRecord, risk: number): void {
  const at = desk.server.world.workloads.findIndex((one) => one.id === w.id)
  desk.server.world.workloads[at] = { ...w, risk: w.risk && { ...w.risk, value: risk } }
  desk.server.emit('workload.observed', { id: w.id, at: Date.now(), risk, belief: w.belief })
}

/** Gives everyone a new risk, so that the sorted order is another one. */
function stir(turn: number): number[] {
  return desk.server.world.workloads.map((w, i) => {
    const risk = ((i * 7 + turn * 5) % 24) / 30
    observe(w, risk)
    return risk
  })
}
const sorted = (risks: readonly number[]): number[] => [...risks].sort((a, b) => b - a)

test('the first-run link signs in, and its token leaves the address', { skip }, async () => {
  const context = await newContext(desk.browser)
  const page = await context.newPage()
  await page.goto(`${desk.server.url}/ui/#token=${TOKEN}`)
  await page.getByRole('heading', { level: 1, name: /24 workloads/ }).waitFor()
  await page.waitForURL(`${desk.server.url}/ui/fleet`)
  await context.close()
})

test('a pasted token that is not known is said so beside the field; the right one opens', { skip }, async () => {
  const context = await newContext(desk.browser)
  const page = await context.newPage()
  await page.goto(`${desk.server.url}/ui/activity`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('No token is given. Paste one.').waitFor()
  await page.getByLabel('Token', { exact: true }).fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('This token is unknown, used up or expired.').waitFor()
  await page.getByLabel('Token', { exact: true }).fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: /under way/ }).waitFor()
  await page.getByRole('button', { name: /Account of/ }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in with a token' }).waitFor()
  await context.close()
})

test('rows never move while someone reads; the link moves them', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.locator('table.data tbody tr').first().hover()
  const order = await names(page)
  const figures = async () => (await page.locator('table.data tbody .risk .n').allInnerTexts()).map(Number)
  for (let turn = 0; turn < 3; turn++) {
    const all = stir(turn).map((risk) => Number(risk.toFixed(2)))
    await until('all new figures are shown', async () => sorted(await figures()).join() === sorted(all).join())
    assert.deepEqual(await names(page), order)
  }
  const moved = page.getByRole('button', { name: /rows? would move/ })
  await moved.waitFor()
  await moved.click()
  await until('the order follows', async () => (await names(page)).join() !== order.join())
  const risks = await figures()
  assert.deepEqual(risks, sorted(risks))
  await page.context().close()
})

test('selected text survives two hundred updates', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.locator('table.data tbody b.name').nth(3).selectText()
  const selected = () => page.evaluate('String(getSelection())')
  const before = await selected()
  assert.notEqual(before, '')
  for (let turn = 0; turn < 10; turn++) stir(turn)
  await page.getByRole('button', { name: /would move/ }).waitFor()
  assert.equal(await selected(), before)
  await page.context().close()
})

test('a burst of events costs few renders', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.locator('table.data tbody tr').first().waitFor()
  await page.evaluate(
    'window.changes = 0; new MutationObserver(() => window.changes++).observe(document.querySelector("table.data"), { subtree: true, childList: true, characterData: true, attributes: true })',
  )
  for (let turn = 0; turn < 40; turn++) stir(turn)
  await page.getByRole('button', { name: /would move/ }).waitFor()
  const changes = Number(await page.evaluate('window.changes'))
  assert.ok(changes > 0 && changes < 40, `960 events made ${changes} batches of changes`)
  await page.context().close()
})

test('a pause holds everything back, counts it, and lets go', { skip }, async () => {
  const page = await desk.visit('/fleet')
  const cell = page.locator('table.data tbody tr', { hasText: 'etl-worker-07' }).locator('.risk .n')
  assert.equal(await cell.innerText(), '0.83')
  await page.keyboard.press('.')
  await page.getByText('Paused').waitFor()
  observe(desk.server.world.workloads[0]!, 0.91)
  await page.getByText('Paused, 1 change waiting').waitFor()
  assert.equal(await cell.innerText(), '0.83')
  await page.keyboard.press('.')
  await until('the change is shown', async () => (await cell.innerText()) === '0.91')
  await page.context().close()
})

test('by keyboard alone: filter, walk, open, why, confirm', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.keyboard.press('/')
  await page.keyboard.type('label:app=etl')
  await until('the filter holds', async () => (await names(page)).length === 2)
  await page.waitForURL(/q=label%3Aapp%3Detl/)
  await page.keyboard.press('Tab')
  await page.keyboard.press('j')
  await until(
    'the first row has the focus',
    async () => (await page.evaluate('document.activeElement.className')) === 'row-link',
  )
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'etl-worker-07' }).waitFor()
  await page.keyboard.press('w')
  await until('why has the focus', async () => (await page.evaluate('document.activeElement.id')) === 'why-panel')
  await page.keyboard.press('c')
  await page.getByRole('dialog').getByText('Undoes itself at').waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('Confirmed. Generation 413 stays in force.').waitFor()
  const [write] = desk.server.received.filter((r) => r.path.startsWith('/v1/plans'))
  assert.equal(write?.path, '/v1/plans/pl_413/confirm')
  assert.equal(write?.csrf, 'csrf-of-the-fixture')
  await page.context().close()
})

test('the palette goes to a workload and to its why', { skip }, async () => {
  const page = await desk.visit('/activity')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').waitFor()
  await page.keyboard.type('why pg-main')
  await page.getByRole('option', { name: /Why pg-main/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'pg-main' }).waitFor()
  await page.waitForURL(/\?why=risk$/)
  await page.keyboard.press('g')
  await page.keyboard.press('f')
  await page.getByRole('heading', { level: 1, name: /workloads/ }).waitFor()
  await page.context().close()
})

test('a reload keeps the countdown: the timer is the host’s', { skip }, async () => {
  const page = await desk.visit('/workloads/w_0001')
  const deadline = desk.server.world.agents.map((a) => a.applied?.deadline).find((at) => at != null)!
  const left = async () => {
    const text = await page.getByRole('button', { name: /Confirm plan/ }).innerText()
    const [, m, s] = /(\d):(\d\d)/.exec(text) ?? []
    return Number(m) * 60 + Number(s)
  }
  const wanted = () => (deadline - Date.now()) / 1_000
  const agrees = async () => Math.abs((await left()) - wanted()) < 3
  await until('the page counts as the host does', agrees)
  await page.reload()
  await page.getByRole('button', { name: /Confirm plan \d/ }).waitFor()
  await until('the page counts as the host does after a reload', agrees)
  await page.context().close()
})

test('when the server goes away the page says so, dims, keeps counting and recovers', { skip }, async () => {
  const page = await desk.visit('/workloads/w_0001')
  desk.server.streams = 'refused'
  desk.server.dropStreams()
  await page.getByText(/Reconnecting, last data \d\d:\d\d:\d\d/).waitFor()
  await page.getByRole('button', { name: 'Shift…' }).and(page.locator(':disabled')).waitFor()
  await page.getByRole('button', { name: /Confirm plan \d/ }).click()
  await page.getByText('The server cannot be reached. The host still undoes it by itself.').first().waitFor()
  desk.server.streams = 'served'
  await page.keyboard.press('Escape')
  await page.reload()
  await page.getByText('Live', { exact: true }).waitFor()
  await page.context().close()
})

test('one panel fails, the others live on, and Retry brings it back', { skip }, async () => {
  desk.server.failing.set('/v1/workloads/w_0001/conversations', 503)
  const page = await desk.visit('/workloads/w_0001')
  await page.getByRole('alert').getByText('The database does not answer.').waitFor()
  await page.getByText('req-1').waitFor()
  await page.getByText('Reads the payments database').first().waitFor()
  desk.server.failing.clear()
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('cell', { name: /203\.0\.113\.77/ }).waitFor()
  await page.context().close()
})

test('a dropped flow names policy, rule and expiry', { skip }, async () => {
  const page = await desk.visit('/workloads/w_0001')
  const row = page.getByRole('row', { name: /203\.0\.113\.77/ })
  await row.getByText('dropped', { exact: true }).waitFor()
  await row.getByRole('link').click()
  const why = page.getByRole('complementary')
  await why.getByRole('heading', { name: 'Why is 203.0.113.77 dropped?' }).waitFor()
  const text = await why.innerText()
  for (const part of [
    "meets Data Exporter's rule risk ≥ 0.7",
    'persona:data-exporter/mitigation/0',
    'in 3',
    'generation 413',
    '0.83',
  ]) {
    assert.ok(text.includes(part), `${part} in: ${text}`)
  }
  await page.context().close()
})

test('the palette answers why one address is cut from another', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.locator('table.data tbody tr').first().waitFor()
  const [address] = desk.server.world.workloads.find((w) => w.id === 'w_0001')?.report.addresses ?? []
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('combobox').fill(`why ${address} to 203.0.113.9:443`)
  await page.getByRole('option', { name: 'Why etl-worker-07 to 203.0.113.9:443?' }).waitFor()
  await page.keyboard.press('Enter')
  const why = page.getByRole('complementary')
  await why.getByRole('heading', { name: 'Why is 203.0.113.9 dropped?' }).waitFor()
  await why.getByText('It did not speak with it in the last hour, port 443.').waitFor()
  await page.context().close()
})

test('what is cut off is listed with its end, and can be released', { skip }, async () => {
  const at = desk.server.world.workloads.findIndex((w) => w.id === 'w_0001')
  const held = desk.server.world.plans.findIndex((p) => p.plan.id === 'pl_413')
  desk.server.world.plans[held] = { ...desk.server.world.plans[held]!, state: 'confirmed' }
  desk.server.world.workloads[at] = { ...desk.server.world.workloads[at]!, containedUntil: Date.now() + 600_000 }
  const page = await desk.visit('/fleet')
  await page.getByText(/^etl-worker-07 is contained until \d\d:\d\d$/).waitFor()
  await page
    .locator('table.data tbody tr', { hasText: 'etl-worker-07' })
    .getByText(/contained until/)
    .waitFor()
  await page.getByRole('button', { name: 'Release…' }).first().click()
  await page.getByRole('button', { name: 'Release now' }).click()
  await page.getByText(/^Released\./).waitFor()
  await until('the server was asked', () => desk.server.received.some((r) => r.path === '/v1/plans/pl_413/rollback'))
  await page.context().close()
})

test('a session that ended leads to the door, and a used link says what to do', { skip }, async () => {
  const page = await desk.visit('/fleet')
  desk.server.failing.set('/v1/plans', 401)
  desk.server.emit('plan', { id: 'pl_413' })
  await page.getByText('Your session has ended.').waitFor()
  await page.goto(`${desk.server.url}/ui/fleet`)
  await page.context().clearCookies()
  await page.goto('about:blank')
  await page.goto(`${desk.server.url}/ui/#token=used`)
  await page.getByText('This link was used already, or is of another server.').waitFor()
  await page.context().close()
})

test('on a phone a rollback takes three taps', { skip }, async () => {
  const page = await desk.visit('/fleet', { size: NARROW })
  await page.getByRole('button', { name: 'Open plan' }).tap()
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back now' }).tap()
  await page.getByText('Rolled back. Generation 413 is no longer in force.').waitFor()
  assert.equal(
    desk.server.received.some((r) => r.path === '/v1/plans/pl_413/rollback'),
    true,
  )
  await page.context().close()
})

test('a person says what a workload is, and is told what was learnt from', { skip }, async () => {
  const page = await desk.visit(`/workloads/${desk.server.world.workloads[3]!.id}`)
  await page.getByRole('button', { name: /Say what it is/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Say so' }).click()
  await dialog.getByText('No persona is chosen. Choose one.').waitFor()
  await dialog.getByLabel('It is a').selectOption('Database')
  await dialog.getByRole('button', { name: 'It is a Database' }).click()
  await page.getByText(/is a Database: learnt from 12 windows/).waitFor()
  await page.context().close()
})

test('who may not act sees the button, disabled, with the reason', { skip }, async () => {
  desk.server.role = 'viewer'
  const page = await desk.visit('/workloads/w_0001')
  const shift = page.getByRole('button', { name: 'Shift…' })
  await shift.waitFor()
  await until('it is disabled', () => shift.isDisabled())
  assert.equal(await shift.getAttribute('title'), 'Needs role operator.')
  await page.context().close()
})

test('a hostile name is text, never markup', { skip }, async () => {
  const evil = `"><img src=x onerror="document.title='owned'">\u202egnp.exe`
  const w = desk.server.world.workloads[5]!
  desk.server.world.workloads[5] = { ...w, report: { ...w.report, name: evil } }
  const page = await desk.visit(`/workloads/${w.id}`)
  await page.getByRole('heading', { level: 1 }).getByText('onerror').waitFor()
  assert.equal(await page.locator('img[src=x]').count(), 0)
  assert.notEqual(await page.title(), 'owned')
  await page.context().close()
})

test('the theme is chosen once and is there from the first paint', { skip }, async () => {
  const page = await desk.visit('/fleet')
  await page.keyboard.press('Control+.')
  const scheme = () => page.evaluate('document.documentElement.dataset.theme')
  await until('dark', async () => (await scheme()) === 'dark')
  await page.goto(`${desk.server.url}/ui/theme.js`)
  await page.goto(`${desk.server.url}/ui/fleet`, { waitUntil: 'commit' })
  await until('dark again', async () => (await scheme()) === 'dark')
  await page.context().close()
})

test('every address opens from cold, and an unknown one says so', { skip }, async () => {
  const page = await desk.visit('/fleet')
  for (const [path, heading] of [
    ['/workloads/w_0001/conversations', /etl-worker-07/],
    ['/workloads/w_0001/rules', /etl-worker-07/],
    ['/activity?kind=plan', /under way/],
    ['/workloads/w_none', /not known/],
    ['/nowhere', /no page/],
    ['/sign-in', /workloads/],
  ] as const) {
    await page.goto(`${desk.server.url}/ui${path}`)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
  }
  await page.context().close()
})

test('five thousand rows: few are in the page, walking to the end works', { skip }, async () => {
  await desk.serve(5_000)
  const page = await desk.visit('/fleet')
  await page.getByRole('heading', { level: 1, name: /5000 workloads/ }).waitFor()
  assert.ok((await page.locator('table.data tbody tr').count()) < 60)
  assert.equal(await page.getByRole('table').first().getAttribute('aria-rowcount'), '5001')
  await page.evaluate('scrollTo(0, document.body.scrollHeight)')
  await page.locator('tr[aria-rowindex="5001"]').waitFor()
  assert.ok((await page.locator('table.data tbody tr').count()) < 60)
  await page.context().close()
})
