/** What people are told when two things happen at once, on a real database. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/database.ts'
import { manifestRecords } from '../../test/decide-input.ts'
import { auditBy, decisionRecord, MAIN, planMaker, workloadReport } from '../../test/records.ts'
import { createEventHub } from '../api/events.ts'
import { refused } from '../api/problem.ts'
import type { AgentId, PersonaId, PlanId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { createControl } from './control.ts'

const clock = () => 1_000_000
const store = await testStore(clock)
const AGENT = 'h_1' as AgentId
const shared = { events: createEventHub({ clock }), clock, log: { warn() {}, error() {} }, tenant: MAIN }
const controlOn = (given: Store) =>
  createControl({ ...shared, store: () => given, home: '/nonexistent', controlPlane: () => [] })

async function proposed(name: string, approval: 'auto' | 'two'): Promise<PlanId> {
  const decision = decisionRecord(name)
  const make = planMaker(decision.id)
  const made = await store.plans.propose(
    MAIN,
    (...of) => ({ ...make(...of), approval }),
    decision,
    [],
    auditBy('alice'),
  )
  assert.ok(made.ok)
  return made.value.plan.id
}

test('one person who approves twice at once hears that one person is one approval', async () => {
  const plan = await proposed('d_two', 'two')
  const control = controlOn(store)
  const by = ['kim', 'session:kim'] as const
  const answers = await Promise.all(by.map((one) => control.approvePlan({ tenant: MAIN, plan, by: one, note: '' })))
  const [no, ...more] = answers.flatMap((answer) => (answer.ok ? [] : [answer]))
  assert.ok(no !== undefined && more.length === 0)
  assert.deepEqual([no.code, no.why, refused(no).statusCode], ['approved-before', 'You approved it already.', 409])
})

test('a shift that was decided on what is not in force any more is refused as that, and stores nothing', async () => {
  const seen = { host: 'h', mode: 'enforce', boot: 'b', sequence: 1, applied: null, counters: {} } as const
  await store.agents.seen(MAIN, AGENT, seen, clock())
  const [workload] = await store.workloads.report(MAIN, AGENT, [workloadReport('netns:w1')], clock())
  const persona = `apiVersion: guise/v1
kind: Persona
metadata: { name: Narrow }
spec: { profile: { default: { egress: deny, ingress: allow } } }
`
  const set = manifestRecords(persona).map(({ manifest }) => ({ manifest, ifVersion: null }))
  await store.manifests.apply(MAIN, set, auditBy('kim'))
  let overtakes = true
  const plans: Store['plans'] = {
    ...store.plans,
    async propose(...given) {
      if (overtakes) {
        overtakes = false
        const other = await proposed('d_other', 'auto')
        for (const to of ['approved', 'applying', 'confirming', 'confirmed'] as const)
          assert.ok((await store.plans.move(MAIN, other, to, auditBy('guise'))).ok)
      }
      return store.plans.propose(...given)
    },
  }
  const control = controlOn({ ...store, plans })
  const why = [{ rule: 'asked', text: 'kim asked' }]
  const whom = { tenant: MAIN, workload: workload!.id, persona: 'narrow' as PersonaId, until: null }
  const ask = () => control.requestShift({ ...whom, by: 'kim', why, key: 'k' })
  const first = await ask()
  assert.equal(first.ok ? '' : first.code, 'overtaken')
  assert.deepEqual(await store.shifts.of(MAIN, workload!.id), [])
  const again = await ask()
  assert.ok(again.ok, JSON.stringify(again))
  assert.equal((await store.shifts.of(MAIN, workload!.id)).length, 1)
  await control.stop()
})
