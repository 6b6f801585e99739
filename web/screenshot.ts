/**
 * `node web/screenshot.ts [FILE]` writes the picture of the README (default docs/fleet.png) from the seeded fixture:
 * the same seed, moment and fonts give the same picture.
 */
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { NOON, random } from './fixtures/seed.ts'
import { startFixture, TOKEN } from './fixtures/server.ts'
import { launchBrowser, open } from './test/browser.ts'

const file = resolve(process.argv[2] ?? new URL('../docs/fleet.png', import.meta.url).pathname)
/** Fetches of the fleet before the picture: each is a point of the sparklines. */
const READINGS = 18
const server = await startFixture({ size: 14 })
const first = server.world.workloads.map((w) => w.rate)
const browser = await launchBrowser()
try {
  const next = random(11)
  const page = await open(browser, {
    url: server.url,
    token: TOKEN,
    path: '/fleet',
    at: NOON,
    size: { width: 1440, height: 1000 },
  })
  const walk = server.world.workloads.map(() => 0.95)
  for (let n = 0; n < READINGS; n++) {
    for (const [i, w] of server.world.workloads.entries()) {
      const last = n === READINGS - 1
      const grows = w.id === 'w_0001' ? 0.2 + (n / READINGS) ** 3 * 0.8 : 1
      walk[i] = Math.min(1.15, Math.max(0.8, walk[i]! + (next() - 0.5) * 0.22))
      const factor = last ? 1 : grows * walk[i]!
      server.world.workloads[i] = { ...w, rate: { out: first[i]!.out * factor, in: first[i]!.in * factor } }
    }
    const read = page.waitForResponse((response) => response.url().includes('/v1/workloads?'))
    server.emit('plan', { id: 'pl_413' })
    await read
  }
  await page.getByText('Live', { exact: true }).waitFor()
  mkdirSync(dirname(file), { recursive: true })
  await page.screenshot({ path: file, fullPage: true })
} finally {
  await browser.close()
  await server.close()
}
console.log(`${file}: ${Math.round(statSync(file).size / 1000)} kB`)
