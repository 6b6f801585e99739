/** The one door: names, origins, media types, identities, sessions. What an attacker tries first. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, LOOPBACK } from '../../test/api.ts'
import type { TenantId } from '../model/ids.ts'
import { createFirstRun } from './auth.ts'

let f: Fixture
before(async () => {
  f = await apiFixture()
})
after(() => f[Symbol.asyncDispose]())

const FRESH = 'fresh' as TenantId
const persona = (name: string) => ({ apiVersion: 'guise/v1', kind: 'Persona', metadata: { name }, spec: {} })

test('a name that is not ours is refused: DNS rebinding', async () => {
  for (const host of [
    'evil.example',
    'evil.example:7070',
    '127.0.0.1.evil.example',
    'localhost.evil',
    '169.254.169.254',
  ]) {
    assert.equal((await f.as('viewer', { url: '/personas', headers: { host } })).statusCode, 421, host)
  }
  for (const host of ['localhost', 'LOCALHOST:7070', '[::1]:7070', '127.0.0.1', 'guise.example']) {
    assert.equal((await f.as('viewer', { url: '/personas', headers: { host } })).statusCode, 200, host)
  }
})

test('a page of somebody else is refused, whatever it asks', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    'http://127.0.0.1:7071',
    'file://',
    'http://guise.example:81',
  ]) {
    assert.equal(
      (await f.as('viewer', { url: '/personas', headers: { origin } })).json().code,
      'origin-refused',
      origin,
    )
  }
  for (const origin of ['http://127.0.0.1:7070', 'https://guise.example']) {
    assert.equal((await f.as('viewer', { url: '/personas', headers: { origin } })).statusCode, 200, origin)
  }
})

test('the first sign-in link: once, for a cookie no script reads; writes need its CSRF token', async () => {
  const first = await createFirstRun({ store: f.store, tenant: FRESH, clock: () => f.clock.now })
  const secret = first?.secret ?? assert.fail('nobody signed in yet, so there is a link')
  assert.equal(
    (await f.app.inject({ url: '/personas', headers: { ...LOOPBACK, authorization: `Bearer ${secret}` } })).statusCode,
    401,
  )
  const open = () => f.as(null, { method: 'POST', url: '/session', payload: { token: secret } })
  const opened = await open()
  assert.equal(opened.statusCode, 201, opened.body)
  const cookie = opened.headers['set-cookie'] as string
  assert.match(cookie, /HttpOnly/)
  assert.match(cookie, /SameSite=Strict/)
  assert.match(cookie, /Max-Age=28800/)
  assert.equal((await open()).json().code, 'token-spent')
  assert.equal(await createFirstRun({ store: f.store, tenant: FRESH, clock: () => f.clock.now }), null)

  const jar = { cookie: cookie.split(';')[0]! }
  const me = await f.as(null, { url: '/session', headers: jar })
  assert.deepEqual([me.json().name, me.json().role], ['admin', 'admin'])
  const write = (headers: Record<string, string>, name: string) =>
    f.as(null, { method: 'POST', url: '/personas', payload: persona(name), headers: { ...jar, ...headers } })
  assert.equal((await write({}, 'By Session')).json().code, 'csrf-missing')
  assert.equal((await write({ 'x-guise-csrf': 'x' }, 'By Session')).json().code, 'csrf-missing')
  assert.equal((await write({ 'x-guise-csrf': me.json().csrf }, 'By Session')).statusCode, 201)
  const audit = (await f.as(null, { url: '/audit', headers: jar })).json().items
  assert.ok(
    audit.some(
      (row: { actor: string; object: string }) => row.actor === 'session:admin' && row.object === 'by-session',
    ),
  )

  const out = await f.as(null, {
    method: 'DELETE',
    url: '/session',
    headers: { ...jar, 'x-guise-csrf': me.json().csrf },
  })
  assert.equal(out.statusCode, 204)
  assert.equal((await f.as(null, { url: '/session', headers: jar })).statusCode, 401)
  const left = await f.store.ledger.audits(FRESH, { limit: 10, cursor: null, action: 'session.close' })
  assert.deepEqual(
    left.items.map(({ actor, object }) => [actor, object]),
    [['session:admin', 'admin']],
  )
})

test('a session ends after eight hours', async () => {
  const token = await f.token('operator', { name: 'short' })
  const opened = await f.as(null, { method: 'POST', url: '/session', payload: { token } })
  const jar = { cookie: (opened.headers['set-cookie'] as string).split(';')[0]! }
  assert.equal((await f.as(null, { url: '/personas', headers: jar })).statusCode, 200)
  f.clock.now += 8 * 3_600_000 + 1
  assert.equal((await f.as(null, { url: '/personas', headers: jar })).statusCode, 401)
})

test('another tenant’s things are not there', async () => {
  await f.as('operator', { method: 'POST', url: '/personas', payload: persona('Ours') })
  const foreign = await f.token('admin', { name: 'foreign', tenant: 'other' as TenantId })
  const asForeign = (url: string) => f.app.inject({ url, headers: { ...LOOPBACK, authorization: `Bearer ${foreign}` } })
  assert.equal((await asForeign('/personas/ours')).statusCode, 404)
  assert.deepEqual((await asForeign('/personas')).json().items, [])
  assert.equal((await asForeign('/tokens')).json().items.length, 1)
})

const TAKEN = ['application/json', 'application/json; charset=utf-8']
const ODD = [
  'application/json\ta',
  'application/json ',
  ' application/json',
  'application/json;',
  'application/json; charset=utf-16',
  'application/json;charset=utf-8',
  'application/json; charset=UTF-8',
  'Application/JSON',
  'APPLICATION/JSON',
  'application/JSON',
  'application/json, text/plain',
  'application/json\u00a0',
  'application/json; charset="utf-8"',
  'application/json; charset=utf-8;',
  'application/json; charset=utf-8; q=1',
  'application/json; boundary=x',
  'application/jsonx',
  'application/json+x',
  'xapplication/json',
  'application/problem+json',
  'application/ld+json',
  'application/vnd.api+json',
  'text/json',
  'text/plain',
  'text/plain; application/json',
  'text/html',
  'multipart/form-data',
  'multipart/form-data; boundary=application/json',
  'application/x-www-form-urlencoded',
  '*/*',
  'application/*',
  'application',
  'json',
  '',
  'application/x-yaml',
  'text/yaml',
  'application/yaml',
  'application/octet-stream',
  'application//json',
  'application\\json',
  'application/json%00',
  'application/json; charset=',
  'application/json  ; charset=utf-8',
]

