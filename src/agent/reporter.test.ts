import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Enforcer } from '../enforce/enforcer.ts'
import type { Applied } from '../model/wire.ts'
import type { Link } from './link.ts'
import { createReporter } from './reporter.ts'
import type { Sense } from './sense.ts'

const generation = { system: 's', timeline: 1, n: 1 }
const applied = (state: Applied['state']): Applied => ({ generation, state, deadline: null, probes: [], hash: 'h' })

test('a report that waited says how far enforcement is now, and goes as soon as the server is heard', async () => {
  const took: Applied[] = []
  const done = Promise.withResolvers<void>()
  let refusals = 0
  let now = applied('confirming')
  const link = {
    async post(_path: string, body: string) {
      // Waited out, nine back-offs of up to 10 s would take most of a minute.
      if (++refusals < 10) {
        setImmediate(() => reporter.reachable())
        throw new Error('connect ECONNREFUSED')
      }
      took.push((JSON.parse(body) as { applied: Applied }).applied)
      done.resolve()
      return { status: 202, text: '' }
    },
  } as unknown as Link
  const reporter = createReporter({
    link,
    path: '/',
    boot: 'b',
    host: 'h',
    mode: () => 'enforce',
    workloads: () => [],
    sense: { reflex: { take: () => [] }, counters: () => ({}) } as unknown as Sense,
    enforcer: {
      get applied() {
        return now
      },
      takeDenies: () => ({}),
      takeHits: () => ({}),
    } as unknown as Enforcer,
    counters: () => ({}),
    denials: () => [],
    refusals: () => [],
    orders: () => [],
    machines: () => [],
    beside: () => [],
    sources: () => [],
    vitals: () => null,
    say: () => {},
  })
  const began = performance.now()
  reporter.urgent()
  now = applied('rolled-back')
  await done.promise
  assert.equal(took[0]?.state, 'rolled-back')
  assert.ok(performance.now() - began < 3_000)
})
