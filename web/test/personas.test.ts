/** Personas in a real browser: who wears them, a copy of one's own, versions. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { shelvesOf } from '../fixtures/manifests.ts'
import { type FixtureServer, startFixture } from '../fixtures/server.ts'
import { personaRows } from '../src/pages/personas/wearers.ts'
import { enter, launchBrowser, newContext } from './browser.ts'

const skip = needBrowser()
const now = Date.now()
let browser: Browser
let server: FixtureServer
before(async () => {
  if (skip !== false) return
  browser = await launchBrowser()
  server = await startFixture({ now, size: 24 })
})
after(async () => {
  await browser?.close()
  await server?.close()
})

async function visit(path: string): Promise<Page> {
  const context = await newContext(browser)
  await enter(context, server.url)
  const page = await context.newPage()
  await page.goto(`${server.url}/ui${path}`)
  await page.getByRole('heading', { level: 1, name: /\S/ }).waitFor()
  return page
}

test('counts are those of the fleet, and the wearers are a link away', { skip }, async () => {
  const records = [...shelvesOf(server.world, now).personas.records.values()]
  const rows = personaRows(records, server.world.workloads)
  const database = rows.find((row) => row.id === 'database') ?? assert.fail('it ships')
  assert.ok(database.worn.length > 0)
  const page = await visit('/personas?q=Database')
  const row = page.getByRole('row', { name: /Answers API servers and analysts/ })
  await row.getByText(String(database.worn.length), { exact: true }).first().waitFor()
  await row.getByRole('link').click()
  await page.getByRole('heading', { level: 1, name: `${database.worn.length} workloads wear Database.` }).waitFor()
  await page.getByText('its outbound traffic is dropped').waitFor()
  await page.getByRole('link', { name: /Open them in Fleet/ }).click()
  await page.getByText(`${database.worn.length} of 24 match.`).waitFor()
  await page.context().close()
})

test('a copy of one that ships is saved beside it, and has a version of its own', { skip }, async () => {
  const page = await visit('/personas/data-exporter')
  await page.getByRole('link', { name: 'Make your own copy' }).click()
  await page.getByRole('textbox', { name: 'Persona in YAML' }).getByText('Data Exporter Copy').waitFor()
  await page.getByText('It is about no workload, so it does nothing.').waitFor()
  await page.getByRole('button', { name: 'Save as new' }).click()
  await page.getByRole('heading', { level: 1, name: 'Nobody wears Data Exporter Copy.' }).waitFor()
  await page.getByRole('button', { name: 'Versions' }).click()
  await page.getByText('by Mira Okafor').waitFor()
  await page.getByText('name: Data Exporter Copy').waitFor()
  assert.equal(shelvesOf(server.world, now).personas.records.get('data-exporter')?.version, 1)
  await page.context().close()
})
