/* biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what is asked */
/** Plans in a real browser: who may say yes, a countdown that is the host's, the way back from a telephone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import type { PlanId } from '../../src/model/ids.ts'
import type { PlanRecord } from '../../src/model/records.ts'
import { needBrowser } from '../../test/need.ts'
import { enter, NARROW, newContext, until } from './browser.ts'
import { sitDown } from './desk.ts'

const skip = needBrowser()
const desk = sitDown({ skip, size: 24, servers: 'one-each' })

/** A change that two people are asked for. */
function propose(by: string): void {
  const base = desk.server.world.plans[1]!
  const plan: PlanRecord['plan'] = {
    ...base.plan,
    id: 'pl_414' as PlanId,
    generation: { ...base.plan.generation, n: 414 },
    approval: 'two',
    proposedBy: by,
    createdAt: Date.now(),
  }
  desk.server.world.plans.unshift({ ...base, plan, state: 'proposed', approvedBy: [], updatedAt: Date.now() })
}

/** The host that counts for generation 413 undoes it so many seconds from now. */
function countTo(seconds: number): number {
  const at = desk.server.world.agents.findIndex((one) => one.applied?.deadline != null)
  const agent = desk.server.world.agents[at]!
  const deadline = Date.now() + seconds * 1_000
  desk.server.world.agents[at] = { ...agent, applied: { ...agent.applied!, deadline } }
  return deadline
}

const isDisabled = (page: Page, name: string) =>
  page.getByRole('button', { name }).and(page.locator(':disabled')).waitFor()

const secondsLeft = async (page: Page): Promise<number> => {
  const [, m, s] = /(\d+):(\d\d)/.exec(await page.getByRole('timer').innerText()) ?? []
  return Number(m) * 60 + Number(s)
}

test('a proposed plan is found, opened and approved by keyboard alone', { skip }, async () => {
  propose('session:Jonas')
  const page = await desk.visit('/plans')
  await page.getByRole('heading', { level: 1, name: 'Two plans wait for a person.' }).waitFor()
  await page.getByLabel('Filter: Plans').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('generation=414')
  await page.getByText('1 of 6').waitFor({ state: 'detached' })
  await until('one row is left', async () => (await page.getByRole('table').locator('tbody tr').count()) === 1)
  await page.keyboard.press('Tab')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Shift pg-main and api-gw-1' }).waitFor()
  await page.getByText('waits for 2 people').waitFor()
  await page.keyboard.press('c')
  await page.getByRole('dialog').getByText('After you, one more person is asked.').waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('You approved it already. A second person approves it, too.').waitFor()
  const [write] = desk.server.received.filter((one) => one.path.startsWith('/v1/plans'))
  assert.equal(write?.path, '/v1/plans/pl_414/approve')
  await isDisabled(page, 'Approve…')
  await page.context().close()
})

test('your own proposal is not yours to approve, and the page says so', { skip }, async () => {
  propose('session:Mira Okafor')
  const page = await desk.visit('/plans/pl_414')
  await page.getByText('You proposed this plan, so someone else approves it.').waitFor()
  await isDisabled(page, 'Approve…')
  await page.keyboard.press('c')
  assert.equal(await page.getByRole('dialog').count(), 0)
  await page.context().close()
})

test('what a role may not do stays visible and names the role', { skip }, async () => {
  desk.server.role = 'viewer'
  const page = await desk.visit('/plans/pl_413')
  await page.getByText('Needs role operator.').first().waitFor()
  for (const name of ['Confirm', 'Roll back now']) await isDisabled(page, name)
  await page.context().close()
})

test('a reload at 0:40 keeps 0:40; the last seconds say so in words', { skip }, async () => {
  const deadline = countTo(40)
  const page = await desk.visit('/plans/pl_413')
  const wanted = () => Math.ceil((deadline - Date.now()) / 1_000)
  const agrees = async () => Math.abs((await secondsLeft(page)) - wanted()) <= 2
  await until('the page counts as the host does', agrees)
  await page.reload()
  await until('the page counts as the host does after a reload', agrees)
  assert.ok((await secondsLeft(page)) <= 40)
  countTo(12)
  await page.reload()
  await page.getByRole('heading', { name: /^Undoing in \d+ s$/ }).waitFor()
  await page.getByText('10 seconds left.').waitFor({ state: 'attached' })
  await page.context().close()
})

