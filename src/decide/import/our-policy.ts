/** Parts of our own language, as an import makes them: a policy that keeps within its bounds, a peer, a network. */
import { createHash } from 'node:crypto'
import { parseCidr } from '../../model/address.ts'
import { API_VERSION, type PolicyManifest } from '../../model/manifest.ts'
import type { PeerSelector, Policy, PolicyRule, PortMatch } from '../../model/policy.ts'
import { parseInterfaceAddress } from '../interface-address.ts'
import type { LabelQuery } from '../label-match.ts'
import type { Importing, Path } from './selectors.ts'

const MAX_NAME = 63
const MAX_RULES = 500
const MAX_LIST = 100

export function importedPolicy(of: {
  readonly name: string
  readonly what: string
  readonly at: Importing
  readonly tier: NonNullable<Policy['tier']>
  readonly priority: number
  readonly subjects: LabelQuery
  readonly rules: readonly PolicyRule[]
}): PolicyManifest[] {
  const rules = of.rules.flatMap(withinBounds)
  if (rules.length === 0) return []
  if (rules.length > MAX_RULES)
    of.at.problem(['spec'], `it makes ${rules.length} rules, and a policy holds ${MAX_RULES}`, 'split it into several')
  return [
    {
      apiVersion: API_VERSION,
      kind: 'Policy',
      metadata: { name: nameOf(of.name), description: `${of.what}, ${of.at.origin([])}`.slice(0, 500) },
      spec: {
        ...(of.tier === 'policies' ? {} : { tier: of.tier }),
        priority: of.priority,
        subjects: {
          ...(of.subjects.labels === undefined ? {} : { labels: { ...of.subjects.labels } }),
          ...(of.subjects.matchExpressions === undefined
            ? {}
            : { matchExpressions: [...of.subjects.matchExpressions] }),
        },
        rules,
      },
    },
  ]
}

/** Names there are longer, and may differ where ours may not: then a digest keeps them apart. */
function nameOf(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9 ._-]/g, '-')
  return plain === name && name.length <= MAX_NAME ? name : digestedName(name)
}

export function digestedName(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${name.replace(/[^A-Za-z0-9 ._-]/g, '-').slice(0, MAX_NAME - 9)}-${digest}`
}

function withinBounds(rule: PolicyRule): PolicyRule[] {
  const ports: readonly (PortMatch[] | undefined)[] = rule.ports === undefined ? [undefined] : parts(rule.ports)
  return parts(rule.peers).flatMap((peers) =>
    ports.map((some) => ({ ...rule, peers, ...(some === undefined ? {} : { ports: some }) })),
  )
}

function parts<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / MAX_LIST) }, (_, i) =>
    list.slice(i * MAX_LIST, (i + 1) * MAX_LIST),
  )
}

export function peerOf({ labels, matchExpressions }: LabelQuery): PeerSelector {
  const expressions = [...(matchExpressions ?? [])]
  if (labels === undefined) return { matchExpressions: expressions }
  return { labels: { ...labels }, ...(expressions.length === 0 ? {} : { matchExpressions: expressions }) }
}

/** There, host bits may be set and mean nothing. */
export function networkOf(text: string, path: Path, at: Importing): string {
  if (parseCidr(text) !== null) return text
  const loose = parseInterfaceAddress(text)
  if (loose !== null) return loose.network
  at.problem(path, `${text} is no CIDR`, 'write it like 10.0.0.0/8 or fd00::/8')
  return text
}
