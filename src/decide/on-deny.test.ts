/** Whose sockets may be ended when a change denies what they are open for: by a persona's word, where this kernel has them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT, beliefIn, decideInput, workloadRecord } from '../../test/decide-input.ts'
import type { DriverName } from '../model/facets.ts'
import { decide } from './plan.ts'

const MANIFESTS = `
apiVersion: guise/v1
kind: Persona
metadata: { name: Abrupt }
spec: { profile: { onDeny: reset } }
---
apiVersion: guise/v1
kind: Persona
metadata: { name: Patient }
spec:
  profile: { default: { egress: allow, ingress: allow } }
  overlap: { strategy: strictest, believed: 0.3 }
`
const decided = (driver: DriverName) => {
  const record = workloadRecord(1, 'Abrupt')
  const where = driver === 'host' ? { interface: null } : {}
  return decide(decideInput(MANIFESTS, [{ ...record, report: { ...record.report, driver, ...where } }]))
}

test('it is worn where the sockets are in a kernel of ours, and refused with the reason where they are not', () => {
  for (const driver of ['netns', 'container', 'host'] as const)
    assert.equal(decided(driver).plan?.agents[AGENT]?.workloads[0]?.onDeny, 'reset', driver)
  for (const driver of ['qemu', 'libvirt'] as const) {
    const { plan, skipped } = decided(driver)
    assert.equal(plan, null)
    assert.equal(
      skipped[0]?.why.text,
      `driver ${driver} does not carry onDeny (its sockets are in no kernel of ours), so it does not wear Abrupt`,
    )
  }
})

test('of several personas worn at once, one word is enough: it only takes away', () => {
  const record = workloadRecord(1, 'Patient', { belief: beliefIn({ Abrupt: 0.6 }) })
  const { plan } = decide(decideInput(MANIFESTS, [record]))
  assert.equal(plan?.agents[AGENT]?.workloads[0]?.merged?.of.length, 2)
  assert.equal(plan?.agents[AGENT]?.workloads[0]?.onDeny, 'reset')
})
