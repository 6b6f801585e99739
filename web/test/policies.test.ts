/** Writing a policy in a real browser: mistakes at their place, who is affected while one types, saving, and two people at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { saveBeside, shelvesOf } from '../fixtures/manifests.ts'
import { until } from './browser.ts'
import { sitDown } from './desk.ts'

const skip = needBrowser()
const now = Date.now()
const desk = sitDown({ skip, size: 24, now, servers: 'one-each' })

const HOME = '/policies/payments-stay-home'
const editor = (page: Page) => page.getByRole('textbox', { name: 'Policy in YAML' })
/** Said twice: once for eyes, once for a screen reader. */
const says = (page: Page, text: string) => page.getByText(text).last().waitFor()
const inEditor = async (page: Page) => (await page.locator('.cm-content:focus').count()) === 1
const record = () => shelvesOf(desk.server.world, now).policies.records.get('payments-stay-home')

/** The whole text anew, as by pasting. */
async function write(page: Page, change: (text: string) => string): Promise<void> {
  const box = editor(page)
  await box.focus()
  const lines = await box.locator('.cm-line').allInnerTexts()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(change(lines.map((line) => line.replace(/\n/g, '')).join('\n')))
}

test('a mistake is marked where it is; mended, who is affected follows; saved, the plan is linked', {
  skip,
}, async () => {
  const page = await desk.visit(HOME)
  await says(page, 'The rules of 4 of 24 workloads change.')
  await write(page, (text) => text.replace('action: deny', 'acton: deny'))
  const place = page.getByRole('button', { name: 'line 10' }).first()
  await place.waitFor()
  await page.locator('.cm-lintRange-error').first().waitFor()
  const save = page.getByRole('button', { name: 'Save', exact: true })
  await until('it cannot be saved', () => save.isDisabled())
  await place.click()
  await until('the editor has the focus', () => inEditor(page))

  await write(page, (text) => text.replace('acton: deny', 'action: deny').replace('app: payments', 'app: etl'))
  await says(page, 'The rules of 2 of 24 workloads change.')
  await page.getByRole('link', { name: /etl-worker-07 \(−1\)/ }).waitFor()
  await write(page, (text) => text.replace('mode: observe', 'mode: enforce'))
  await page.getByText('It becomes a change.').waitFor()
  await save.click()
  await page.getByText('Version 3 is saved.').waitFor()
  const kept = record()
  assert.deepEqual(kept?.manifest.kind === 'Policy' ? kept.manifest.spec.subjects : null, { labels: { app: 'etl' } })
  const [first] = desk.server.world.plans
  assert.ok(first)
  desk.server.world.plans.unshift({ ...first, plan: { ...first.plan, createdAt: now + 1_000 } })
  desk.server.emit('plan', { id: first.plan.id, state: 'proposed' })
  await page.getByRole('link', { name: 'Open the plan' }).waitFor()
  await page.context().close()
})

test('a test in the file that fails keeps it from being saved, and says what would be', { skip }, async () => {
  const page = await desk.visit(HOME)
  await page.getByText('1 test passes.').waitFor()
  await write(page, (text) => text.replace('cidr: 203.0.113.0/24', 'cidr: 198.51.100.0/24'))
  await page.getByText('1 of 1 fail.').waitFor()
  await page.getByText('would be allowed').waitFor()
  await until('it cannot be saved', () => page.getByRole('button', { name: 'Save', exact: true }).isDisabled())
  await page.context().close()
})

test('somebody saved meanwhile: theirs, mine or compare', { skip }, async () => {
  const page = await desk.visit(HOME)
  await page.getByText('Nothing is changed.').waitFor()
  await write(page, (text) => text.replace('app: payments', 'app: shop'))
  const other = record()?.manifest ?? assert.fail('it is there')
  saveBeside(desk.server.world, 'policies', { ...other, metadata: { ...other.metadata, description: 'Said Jo.' } }, now)
  const save = page.getByRole('button', { name: 'Save', exact: true })
  await page.getByText('Shown as if it enforced.').waitFor()
  await save.click()
  const note = page.getByRole('alert').filter({ hasText: 'Jo Lindqvist saved version 3' })
  await note.waitFor()
  await note.getByRole('button', { name: 'Compare' }).click()
  await note.getByText('Said Jo.').waitFor()
  await note.getByRole('button', { name: 'Keep mine, save over theirs' }).click()
  await save.click()
  await page.getByText('Version 4 is saved.').waitFor()
  const kept = record()
  assert.deepEqual(kept?.manifest.kind === 'Policy' ? kept.manifest.spec.subjects : null, { labels: { app: 'shop' } })

  await write(page, (text) => text.replace('app: shop', 'app: lab'))
  saveBeside(desk.server.world, 'policies', other, now)
  await save.click()
  await page.getByRole('button', { name: 'Load theirs, drop mine' }).click()
  await editor(page).locator('.cm-line', { hasText: 'app: payments' }).waitFor()
  await page.context().close()
})

