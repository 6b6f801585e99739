/** One suite of the table: its manifests enforced in the kernel, each test with its edit, every probe asked by real packets. */
import { parseAllDocuments, stringify } from 'yaml'
import { compileDelta } from '../../src/compile/delta.ts'
import { type Compiled, compileAgent } from '../../src/compile/nft.ts'
import { importPolicies } from '../../src/decide/import/import-policies.ts'
import { problemText } from '../../src/decide/manifest.ts'
import { editFor, type KubePolicy, stagesOf } from './edits.ts'
import type { Family, Pods } from './pods.ts'
import { stateOf } from './state-of.ts'
import type { ManifestText, Pod, Probe, Suite, Test } from './table.ts'

export type SuiteResult = {
  probes: number
  passed: number
  /** Reason → how many. */
  readonly excluded: Map<string, number>
  readonly failed: string[]
  /** Manifests that the import refuses, with its reason. */
  readonly refused: string[]
  /** Kernel states that were loaded. */
  states: number
}

const FAMILIES: readonly Family[] = [4, 6]

export class Range {
  readonly #pods: Pods
  readonly #all: readonly Pod[]
  #loaded: Compiled | null = null

  constructor(pods: Pods, all: readonly Pod[]) {
    this.#pods = pods
    this.#all = all
  }

  async run(suite: Suite, texts: readonly ManifestText[]): Promise<SuiteResult> {
    const result: SuiteResult = { probes: 0, passed: 0, excluded: new Map(), failed: [], refused: [], states: 0 }
    const taken = texts.filter(({ file, text }) => {
      const { problems } = importPolicies([{ file, text }])
      if (problems.length > 0) result.refused.push(problemText(problems[0]!))
      return problems.length === 0
    })
    const policies = taken.flatMap(({ text }) =>
      parseAllDocuments(text).flatMap((one) => (one.contents === null ? [] : [one.toJS() as KubePolicy])),
    )
    let isEdited = false
    for (const test of suite.tests) {
      if (test.probes.length === 0) continue
      const addressesOf = (pod: string) => this.#pods.addressesOf(pod)
      const isChanged = editFor({ policies, test, pods: this.#all, addressesOf })
      isEdited ||= isChanged
      const names = new Set(this.#all.map((pod) => pod.name))
      const [known, unknown] = split(test.probes, (probe) => reasonAgainst(probe, test, isEdited, names) === null)
      for (const probe of unknown) count(result.excluded, reasonAgainst(probe, test, isEdited, names)!)
      // As shipped, each rule names its own line; edited, that of the text it was made into.
      const now = isEdited
        ? [{ file: `${suite.short_name}.yaml`, text: policies.map((one) => stringify(one)).join('---\n') }]
        : taken
      if (known.length > 0) await this.#test(suite, { ...test, probes: known }, now, result)
      result.probes += unknown.length
    }
    return result
  }

  async #test(suite: Suite, test: Test, texts: readonly ManifestText[], result: SuiteResult): Promise<void> {
    for (const [n, probes] of stagesOf(test).entries()) {
      const bare = new Set(n % 2 === 1 ? probes.map((probe) => probe.server) : [])
      const pods = this.#all.map((pod) => (bare.has(pod.name) ? { ...pod, labels: placeOf(pod) } : pod))
      await this.#load(texts, pods)
      result.states++
      const answers = await Promise.all(
        probes.map((probe) => Promise.all(FAMILIES.map((family) => this.#pods.asks(probe, family)))),
      )
      for (const [i, probe] of probes.entries()) {
        result.probes++
        const wrong = FAMILIES.filter((_, f) => answers[i]![f] !== probe.allowed)
        if (wrong.length === 0) result.passed++
        else result.failed.push(failureText(suite, test, probe, wrong))
      }
    }
  }

  async #load(texts: readonly ManifestText[], pods: readonly Pod[]): Promise<void> {
    const state = stateOf(texts, { pods, addressesOf: (pod) => this.#pods.addressesOf(pod) })
    const after = compileAgent(state, this.#pods.bindings)
    await this.#pods.load(compileDelta(this.#loaded, after, { pendingMs: null, now: Date.now() }))
    this.#loaded = after
  }
}

/** Why a probe cannot be asked; null = it can. */
function reasonAgainst(probe: Probe, test: Test, isEdited: boolean, pods: ReadonlySet<string>): string | null {
  const nobody = [probe.server, `${probe.client_ns}/${probe.client_pod}`].find((name) => !pods.has(name))
  if (nobody !== undefined) return `the manifests have no pod ${nobody}`
  return probe.after_policy_change && !isEdited ? `the edit that "${test.name}" makes is not known` : null
}

/** A pod without labels of its own is still in its namespace. */
function placeOf({ labels }: Pod): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([key]) => key === 'namespace' || /^(namespace|port)\//.test(key)),
  )
}

function failureText(suite: Suite, test: Test, probe: Probe, wrong: readonly Family[]): string {
  const { client_ns, client_pod, server, protocol, port, allowed } = probe
  const what = `${client_ns}/${client_pod} → ${server} ${protocol} ${port}`
  return `${suite.short_name} "${test.name}": ${what} should be ${allowed ? 'let through' : 'refused'} (IPv${wrong.join(', IPv')})`
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1)
}
