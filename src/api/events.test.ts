/** The event stream over a real connection: resumes, tells of a gap, and lets go of its listener. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { apiFixture, type Fixture } from '../../test/api.ts'
import { DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import { createEventHub, type SentEvent } from './events.ts'
import type { Principal } from './principal.ts'
import type { RouteDeps, Routes } from './route.ts'
import { eventRoutes } from './routes/events.ts'

const event = (type: SentEvent['type'], subject: string) => ({ type, subject, data: { subject } })

test('readings of one workload overtake each other; everything else is kept in order', () => {
  const hub = createEventHub({ clock: () => 5, ring: 10 })
  const start = hub.lastId(DEFAULT_TENANT)
  for (let i = 0; i < 50; i++) hub.publish(DEFAULT_TENANT, event('workload.observed', i % 2 === 0 ? 'a' : 'b'))
  hub.publish(DEFAULT_TENANT, event('plan', 'p1'))
  const { gap, missed } = hub.listen(DEFAULT_TENANT, start, () => {})
  assert.equal(gap, false)
  assert.deepEqual(
    missed.map((e) => e.subject),
    ['a', 'b', 'p1'],
  )
})

test('who was away too long, or comes from another life of the server, is told so', () => {
  const hub = createEventHub({ clock: () => 5, ring: 10 })
  const start = hub.lastId(DEFAULT_TENANT)
  for (let i = 0; i < 12; i++) hub.publish(DEFAULT_TENANT, event('audit', `${i}`))
  const asks = (after: number) => hub.listen(DEFAULT_TENANT, after, () => {})
  assert.deepEqual([asks(start).gap, asks(start + 1).gap, asks(start + 2).gap], [true, true, false])
  assert.equal(asks(start + 2).missed.length, 10)
  assert.equal(asks(1).gap, true)
  assert.equal(asks(start + 99).gap, true)
  assert.equal(asks(start + 12).missed.length, 0)
})

async function listen(f: Fixture, origin: string, token: string, after: number | null) {
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${token}`, ...(after === null ? {} : { 'last-event-id': String(after) }) }
  const response = await fetch(`${origin}/v1/events`, { headers, signal: leaving.signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
  })().catch(() => {})
  return {
    async until(needle: string) {
      for (let i = 0; i < 2_000 && !text.includes(needle); i++) await new Promise((resolve) => setImmediate(resolve))
      assert.ok(text.includes(needle), `${needle} in ${text}`)
      return text
    },
    async leave() {
      leaving.abort()
      await reading
      for (let i = 0; i < 2_000 && f.events.listeners() > 0; i++) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(f.events.listeners(), 0)
    },
  }
}

test('over the wire: live, resumed by Last-Event-ID, never another tenant’s', async () => {
  await using f = await apiFixture()
  const origin = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const token = await f.token('viewer')
  const first = await listen(f, origin, token, null)
  f.events.publish('other' as TenantId, event('plan', 'secret'))
  f.events.publish(DEFAULT_TENANT, event('plan', 'p1'))
  const seen = await first.until('"p1"')
  assert.equal(seen.includes('secret'), false)
  assert.match(seen, /event: plan\ndata: \{"subject":"p1"\}/)
  const id = Number(/id: (\d+)/.exec(seen)![1])
  await first.leave()
  f.events.publish(DEFAULT_TENANT, event('shift', 's1'))
  const second = await listen(f, origin, token, id)
  assert.equal((await second.until('"s1"')).includes('"p1"'), false)
  await second.leave()
  const old = await listen(f, origin, token, 1)
  await old.until('event: gap')
  await old.leave()
})

test('signing out ends the stream of that session, and no other', async () => {
  await using f = await apiFixture()
  const origin = await f.app.listen({ host: '127.0.0.1', port: 0 })
  const token = await f.token('viewer')
  const signIn = async () => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${origin}/v1/session`, { method: 'POST', headers, body: JSON.stringify({ token }) })
    assert.equal(answer.status, 201)
    const { csrf } = (await answer.json()) as { csrf: string }
    return { cookie: answer.headers.get('set-cookie')!.split(';')[0]!, 'x-guise-csrf': csrf }
  }
  const [one, other] = [await signIn(), await signIn()]
  const stream = async (headers: Record<string, string>) => {
    const { body, status } = await fetch(`${origin}/v1/events`, { headers })
    assert.equal(status, 200)
    return body!
  }
  const [mine, theirs] = [await stream(one), await stream(other)]
  assert.equal(f.events.listeners(), 2)
  const left = await fetch(`${origin}/v1/session`, { method: 'DELETE', headers: { ...one, origin } })
  assert.equal(left.status, 204)
  assert.equal(f.events.listeners(), 1)
  let text = ''
  for await (const chunk of mine) text += Buffer.from(chunk).toString()
  assert.match(text, /^retry/)
  await theirs.cancel()
})

/** The route behind a gate of ours; `revoke` ends the token of all who listen. */
async function bare(identify: (request: FastifyRequest, reply: FastifyReply) => Promise<void>) {
  const hub = createEventHub({ clock: () => 5 })
  const watchers = new Set<() => void>()
  const watch = (_via: unknown, gone: () => void) => {
    watchers.add(gone)
    return () => void watchers.delete(gone)
  }
  const app = Fastify({ forceCloseConnections: true })
  app.decorateRequest('principal', null)
  app.addHook('onRequest', async (request, reply) => {
    if (request.url === '/events') await identify(request, reply)
    request.principal = { tenant: DEFAULT_TENANT, via: { kind: 'token', token: 't1' } } as Principal
  })
  app.get('/', async () => 'here')
  eventRoutes(app as unknown as Routes, { events: hub, clock: () => 5, auth: { watch } } as unknown as RouteDeps)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () =>
      socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    )
    return socket.on('error', () => {})
  }
  const revoke = () => {
    for (const gone of [...watchers]) gone()
  }
  const held = () => [hub.listeners(), watchers.size]
  return { hub, origin, ask, revoke, held, [Symbol.asyncDispose]: () => app.close() }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
  assert.ok(holds(), String(holds))
}

test('who leaves while the gate looks them up keeps no place among the listeners', async () => {
  let left = false
  await using f = await bare(async ({ raw: { socket } }) => {
    const closed = once(socket, 'close')
    client.destroy()
    await closed
    left = true
  })
  const client = f.ask()
  await until(() => left)
  // Answered after the one before.
  assert.equal(await (await fetch(f.origin)).text(), 'here')
  assert.deepEqual(f.held(), [0, 0])
})

test('who reads nothing is let go with the token, and what happens then is written to nobody', async () => {
  let raw: FastifyReply['raw'] | null = null
  await using f = await bare(async (_request, reply) => {
    raw = reply.raw
  })
  const client = f.ask().pause()
  await until(() => f.hub.listeners() === 1)
  const unsent = () => raw?.writableLength ?? 0
  // Until the kernel takes no more for a reader who does not read.
  for (let quiet = 0; quiet < 20; quiet = unsent() > 0 ? quiet + 1 : 0) {
    if (unsent() === 0)
      f.hub.publish(DEFAULT_TENANT, { type: 'plan', subject: 'p', data: { text: 'x'.repeat(500_000) } })
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  f.revoke()
  for (let i = 0; i < 3; i++) f.hub.publish(DEFAULT_TENANT, event('plan', 'p'))
  await until(() => raw?.closed === true)
  assert.deepEqual(f.held(), [0, 0])
  client.destroy()
})
