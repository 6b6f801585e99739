/** A ladder looks closer as the risk rises, never less close than the profile; where a driver cannot look, that is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT, decideInput, riskOfValue, workloadRecord } from '../../test/decide-input.ts'
import { closerLook } from '../model/facets/inspection.ts'
import { decide } from './plan.ts'

const WATCHED = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Watched }
spec:
  profile: { default: { egress: allow, ingress: allow }, inspection: flows }
  ladder:
    - { at: 0.3, inspection: flows }
    - { at: 0.7, inspection: signatures }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Closer }
spec:
  profile: { default: { egress: allow, ingress: allow } }
  ladder: [{ at: 0.3, inspection: signatures }]
`
const looked = (persona: string, risk: number | null, driver?: 'host') => {
  const record = workloadRecord(1, persona, { risk: risk === null ? null : riskOfValue(risk, 'sure') })
  const report = driver === undefined ? record.report : { ...record.report, driver, interface: null }
  return decide(decideInput(WATCHED, [{ ...record, report }])).plan
}
const level = (risk: number | null) => looked('Watched', risk)?.agents[AGENT]?.workloads[0]?.inspection?.level

test('each step looks at least as close as the profile', () => {
  assert.deepEqual([null, 0.4, 0.8].map(level), ['flows', 'flows', 'signatures'])
  assert.equal(closerLook({ level: 'signatures' }, { level: 'flows' })?.level, 'signatures')
  assert.equal(closerLook({ level: 'signatures' }, { level: 'full' })?.level, 'full')
})

test('a driver that cannot look says so, and the rest of the step holds', () => {
  const plan = looked('Closer', 0.5, 'host')
  const state = plan?.agents[AGENT]?.workloads[0]
  assert.deepEqual([state?.ladder?.at, state?.inspection], [0.3, undefined])
  assert.match(plan?.skipped.map(({ why }) => why.text).join() ?? '', /driver host does not carry inspection/)
})
