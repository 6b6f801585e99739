/**
 * `npm run bench -- conformance [--json] [--data DIR]`: does the kernel do what the conformance suite of network-policy-api
 * expects? Its manifests are imported, decided, compiled and loaded into a router namespace; every probe of its truth table is
 * asked between pods, which are namespaces, over IPv4 and IPv6, and passes when both do as the table says. Needs root.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DATA, needRoot } from '../test/need.ts'
import { Pods } from './conformance/pods.ts'
import { Range, type SuiteResult } from './conformance/run-suite.ts'
import { readManifest, readTable } from './conformance/table.ts'
import { aim, report } from './report.ts'

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      data: { type: 'string', default: join(DATA, 'policy', 'network-policy-api') },
    },
  })
  const missing = needRoot()
  if (missing !== false) throw new Error(`conformance ${missing}`)
  const { suites, pods } = readTable(values.data)
  const start = performance.now()
  const range = await Pods.create(pods)
  const results: SuiteResult[] = []
  try {
    const kernel = new Range(range, pods)
    for (const suite of suites) {
      const result = await kernel.run(
        suite,
        suite.manifests.map((file) => readManifest(values.data, file)),
      )
      results.push(result)
      console.error(`${suite.short_name}: ${result.passed} of ${result.probes} probes, ${result.states} states`)
      for (const failure of result.failed) console.error(`FAILED ${failure}`)
      for (const refusal of result.refused) console.error(`not imported: ${refusal}`)
    }
  } finally {
    await range.close()
  }
  const sum = (of: (one: SuiteResult) => number) => results.reduce((total, one) => total + of(one), 0)
  const excluded = Object.fromEntries(results.flatMap((one) => [...one.excluded]))
  const [probes, passed] = [sum((one) => one.probes), sum((one) => one.passed)]
  report(
    args,
    'conformance',
    {
      probes,
      passed,
      excluded: Object.values(excluded).reduce((total, n) => total + n, 0),
      excluded_why: excluded,
      suites: suites.length,
      states: sum((one) => one.states),
      not_imported: results.flatMap((one) => one.refused),
      failed: results.flatMap((one) => one.failed),
      seconds: Math.round((performance.now() - start) / 100) / 10,
    },
    { missed: aim(probes - passed, '==', 0), probes: aim(probes, '>=', 1) },
  )
}
