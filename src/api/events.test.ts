/** The event stream over a real connection: resumes, tells of a gap, and lets go of its listener. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture, type Fixture } from '../../test/api.ts'
import { DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import { createEventHub, type SentEvent } from './events.ts'

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
