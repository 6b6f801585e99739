/** What a file of console tests sits at: one browser and one seeded server, made before its tests and gone after them. */
import { after, before, beforeEach } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type FixtureServer, startFixture } from '../fixtures/server.ts'
import { enter, type Look, launchBrowser, newContext } from './browser.ts'

export type Desk = {
  readonly browser: Browser
  readonly server: FixtureServer
  /** Puts another server in the place of the one there is. */
  serve(size: number): Promise<void>
  /** A signed-in page in a context of its own, when its heading stands, nothing in it is loading and it is live. */
  visit(path: string, look?: Look): Promise<Page>
}

type Options = {
  /** of needBrowser(): nothing is started when the tests are skipped */
  readonly skip: string | false
  readonly size: number
  /** what the server calls now; left out, the time of the day */
  readonly now?: number
  /** tests that write want a server of their own each */
  readonly servers: 'one' | 'one-each'
}

export function sitDown({ skip, size, now, servers }: Options): Desk {
  let browser: Browser | undefined
  let server: FixtureServer | undefined
  const serve = async (workloads: number) => {
    await server?.close()
    server = await startFixture({ now: now ?? Date.now(), size: workloads })
  }
  before(async () => {
    if (skip !== false) return
    browser = await launchBrowser()
    if (servers === 'one') await serve(size)
  })
  beforeEach(async () => {
    if (skip === false && servers === 'one-each') await serve(size)
  })
  after(async () => {
    await browser?.close()
    await server?.close()
  })
  const there = <T>(thing: T | undefined): T => {
    if (thing === undefined)
      throw new Error('before the tests of this file have begun there is neither browser nor server')
    return thing
  }
  return {
    get browser() {
      return there(browser)
    },
    get server() {
      return there(server)
    },
    serve,
    async visit(path, look = {}) {
      const context = await newContext(there(browser), look)
      await enter(context, there(server).url)
      const page = await context.newPage()
      await page.goto(`${there(server).url}/ui${path}`)
      await page.getByRole('heading', { level: 1, name: /\S/ }).waitFor()
      await page.getByText('Live', { exact: true }).first().waitFor()
      await page.locator('main [aria-busy=true]').first().waitFor({ state: 'detached' })
      return page
    },
  }
}
