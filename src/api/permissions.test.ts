/** Who may do what, as a golden file; every route has a row, every row a route; the gate does what the table says. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiFixture, LOOPBACK } from '../../test/api.ts'
import { ROLES } from '../model/records.ts'
import { PERMISSIONS, routeKey } from './permissions.ts'

const GOLDEN = new URL('./permissions.golden.txt', import.meta.url)

function tableText(): string {
  const head = `${'route'.padEnd(36)}${['nobody', ...ROLES].map((role) => role.padEnd(10)).join('')}`.trimEnd()
  const rows = Object.entries(PERMISSIONS).map(([key, who]) => {
    const may = ['nobody', ...ROLES].map((role) =>
      who === 'public' || (who as readonly string[]).includes(role) ? 'yes' : '-',
    )
    return `${key.padEnd(36)}${may.map((word) => word.padEnd(10)).join('')}`.trimEnd()
  })
  return `${[head, ...rows.sort()].join('\n')}\n`
}

test('the permission table is what was reviewed (GUISE_GOLDEN=write rewrites it)', () => {
  const text = tableText()
  if (process.env.GUISE_GOLDEN === 'write') writeFileSync(GOLDEN, text)
  assert.equal(text, readFileSync(GOLDEN, 'utf8'))
})

test('routes and rows are the same set, at the root and under /v1; each role gets through exactly where it may', async () => {
  await using f = await apiFixture()
  const routes = new Set<string>()
  const drawn = f.app.printRoutes({ commonPrefix: false, includeHooks: false })
  for (const [method, url] of routesOf(drawn)) routes.add(routeKey(method, url))
  assert.deepEqual([...routes].sort(), Object.keys(PERMISSIONS).sort())

  const tokens = new Map<string, string>()
  for (const role of ROLES) tokens.set(role, await f.token(role, { name: `${role}-probe` }))
  for (const [key, who] of Object.entries(PERMISSIONS)) {
    if (who === 'public' || key === 'GET /events') continue
    const [method, path] = key.split(' ') as ['GET', string]
    const url = path.replace(':id', 'nothing').replace(':kind', 'persona')
    for (const prefix of ['', '/v1']) {
      const bare = await f.app.inject({ method, url: prefix + url, headers: LOOPBACK })
      assert.equal(bare.statusCode, 401, `${key} without a token`)
      for (const role of ROLES) {
        const headers = { ...LOOPBACK, authorization: `Bearer ${tokens.get(role)}` }
        const { statusCode } = await f.app.inject({ method, url: prefix + url, headers })
        if ((who as readonly string[]).includes(role)) assert.notEqual(statusCode, 403, `${role} ${key}`)
        else assert.equal(statusCode, 403, `${role} ${key}`)
      }
    }
  }
})

test('a route without a row does not start', async () => {
  await using f = await apiFixture()
  const { installGate } = await import('./gate.ts')
  const { default: Fastify } = await import('fastify')
  const app = Fastify()
  installGate(app, { auth: null as never, ready: () => true, publicOrigins: [], tenantDefault: 'main' as never })
  assert.throws(() => app.get('/backdoor', () => 'in'), /GET \/backdoor has no row in api\/permissions.ts/)
  assert.ok(f.app)
})

/** `printRoutes` draws a tree; each line's depth is its indent. */
function routesOf(tree: string): [string, string][] {
  const found: [string, string][] = []
  const path: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (match === null) continue
    const depth = match[1]!.length / 4
    path.length = depth
    path[depth] = match[2]!
    for (const method of (match[3] ?? '').split(', ')) {
      if (method !== '' && method !== 'HEAD') found.push([method, path.join('').replace('/ui*', '/ui/*')])
    }
  }
  return found
}
