/**
 * The table says that some probes hold after the test edited a policy, and not how. The edits are those of the upstream tests of the
 * same name (kubernetes-sigs/network-policy-api, conformance/tests), and last to the end of their suite. One is no edit of a policy:
 * where a test expects one flow to be let through, refused and let through again by the same policy, the server's pod loses its
 * labels in between and gets them back; nothing else about the flow could change.
 */
import type { Pod, Probe, Test } from './table.ts'

export type KubePolicy = {
  kind: string
  metadata: { name: string; namespace?: string }
  spec: { priority?: number; ingress?: KubeRule[]; egress?: KubeRule[] }
}
type KubeRule = { name?: string; action?: string; to?: unknown[]; from?: unknown[]; protocols?: unknown[] }
type Scene = {
  readonly policies: KubePolicy[]
  readonly test: Test
  readonly pods: readonly Pod[]
  readonly addressesOf: (pod: string) => readonly string[]
}

const DIRECTIONS = ['ingress', 'egress'] as const

function swap(a: number, b: number) {
  return ({ policies }: Scene) => {
    for (const { spec } of policies)
      for (const direction of DIRECTIONS) {
        const rules = spec[direction]
        if (rules?.[a] === undefined || rules[b] === undefined) continue
        ;[rules[a], rules[b]] = [rules[b], rules[a]]
      }
  }
}

/** The rule for one port says the port's name instead: that of the port which the test expects to be open. */
function nameThePort({ policies, test, pods }: Scene): void {
  const open = test.probes.find((probe) => probe.allowed)
  const labels = pods.find((pod) => pod.name === open?.server)?.labels ?? {}
  const label = Object.keys(labels).find(
    (key) => key.startsWith('port/') && labels[key] === `${open?.port}/${open?.protocol}`,
  )
  for (const { spec } of policies)
    for (const direction of DIRECTIONS) {
      const rule = spec[direction]?.[5]
      if (rule !== undefined) rule.protocols = [{ destinationNamedPort: label?.slice('port/'.length) }]
    }
}

function allowThoseAddresses({ policies, test, addressesOf }: Scene): void {
  const servers = new Set(test.probes.filter((probe) => probe.allowed).map((probe) => probe.server))
  const networks = [...servers].flatMap(addressesOf).map((one) => `${one}/${one.includes(':') ? 128 : 32}`)
  for (const { spec } of policies)
    spec.egress?.unshift({ name: 'allow-egress-to-specific-podIPs', action: 'Accept', to: [{ networks }] })
}

function passInstead(direction: 'ingress' | 'egress') {
  return ({ policies }: Scene) => {
    const rule = policies.find(({ metadata }) => metadata.name === 'pass-example')?.spec[direction]?.[0]
    if (rule !== undefined) rule.action = 'Pass'
  }
}

function deleteNetworkPolicies({ policies }: Scene): void {
  for (let i = policies.length - 1; i >= 0; i--) if (policies[i]!.kind === 'NetworkPolicy') policies.splice(i, 1)
}

function raisePriority({ policies }: Scene): void {
  for (const { metadata, spec } of policies) {
    const wanted = /new-priority-(\d+)/.exec(metadata.name)?.[1]
    if (wanted !== undefined) spec.priority = Number(wanted)
  }
}

const EDITS: readonly (readonly [test: RegExp, edit: (scene: Scene) => void])[] = [
  [/'allow-(e|in)gress' policy for named port/, nameThePort],
  [/'allow-egress' rule policy for egress-cidr-peer/, allowThoseAddresses],
  [/'pass-ingress' policy for admin CNP and respect the match for network policy/, passInstead('ingress')],
  [/'pass-egress' policy for admin CNP and respect the match for network policy/, passInstead('egress')],
  [/respect the match for baseline cluster network policy/, deleteNetworkPolicies],
  [/respect admin CNP priority field/, raisePriority],
  [/'deny-(e|in)?gress' policy .*(rule ordering is respected|across different protocols)$/, swap(0, 1)],
  [/'pass-(e|in)?gress' policy .*(rule ordering is respected|across different protocols)$/, swap(0, 2)],
  [/'pass-(e|in)?gress' policy .* at the specified ports?$/, swap(3, 4)],
]

/** False: nothing is known that this test would edit. */
export function editFor(scene: Scene): boolean {
  const edit = EDITS.find(([name]) => name.test(scene.test.name))?.[1]
  edit?.(scene)
  return edit !== undefined
}

/** Probes that can hold at once; a new stage begins where one contradicts an earlier one. In every other stage the server has no labels. */
export function stagesOf(test: Test): Probe[][] {
  const stages: Probe[][] = [[]]
  for (const probe of test.probes) {
    const same = (other: Probe) => flowOf(other) === flowOf(probe) && other.allowed !== probe.allowed
    if (stages.at(-1)!.some(same)) stages.push([])
    stages.at(-1)!.push(probe)
  }
  return stages
}

function flowOf({ client_ns, client_pod, server, protocol, port }: Probe): string {
  return `${client_ns}/${client_pod} ${server} ${protocol} ${port}`
}
