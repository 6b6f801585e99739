/** A small part of `npm run bench -- conformance`, and that it can fail. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DATA, needData, needRoot } from '../../test/need.ts'
import { Pods } from './pods.ts'
import { Range } from './run-suite.ts'
import { readManifest, readTable } from './table.ts'

const FOLDER = 'policy/network-policy-api'

test('the kernel does as the conformance table says', {
  skip: needRoot() || needData(FOLDER),
  timeout: 60_000,
}, async () => {
  const data = join(DATA, FOLDER)
  const { suites, pods } = readTable(data)
  const all = await Pods.create(pods, 't')
  try {
    const range = new Range(all, pods)
    const run = (name: string, most = 99, change = (allowed: boolean) => allowed) => {
      const suite = suites.find((one) => one.short_name === name)!
      const tests = suite.tests.slice(0, most).map((one) => ({
        ...one,
        probes: one.probes.map((probe) => ({ ...probe, allowed: change(probe.allowed) })),
      }))
      return range.run(
        { ...suite, tests },
        suite.manifests.map((file) => readManifest(data, file)),
      )
    }
    const integration = await run('CNPAdminTierIntegration')
    assert.deepEqual([integration.failed, integration.passed, integration.probes], [[], 12, 12])
    const sctp = await run('CNPAdminTierIngressSCTP', 2)
    assert.deepEqual([sctp.failed, sctp.passed, sctp.probes], [[], 4, 4])
    const turned = await run('CNPAdminTierIngressUDP', 1, (allowed) => !allowed)
    assert.equal(turned.passed, 0)
    assert.match(turned.failed[0]!, /udp 53 should be refused \(IPv4, IPv6\)$/)
  } finally {
    await all.close()
  }
})

test('a probe whose edit nobody knows is told and not counted as passed', { skip: needData(FOLDER) }, async () => {
  const { suites, pods } = readTable(join(DATA, FOLDER))
  const suite = suites.find((one) => one.short_name === 'CNPAdminTierEgressTCP')!
  const test = suite.tests.find((one) => one.name.includes("'deny-egress'"))!
  const range = new Range({} as Pods, pods)
  const result = await range.run({ ...suite, tests: [{ ...test, name: 'something else' }] }, [])
  assert.deepEqual([result.probes, result.passed], [2, 0])
  assert.deepEqual([...result.excluded], [['the edit that "something else" makes is not known', 2]])
})