test('the media type is spelled exactly, or the body is not read', async () => {
  assert.ok(ODD.length >= 40)
  const send = (type: string, name: string) =>
    f.as('operator', {
      method: 'POST',
      url: '/personas',
      payload: JSON.stringify(persona(name)),
      headers: { 'content-type': type },
    })
  for (const [i, type] of TAKEN.entries()) assert.equal((await send(type, `Typed ${i}`)).statusCode, 201, type)
  for (const type of ODD) assert.equal((await send(type, 'Never Typed')).statusCode, 415, JSON.stringify(type))
  assert.equal((await f.as('viewer', '/personas/never-typed')).statusCode, 404)
  const packed = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  assert.equal(
    (await f.as('operator', { method: 'POST', url: '/personas', payload: '{}', headers: packed })).statusCode,
    415,
  )
})

test('hostile bodies: refused each with its reason, and the server goes on', async () => {
  const send = (payload: string) =>
    f.as('operator', { method: 'POST', url: '/personas', payload, headers: { 'content-type': 'application/json' } })
  const cases: [string, number, string][] = [
    ['', 400, 'validation'],
    ['{', 400, 'bad-json'],
    ['{"a":1}}', 400, 'bad-json'],
    ['\u0000', 400, 'bad-json'],
    ['{"__proto__":{"role":"admin"},"name":"x"}', 400, 'bad-json'],
    ['{"constructor":{"prototype":{"x":1}}}', 400, 'bad-json'],
    ['['.repeat(100_000), 400, 'too-deep'],
    [`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, 400, 'too-deep'],
    ['[]', 400, 'validation'],
    ['null', 400, 'validation'],
    ['"text"', 400, 'validation'],
    [JSON.stringify(persona('<img src=x onerror=alert(1)>')), 422, 'manifest-refused'],
    [JSON.stringify(persona('../../etc/passwd')), 422, 'manifest-refused'],
    [JSON.stringify(persona('a\u202eb')), 422, 'manifest-refused'],
    [JSON.stringify({ ...persona('Big'), spec: { x: 'x'.repeat(10 * 1024 * 1024) } }), 413, 'body-too-large'],
  ]
  for (const [payload, status, code] of cases) {
    const answer = await send(payload)
    assert.deepEqual([answer.statusCode, answer.json().code], [status, code], payload.slice(0, 60))
  }
  assert.equal(({} as { role?: string }).role, undefined)
  assert.equal((await f.as(null, '/healthz')).statusCode, 200)
})

test('a thousand bad tokens do not keep a good one waiting', async () => {
  const good = await f.token('viewer', { name: 'good' })
  const known = good.slice(0, 20)
  const ask = (token: string) =>
    f.app.inject({ url: '/personas', headers: { ...LOOPBACK, authorization: `Bearer ${token}` } })
  assert.equal((await ask(good)).statusCode, 200)
  const before = process.cpuUsage()
  const flood = Promise.all(
    Array.from({ length: 1_000 }, (_, i) =>
      ask(i % 2 === 0 ? `guise_t${String(i).padStart(12, '0')}_${'x'.repeat(43)}` : `${known}${'y'.repeat(43)}`),
    ),
  )
  for (let i = 0; i < 30; i++) assert.equal((await ask(good)).statusCode, 200)
  const statuses = new Set((await flood).map((answer) => answer.statusCode))
  assert.ok(
    [...statuses].every((status) => status === 401 || status === 429),
    [...statuses].join(),
  )
  assert.ok(statuses.has(429))
  // Processor time, as the machine may be busy with others: argon2 on the hot path would cost 20 s.
  const { user, system } = process.cpuUsage(before)
  const costMs = (user + system) / 1_000
  assert.ok(costMs < 8_000, `a flood of a thousand cost ${costMs.toFixed(0)} ms`)
})