test('text that was not saved is there again after another page', { skip }, async () => {
  const page = await desk.visit(HOME)
  await page.getByText('Nothing is changed.').waitFor()
  await write(page, (text) => text.replace('mode: observe', 'mode: suggest'))
  await page.getByRole('link', { name: 'Fleet' }).first().click()
  await page.getByRole('heading', { level: 1, name: /workloads/ }).waitFor()
  await page.goBack()
  await page.getByText('was not saved and is here again').waitFor()
  await editor(page).getByText('suggest').waitFor()
  await page.getByRole('button', { name: 'Drop my changes' }).click()
  await page.getByText('Nothing is changed.').waitFor()
  await editor(page).getByText('observe').waitFor()
  await page.context().close()
})

test('by keyboard alone: Tab indents, Esc then Tab leaves; the schema offers what may stand there', {
  skip,
}, async () => {
  const page = await desk.visit(HOME)
  await editor(page).focus()
  await page.keyboard.press('ControlOrMeta+End')
  await page.keyboard.press('Tab')
  await until('the editor has the focus', () => inEditor(page))
  await page.keyboard.type('prio')
  await page.getByRole('option', { name: /priority/ }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('listbox').waitFor({ state: 'hidden' })
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  await until('the editor has the focus no more', async () => !(await inEditor(page)))
  await page.context().close()
})

test('who may not write reads, and is told why', { skip }, async () => {
  desk.server.role = 'viewer'
  const page = await desk.visit(HOME)
  await page.getByText('Read only: Needs role operator.').waitFor()
  await editor(page).focus()
  await until('it is read only', async () => (await editor(page).getAttribute('aria-readonly')) === 'true')
  const text = (await editor(page).allInnerTexts()).join()
  await page.keyboard.type('mode: off')
  assert.equal((await editor(page).allInnerTexts()).join(), text)
  await until('it cannot be deleted', () => page.getByRole('button', { name: 'Delete…' }).isDisabled())
  await says(page, 'The rules of 4 of 24 workloads change.')
  await page.context().close()
})

test('without an answer the text stays and the panel says so', { skip }, async () => {
  desk.server.failing.set('/v1/manifests/preview', 500)
  const page = await desk.visit(HOME)
  await page.getByRole('alert').getByText('The database does not answer.').waitFor()
  await editor(page).getByText('payments-stay-home').waitFor()
  desk.server.failing.clear()
  await page.getByRole('button', { name: 'Retry' }).click()
  await says(page, 'The rules of 4 of 24 workloads change.')
  await page.context().close()
})

test('a new one from the template, its rules as nftables, and deleted with its consequence', { skip }, async () => {
  const page = await desk.visit('/policies')
  await page.getByRole('link', { name: 'New policy' }).click()
  await says(page, 'The rules of 3 of 24 workloads change.')
  await page.getByRole('button', { name: 'nftables' }).click()
  await page.getByText(/ip daddr 203\.0\.113\.0\/24 counter goto/).waitFor()
  await page.getByRole('button', { name: 'Save as new' }).click()
  await page.getByRole('heading', { level: 1, name: 'new-policy is observed. It drops nothing.' }).waitFor()
  await page.waitForURL('**/ui/policies/new-policy')
  await page.getByRole('button', { name: 'Delete…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Delete new-policy' })
  await dialog.getByText('The rules of no workload change.').waitFor()
  await dialog.getByRole('button', { name: 'Delete policy' }).click()
  await page.getByRole('heading', { level: 1, name: /4 policies/ }).waitFor()
  assert.equal(shelvesOf(desk.server.world, now).policies.records.has('new-policy'), false)
  await page.context().close()
})
