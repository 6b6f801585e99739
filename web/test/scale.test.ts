/**
 * Ten thousand workloads and five hundred updates a second: the page stays responsive. Measured in a real browser: no task
 * of the main thread takes long in processor time, few rows are in the page, clicks are answered, memory does not grow.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CDPSession, Page } from 'playwright-core'
import { needBrowser } from '../../test/need.ts'
import { enter, newContext } from './browser.ts'
import { sitDown } from './desk.ts'
import { recordTasks, type Task } from './tasks.ts'

const WORKLOADS = 10_000
const UPDATES_PER_SECOND = 500
const LASTS_MS = 12_000
/** Processor time; 45 to 70 was measured on two processors with three times the work they can do. */
const LONG_MS = 100
/** A click is felt as answered at once up to here (INP, "good" is 200 ms); the aim on a quiet machine is 50. */
const ANSWER_MS = 200
const HEAP_GROWTH = 12_000_000

const skip = needBrowser()
const desk = sitDown({ skip, size: WORKLOADS, servers: 'one' })

async function heap(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage')
  return (await cdp.send('Runtime.getHeapUsage')).usedSize
}

/** Five hundred a second by the clock, spread over all workloads; a late timer sends what is due. Ends with the returned function. */
function stream(): () => number {
  let sent = 0
  const started = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * UPDATES_PER_SECOND
    while (sent < due) {
      const w = desk.server.world.workloads[(sent * 37) % WORKLOADS]!
      desk.server.emit('workload.observed', {
        id: w.id,
        at: Date.now(),
        risk: ((sent * 7) % 100) / 100,
        belief: w.belief,
        bytesOut: 4_000,
        bytesIn: 2_000,
      })
      sent++
    }
  }, 20)
  return () => {
    clearInterval(timer)
    return sent
  }
}

/** ms from the click until the frame that shows its answer. */
async function answer(page: Page, column: string): Promise<number> {
  return (await page.evaluate(`new Promise((done) => {
    const button = [...document.querySelectorAll('th button')].find((one) => one.textContent.startsWith('${column}'))
    const start = performance.now()
    button.click()
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)))
  })`)) as number
}

test('Fleet: 10 000 workloads, 500 updates a second', { skip, timeout: 120_000 }, async (context) => {
  const looking = await newContext(desk.browser)
  await enter(looking, desk.server.url)
  const page = await looking.newPage()
  const cdp = await looking.newCDPSession(page)
  const loaded = await recordTasks(page)
  await page.goto(`${desk.server.url}/ui/fleet`)
  await page.getByRole('heading', { level: 1, name: /10.000 workloads/ }).waitFor()
  await page.locator('table.data svg path').first().waitFor()
  const loading = await loaded()

  const before = await heap(cdp)
  const streamed = await recordTasks(page)
  const end = stream()
  const started = Date.now()
  const answers: number[] = []
  const rows: number[] = []
  const columns = ['Belief', 'Workload', 'Risk', 'Now']
  for (let turn = 0; Date.now() - started < LASTS_MS; turn++) {
    answers.push(await answer(page, columns[turn % columns.length]!))
    if (turn % 4 === 1) {
      await page.getByLabel('Filter: Workloads').fill('label:app=shop')
      await page.getByText(/ match\./).waitFor()
      await page.getByLabel('Filter: Workloads').fill('')
      await page.getByText('10 000 rows.').waitFor()
    }
    if (turn % 4 === 3) await page.mouse.wheel(0, 4_000)
    rows.push(await page.locator('table.data tbody tr').count())
    await page.evaluate('new Promise((done) => setTimeout(done, 400))')
  }
  const sent = end()
  const during = await streamed()
  const grown = (await heap(cdp)) - before
  context.diagnostic(
    `${sent} updates; longest tasks, processor/wall ms: loading ${words(loading)}; streaming ${words(during)}; answers ${answers.map(Math.round).join(' ')} ms; heap ${Math.round(grown / 1e3)} kB`,
  )
  assert.ok(sent > UPDATES_PER_SECOND * (LASTS_MS / 1_000) * 0.8, `only ${sent} updates were sent`)
  assert.ok(Math.max(...rows) <= 60, `${Math.max(...rows)} rows in the page`)
  assert.ok((during[0]?.cpuMs ?? 0) < LONG_MS, `a task of ${during[0]?.cpuMs} ms while streaming`)
  assert.ok((loading[0]?.cpuMs ?? 0) < LONG_MS, `a task of ${loading[0]?.cpuMs} ms while loading`)
  assert.ok(median(answers) < ANSWER_MS, `clicks were answered after ${median(answers)} ms`)
  assert.ok(grown < HEAP_GROWTH, `the heap grew by ${grown} bytes`)
  await looking.close()
})

function words(tasks: readonly Task[]): string {
  return tasks.length === 0
    ? 'none'
    : tasks
        .slice(0, 8)
        .map(({ cpuMs, wallMs }) => `${cpuMs}/${wallMs}`)
        .join(' ')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}