test('the server goes away mid-countdown: time goes on, nothing can be pressed, and the end is told truly', {
  skip,
}, async () => {
  countTo(6)
  const page = await desk.visit('/plans/pl_413')
  desk.server.streams = 'refused'
  desk.server.dropStreams()
  await page.getByText(/goes on without it/).waitFor()
  for (const name of ['Confirm', 'Roll back now']) await isDisabled(page, name)
  const seen = await secondsLeft(page)
  await until('time goes on', async () => (await secondsLeft(page)) < seen)
  await page.getByText('rack2-h04 has restored generation 412 unless somebody confirmed it.').waitFor()
  await until('no time is left', async () => (await secondsLeft(page)) === 0)
  await page.context().close()
})

test('confirm says which probe is still open; what came of it is said, and the block goes', { skip }, async () => {
  const page = await desk.visit('/plans/pl_413')
  await page.getByRole('button', { name: 'Confirm' }).waitFor()
  await page.keyboard.press('c')
  await page.getByRole('dialog').getByText('Not passed yet: backup uploads.').waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('Confirmed. Generation 413 stays in force.').waitFor()
  await page.getByRole('timer').waitFor({ state: 'detached' })
  assert.deepEqual(
    desk.server.received.map((one) => one.path),
    ['/v1/plans/pl_413/confirm'],
  )
  await page.context().close()
})

test('at 390 px a plan is rolled back in three taps from the list', { skip }, async () => {
  const page = await desk.visit('/plans', { size: NARROW })
  await page.getByRole('link', { name: /Contain etl-worker-07/ }).tap()
  await page.getByRole('button', { name: 'Roll back now' }).tap()
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).tap()
  await page.getByText('Rolled back. Generation 413 is no longer in force.').waitFor()
  const [write] = desk.server.received
  assert.equal(write?.path, '/v1/plans/pl_413/rollback')
  await page.getByText('Step 5 of 5:').waitFor()
  await page.context().close()
})

test('who said yes, with time, words and what was signed; who is still asked, and who it cannot be', {
  skip,
}, async () => {
  propose('session:Jonas')
  const page = await desk.visit('/plans/pl_414')
  const panel = page.getByRole('region', { name: 'Approvals' })
  await until('two are asked', async () => (await panel.getByRole('listitem').count()) === 2)
  assert.match(await panel.getByRole('listitem').first().innerText(), /An approver\s+asked since .*· not Jonas\s+waits/)
  await panel.getByText('approval/half-the-fleet').waitFor()
  desk.server.world.plans[0] = { ...desk.server.world.plans[0]!, approvedBy: ['Lee'] }
  await page.reload()
  await panel.getByText('Lee', { exact: true }).waitFor()
  const [given, open] = await panel.getByRole('listitem').allInnerTexts()
  assert.match(given!, /Lee\s+\d\d:\d\d:\d\d · “Matches the alert from finance.”\s+signed for 2 of \d+ hosts\s+signed/)
  assert.match(open!, /Another approver\s+asked since .* · not Jonas, Lee\s+waits/)
  await page.context().close()
})

