/**
 * The `tests` of policies, run on resolved rules. In: every policy and persona, the workloads as they are dressed, ratings.
 * Out: per test its verdict with the rule that gave it. The policy under test is judged as if it enforced and its `when`
 * held; the others as they are, without those that wait for a `when`. So a verdict does not change with the hour or a risk.
 *
 * An end is an address, else the name of a workload, else of a persona: then a wearer of it stands in, with no labels. A
 * home address that no workload has stands for a workload nobody assigned a persona; any other address is outside and
 * enforces nothing. Without a port, a port that no rule names is tried; icmp is an echo request.
 */
import { formatAddress, isV4, parseAddress } from '../model/address.ts'
import type { DesiredState } from '../model/desired.ts'
import { Proto } from '../model/flow.ts'
import { type AgentId, DEFAULT_TENANT, slug, type WorkloadId } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import { createNetworks } from '../model/networks.ts'
import type { Policy } from '../model/policy.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { judgeState } from './blast.ts'
import { type Effective, effectiveOf, type Persona } from './effective.ts'
import { type Endpoint, failSafePaths } from './fail-safe.ts'
import { parseInterfaceAddress } from './interface-address.ts'
import type { Judgement, Members } from './judge.ts'
import { fleetPortNames } from './named-ports.ts'
import { createPeerSets, type Dressed, type IntelEntry, type SetMeaning } from './peer-sets.ts'
import { type Resolution, resolve } from './resolve.ts'
import { isSubject } from './subjects.ts'

export type PolicyTest = NonNullable<Policy['tests']>[number]
export type PolicyTestInput = {
  /** Every policy there is, those under test included. */
  readonly policies: readonly PolicyManifest[]
  readonly personas: ReadonlyMap<string, Persona>
  readonly workloads: readonly Dressed[]
  readonly entries: readonly IntelEntry[]
  readonly homeNetworks: readonly string[]
  readonly controlPlane: readonly Endpoint[]
}
export type PolicyTestResult = {
  readonly policy: string
  /** Its place in `spec.tests`. */
  readonly index: number
  readonly test: PolicyTest
  readonly passed: boolean
  /** Null: it cannot be judged; `why` says why not. */
  readonly verdict: 'allow' | 'deny' | null
  readonly why: Why
}

/** Runs the tests of those of `input.policies` that `isAsked` picks. */
export function runPolicyTests(
  input: PolicyTestInput,
  isAsked: (policy: PolicyManifest) => boolean = () => true,
): PolicyTestResult[] {
  const failSafe = failSafePaths(input.controlPlane)
  return input.policies.filter(isAsked).flatMap((policy) => runTestsOf(policy, input, failSafe))
}

/** `from db1 to 10.0.0.9 tcp 443: expected deny, got allow by policy x rule 1: …` */
export function policyTestText({ test, verdict, why }: PolicyTestResult): string {
  const flow = `from ${test.from} to ${test.to} ${test.protocol}${test.port === undefined ? '' : ` ${test.port}`}`
  return verdict === null
    ? `test ${flow} cannot be judged: ${why.text}`
    : `test ${flow}: expected ${test.expect}, got ${verdict} by ${why.text} [${why.rule}]`
}

type End =
  /** Something with rules of its own; `stand-in` when no real workload was named. */
  | { readonly kind: 'dressed'; readonly dressed: Dressed; readonly addresses: readonly string[] }
  | { readonly kind: 'outside'; readonly addresses: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string }

function runTestsOf(
  policy: PolicyManifest,
  input: PolicyTestInput,
  failSafe: ReturnType<typeof failSafePaths>,
): PolicyTestResult[] {
  const tests = policy.spec.tests ?? []
  const findEnd = endFinder(input)
  const ends = tests.map((test) => [findEnd.of(test.from), findEnd.of(test.to)] as const)
  const resolutions = new Map<Dressed, Resolution>()
  const names = new Map<string, SetMeaning>()
  const fleet = fleetPortNames(input.workloads.map((one) => one.record.report))
  for (const end of ends.flat()) {
    if (end.kind !== 'dressed' || resolutions.has(end.dressed)) continue
    const { effective, record } = end.dressed
    const resolution = resolve(effective.persona, policiesFor(end.dressed, policy, input.policies), {
      own: record.report.labels,
      fleet,
    })
    resolutions.set(end.dressed, resolution)
    for (const [name, meaning] of resolution.sets) names.set(name, meaning)
  }
  const { entries, homeNetworks } = input
  const sets = createPeerSets({
    workloads: [...input.workloads, ...findEnd.standIns()],
    entries,
    homeNetworks,
    names,
  })
  return tests.map((test, index) => {
    const [from, to] = ends[index]!
    const found = judgeTest(test, from, to, (dressed, direction, talk) =>
      judgeState(
        desiredOf(dressed, resolutions.get(dressed)!),
        direction,
        talk,
        { failSafe, neverBlock: [] },
        sets.members as Members,
      ),
    )
    return { policy: policy.metadata.name, index, test, passed: found.verdict === test.expect, ...found }
  })
}

type Judge = (
  dressed: Dressed,
  direction: 'egress' | 'ingress',
  talk: { readonly peer: string; readonly proto: number; readonly port: number },
) => Judgement

