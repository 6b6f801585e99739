/** The console from memory: the application for its own paths, immutable assets, nothing from elsewhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { type ConsoleFiles, serveConsole } from './console.ts'
import { toProblem } from './problem.ts'

const files: ConsoleFiles = new Map([
  ['index.html', { bytes: Buffer.from('<!doctype html>app'), type: 'text/html; charset=utf-8', etag: '"1"' }],
  ['assets/app-B1gH4sh0.js', { bytes: Buffer.from('1'), type: 'text/javascript; charset=utf-8', etag: '"2"' }],
])

function served(given: ConsoleFiles | null) {
  const app = Fastify()
  app.setErrorHandler((error, _request, reply) =>
    reply.code(toProblem(error).statusCode).send({ code: toProblem(error).code }),
  )
  serveConsole(app, given)
  return app
}

test('paths of the application answer the application; assets are immutable; missing files are missing', async () => {
  const app = served(files)
  assert.equal((await app.inject('/')).headers.location, '/ui/')
  for (const url of ['/ui/', '/ui/fleet', '/ui/workloads/w_1']) {
    const page = await app.inject(url)
    assert.match(page.body, /app$/, url)
    assert.equal(page.headers['cache-control'], 'no-cache')
    assert.match(page.headers['content-security-policy'] as string, /script-src 'self';.*frame-ancestors 'none'/)
  }
  const asset = await app.inject('/ui/assets/app-B1gH4sh0.js')
  assert.match(asset.headers['cache-control'] as string, /immutable/)
  assert.equal(
    (await app.inject({ url: '/ui/assets/app-B1gH4sh0.js', headers: { 'if-none-match': '"2"' } })).statusCode,
    304,
  )
  assert.equal((await app.inject('/ui/assets/gone.js')).statusCode, 404)
  assert.equal((await app.inject('/ui/..%2f..%2fetc%2fpasswd.txt')).statusCode, 404)
})

test('without a build it says how to make one', async () => {
  assert.equal((await served(null).inject('/ui/')).json().code, 'console-not-built')
})
