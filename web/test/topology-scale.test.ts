/** Topology at its largest: how long 250 nodes and 600 edges take to draw and to drag, and ten thousand workloads to open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { MAX_EDGES } from '../../src/model/topology.ts'
import { needBrowser } from '../../test/need.ts'
import { enter, newContext } from './browser.ts'
import { sitDown } from './desk.ts'
import { recordTasks, taskWords } from './tasks.ts'

const skip = needBrowser()
const desk = sitDown({ skip, size: 880, servers: 'one' })
const mapOf = (page: Page) => page.locator('.map[data-ready="true"]')

test('250 nodes and 600 edges: drawn at once, dragged without a long task', {
  skip,
  timeout: 120_000,
}, async (context) => {
  const page = await desk.visit('/topology?view=list')
  await page.getByRole('table', { name: 'Paths' }).waitFor()
  const loaded = await recordTasks(page)
  await page.goto(`${desk.server.url}/ui/topology?at=workload:shop`)
  await mapOf(page).waitFor()
  const loading = await loaded.end()
  const label = (await mapOf(page).getAttribute('aria-label')) ?? ''
  const [, nodes, edges] = /: (\d+) nodes in .*?, (\d+) paths/.exec(label) ?? []
  assert.ok(Number(nodes) >= 200, label)
  assert.equal(Number(edges), MAX_EDGES)
  const drawn = (await page.evaluate("performance.getEntriesByName('topology-drawn')[0].duration")) as number
  const box = (await mapOf(page).boundingBox())!
  const dragged = await recordTasks(page)
  await page.evaluate(`(() => { window.frames_ = []; let last = performance.now()
      const tick = (now) => { window.frames_.push(now - last); last = now; window.on_ = requestAnimationFrame(tick) }
      window.on_ = requestAnimationFrame(tick) })()`)
  await page.mouse.move(box.x + 6, box.y + 6)
  await page.mouse.down()
  for (let i = 1; i <= 60; i++) await page.mouse.move(box.x + 6 + i * 3, box.y + 6 + i * 2)
  await page.mouse.up()
  const frames = (await page.evaluate('(cancelAnimationFrame(window.on_), window.frames_.slice(2))')) as number[]
  const dragging = await dragged.end()
  const sorted = [...frames].sort((a, b) => a - b)
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? 0
  context.diagnostic(
    `${nodes} nodes, ${edges} edges: first draw ${Math.round(drawn)} ms; longest tasks, even/processor/wall ms: loading ${taskWords(loading)}, dragging ${taskWords(dragging)}; ${frames.length} frames, median ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, p95 ${Math.round(p95)} ms`,
  )
  // The aims are 300 ms and 100 ms on a quiet machine; here others work on the same two cores.
  assert.ok(drawn < 1_500, `${drawn} ms`)
  assert.ok((dragging[0]?.evenMs ?? 0) < 100, `a task of ${dragging[0]?.evenMs} ms while dragging`)
  await page.context().close()
})

test('10 000 workloads: opens as a list beside a map of segments, without a long task', {
  skip,
  timeout: 120_000,
}, async (context) => {
  await desk.serve(10_000)
  const looking = await newContext(desk.browser)
  await enter(looking, desk.server.url)
  const page = await looking.newPage()
  const loaded = await recordTasks(page)
  await page.goto(`${desk.server.url}/ui/topology`)
  await page.getByRole('table', { name: 'Paths' }).waitFor()
  await mapOf(page).waitFor()
  const [longest] = await loaded.end()
  const [, nodes] = /: (\d+) nodes/.exec((await mapOf(page).getAttribute('aria-label')) ?? '') ?? []
  context.diagnostic(
    `${nodes} nodes drawn; longest task, even/processor/wall ms: ${taskWords(longest ? [longest] : [])}`,
  )
  assert.ok(Number(nodes) <= 250, `${nodes} nodes`)
  assert.ok((await page.getByRole('table', { name: 'Paths' }).locator('tbody tr').count()) <= 200)
  // The aim is 100 on a quiet machine; the first task reads and runs the scripts (see scale.test.ts).
  assert.ok((longest?.evenMs ?? 0) < 150, `a task of ${longest?.evenMs} ms`)
  await looking.close()
})