function judgeTest(test: PolicyTest, from: End, to: End, judge: Judge): Pick<PolicyTestResult, 'verdict' | 'why'> {
  const unjudged = (text: string) => ({ verdict: null, why: { rule: 'policy-test', text } })
  if (from.kind === 'unknown') return unjudged(from.why)
  if (to.kind === 'unknown') return unjudged(to.why)
  const pair = sameFamily(from.addresses, to.addresses)
  if (pair === null) return unjudged(`${test.from} and ${test.to} have no addresses of one family`)
  const [source, target] = pair
  const v4 = !source.includes(':')
  const proto = test.protocol === 'icmp' ? (v4 ? Proto.icmp : Proto.icmp6) : Proto[test.protocol]
  const port = test.protocol === 'icmp' ? (v4 ? 8 : 128) : (test.port ?? 0)
  const sides = [
    ...(from.kind === 'dressed' ? [judge(from.dressed, 'egress', { peer: target, proto, port })] : []),
    ...(to.kind === 'dressed' ? [judge(to.dressed, 'ingress', { peer: source, proto, port })] : []),
  ]
  const given = sides.find((side) => side.verdict === 'deny') ?? sides[0]
  return given === undefined
    ? unjudged(
        `neither ${test.from} nor ${test.to} is a workload, a persona or a home address, so no rule is between them`,
      )
    : { verdict: given.verdict, why: given.why }
}

function policiesFor(
  dressed: Dressed,
  tested: PolicyManifest,
  all: readonly PolicyManifest[],
): readonly PolicyManifest[] {
  return all
    .filter((one) => one === tested || one.spec.when === undefined)
    .map((one) => (one === tested ? { ...one, spec: { ...one.spec, mode: 'enforce' as const } } : one))
    .filter((one) => isSubject(one, dressed))
}

function desiredOf({ record, effective }: Dressed, { egress, ingress }: Resolution): DesiredState {
  const { id, name, version } = effective.persona.ref
  return {
    workload: record.id,
    key: record.report.key,
    persona: { id, name, version },
    egress,
    ingress,
    containment: null,
  }
}

function endFinder({ personas, workloads, homeNetworks }: PolicyTestInput) {
  const home = createNetworks(homeNetworks)
  const byName = new Map<string, Dressed[]>()
  const byAddress = new Map<string, Dressed>()
  for (const one of workloads) {
    const name = one.record.report.name
    byName.set(name, [...(byName.get(name) ?? []), one])
    for (const address of addressesOf(one)) byAddress.set(address, one)
  }
  const found = new Map<string, End>()
  const standIns: Dressed[] = []
  const dressed = (one: Dressed, addresses = addressesOf(one)): End => ({ kind: 'dressed', dressed: one, addresses })
  const standIn = (name: string, effective: Effective, addresses: readonly string[]): End => {
    const record = standInRecord(name, standIns.length + 1, addresses)
    standIns.push({ record, effective })
    return dressed(standIns.at(-1)!)
  }
  const find = (name: string): End => {
    const words = parseAddress(name)
    if (words !== null) {
      const text = formatAddress(words)
      const known = byAddress.get(text)
      if (known !== undefined) return dressed(known, [text])
      if (!home.covers(words)) return { kind: 'outside', addresses: [text] }
      return standIn(text, effectiveOf(standInRecord(text, 0, [text]), personas, [], 0), [text])
    }
    const named = byName.get(name) ?? []
    if (named.length > 1) return { kind: 'unknown', why: `${name} is the name of ${named.length} workloads` }
    if (named[0] !== undefined) return dressed(named[0])
    const persona = personas.get(slug(name))
    if (persona === undefined) return { kind: 'unknown', why: `there is no workload, persona or address ${name}` }
    const why = { rule: 'policy-test', text: `stands for a wearer of ${persona.ref.name}` }
    return standIn(
      persona.ref.name,
      { persona, why, cause: 'assigned', shift: null, until: null },
      persona.spec.profile?.network === undefined ? benchmarkAddresses(standIns.length + 1) : [],
    )
  }
  return {
    standIns: () => standIns,
    of(name: string): End {
      const end = found.get(name) ?? find(name)
      found.set(name, end)
      return end
    },
  }
}

/** Nobody's: set aside for benchmarks (RFC 2544, RFC 5180). At most 1,000 names per policy (`tests` has 500). */
function benchmarkAddresses(n: number): string[] {
  return [`198.18.${n >> 8}.${n & 255}`, `2001:2::${n.toString(16)}`]
}

function addressesOf({ record, effective }: Dressed): string[] {
  const own = effective.persona.spec.profile?.network?.addresses ?? []
  const texts = [...own.flatMap((text) => parseInterfaceAddress(text)?.address ?? []), ...record.report.addresses]
  return texts.flatMap((text) => {
    const words = parseAddress(text.split('/')[0]!)
    return words === null ? [] : [formatAddress(words)]
  })
}

function sameFamily(from: readonly string[], to: readonly string[]): readonly [string, string] | null {
  for (const one of from) {
    const other = to.find((text) => isV4(parseAddress(text)!) === isV4(parseAddress(one)!))
    if (other !== undefined) return [one, other]
  }
  return null
}

function standInRecord(name: string, n: number, addresses: readonly string[]): WorkloadRecord {
  return {
    id: `policy-test-${n}` as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent: 'policy-test' as AgentId,
    report: {
      key: `policy-test:${n}`,
      name,
      kind: 'namespace',
      driver: 'netns',
      interface: null,
      addresses: [...addresses],
      labels: {},
    },
    assigned: null,
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: 0,
    lastSeen: 0,
    version: 0,
  }
}
