import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId } from '../model/ids.ts'
import type { AgentReport } from '../model/wire.ts'
import { createReportDesk } from './report-desk.ts'

const A = 'a' as AgentId
const report = (sequence: number, boot = 'b'): AgentReport => ({
  boot,
  sequence,
  at: 0,
  host: 'h',
  mode: 'observe',
  ticks: [],
  conversations: [],
  evidence: [],
  reflexes: [],
  applied: null,
  counters: {},
  denies: {},
})

test('a report that failed half-way is taken when it is sent again; one that was taken is not', async () => {
  const taken: number[] = []
  let isDatabaseThere = false
  const desk = createReportDesk(async (_, { sequence }) => {
    if (!isDatabaseThere) throw new Error('terminating connection')
    taken.push(sequence)
  })
  await assert.rejects(desk(A, report(1)))
  isDatabaseThere = true
  await desk(A, report(1))
  await desk(A, report(1))
  await Promise.all([desk(A, report(2)), desk(A, report(2)), desk(A, report(3))])
  await desk(A, report(1, 'another boot'))
  assert.deepEqual(taken, [1, 2, 3, 1])
})

test('reports of one agent wait for each other, those of another do not', async () => {
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  const desk = createReportDesk(async (agent, { sequence }) => {
    if (agent === A && sequence === 1) await first.promise
    order.push(`${agent}${sequence}`)
  })
  const [a1, a2] = [desk(A, report(1)), desk(A, report(2))]
  await desk('b' as AgentId, report(1))
  first.resolve()
  await Promise.all([a1, a2])
  assert.deepEqual(order, ['b1', 'a1', 'a2'])
})