test('back to a generation: what it would change first, then one question, then automation is held until resumed', {
  skip,
}, async () => {
  const page = await desk.visit('/plans/pl_408')
  await page.getByRole('link', { name: 'Back to generation 408…' }).click()
  await page.getByRole('heading', { level: 1, name: 'Back to generation 408' }).waitFor()
  await page.getByText('Generation 412, in force now, against generation 408').waitFor()
  await page.getByRole('region', { name: 'What changes' }).getByText('3 rules, 1 facet').waitFor()
  assert.equal(desk.server.received.length, 0, 'a look asks for nothing')
  await page.keyboard.press('r')
  await page.getByLabel('Reason for the record').fill('the shop is down')
  await page.keyboard.press('Tab')
  await page.getByRole('dialog').getByRole('button', { name: 'Go back' }).press('Enter')
  await page.waitForURL(/\/plans\/pl_415$/)
  const writes = desk.server.received.map(({ path, body }) => [path, JSON.parse(body)])
  assert.deepEqual(writes, [['/v1/plans/rollback', { to: 408, why: 'the shop is down' }]])
  await page.getByRole('link', { name: 'Plans' }).first().click()
  const held = page.getByRole('region', { name: 'Automation is held at a generation' })
  await held.getByText(/Held at generation 408: the shop is down/).waitFor()
  await held.getByRole('button', { name: 'Resume…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click()
  await held.waitFor({ state: 'detached' })
  await page.context().close()
})

test('the way back is refused with its reason, and to a role that may not', { skip }, async () => {
  const page = await desk.visit('/plans/back/412')
  await page.getByText('Every workload wears what it wore in generation 412.').waitFor()
  desk.server.role = 'viewer'
  await page.goto(`${desk.server.url}/ui/plans/back/408`)
  await page.getByText('Needs role operator.').waitFor()
  await isDisabled(page, 'Go back…')
  await page.context().close()
})

test('the countdown is the host’s where the clock of the browser is wrong by an hour', { skip }, async () => {
  for (const wrongMs of [-3_600_000, 3_600_000]) {
    const deadline = countTo(90)
    const context = await newContext(desk.browser, {})
    await context.clock.install({ time: Date.now() + wrongMs })
    await enter(context, desk.server.url)
    const page = await context.newPage()
    await page.goto(`${desk.server.url}/ui/plans/pl_413`)
    await page.getByRole('timer').waitFor()
    const agrees = async () => Math.abs((await secondsLeft(page)) - (deadline - Date.now()) / 1_000) <= 2
    await until('the page counts as the host does', agrees)
    await page.goto(`${desk.server.url}/ui/fleet`)
    const row = page.getByRole('timer').first()
    await row.waitFor()
    await until('so does the Fleet', async () => {
      const [, m, s] = /(\d+):(\d\d)/.exec(await row.innerText()) ?? []
      return Math.abs(Number(m) * 60 + Number(s) - (deadline - Date.now()) / 1_000) <= 2
    })
    await context.close()
  }
})

test('what changes: rules by meaning, then the lines of the table, then the document', { skip }, async () => {
  const page = await desk.visit('/plans/pl_413')
  const panel = page.getByRole('region', { name: 'What changes' })
  await panel.getByText('4 rules, 1 facet').waitFor()
  const rows = await panel.getByRole('table').first().locator('tbody tr').allInnerTexts()
  assert.equal(rows.length, 5)
  assert.match(rows[2]!, /allow\s+anyone\s+443 tcp · Data Exporter[\s\S]*drop\s+everything outbound/)
  await panel.getByRole('button', { name: 'nftables' }).click()
  await panel.getByText('chain c_5f2e8c01 {').waitFor()
  await page.waitForURL(/form=nft/)
  await panel.getByRole('button', { name: 'JSON' }).click()
  await panel.getByText('"generation": {').waitFor()
  const squares = page.getByRole('img', { name: /1 of 24 workloads change/ })
  await until('one square a workload', async () => (await squares.locator('rect').count()) === 24)
  await page.context().close()
})

test('a plan that is not there says so, and one that ended says how', { skip }, async () => {
  const page = await desk.visit('/plans/pl_410')
  await page.getByRole('list', { name: 'How far it is' }).getByText('Expired').waitFor()
  await page.getByRole('timer').waitFor({ state: 'detached' })
  await page.goto(`${desk.server.url}/ui/plans/pl_none`)
  await page.getByRole('heading', { level: 1, name: 'There is no plan pl_none.' }).waitFor()
  await page.context().close()
})

test('the list keeps its question in the address', { skip }, async () => {
  const page = await desk.visit('/plans?show=over')
  const rows = page.getByRole('table').locator('tbody tr')
  await until('three ended otherwise', async () => (await rows.count()) === 3)
  await page.getByRole('button', { name: 'Waiting' }).click()
  await until('one waits', async () => (await rows.count()) === 1)
  await page.waitForURL(/show=waiting/)
  await rows.filter({ hasText: /Contain etl-worker-07[\s\S]*Confirming[\s\S]*\d:\d\d/ }).waitFor()
  await page.context().close()
})
