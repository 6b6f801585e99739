/**
 * Twenty edits of policies and personas that each break a conversation somebody has, and a few that break none. Whom an
 * edit cuts is written down beside it, by hand: what the preview lists must hold it.
 */
import { failSafePaths } from '../../src/decide/fail-safe.ts'
import { parseManifests } from '../../src/decide/manifest.ts'
import type { DecideInput } from '../../src/decide/plan.ts'
import { membersOf, reachOf } from '../../src/decide/preview.ts'
import { replay } from '../../src/decide/preview-replay.ts'
import { type AgentId, DEFAULT_TENANT, type PersonaId, slug, type WorkloadId } from '../../src/model/ids.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import type { ConversationRecord, WorkloadRecord } from '../../src/model/records.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)

const WORLD = `
kind: Persona
metadata: { name: Web }
spec:
  profile:
    default: { egress: deny, ingress: deny }
    rules:
      - { action: allow, direction: egress, peers: [{ persona: Api }], ports: [{ protocol: tcp, port: 8443 }] }
      - { action: allow, direction: egress, peers: [{ cidr: 198.51.100.0/24, except: [198.51.100.9] }], ports: [{ protocol: tcp, port: 443 }] }
      - { action: allow, direction: ingress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 443 }, { protocol: tcp, port: 80 }] }
      - { action: allow, direction: egress, peers: [{ any: true }], ports: [{ protocol: icmp, type: 8 }] }
---
kind: Persona
metadata: { name: Api }
spec:
  profile:
    default: { egress: deny, ingress: deny }
    rules:
      - { action: allow, direction: ingress, peers: [{ persona: Web }], ports: [{ protocol: tcp, port: 8443 }] }
      - { action: allow, direction: ingress, peers: [{ any: true }], ports: [{ protocol: icmp }] }
      - { action: allow, direction: egress, peers: [{ persona: Store }], ports: [{ protocol: tcp, port: 5432, to: 5433 }] }
      - { action: allow, direction: egress, peers: [{ any: true }], ports: [{ protocol: udp, port: 514 }] }
---
kind: Persona
metadata: { name: Store }
spec:
  profile:
    default: { egress: deny, ingress: deny }
    rules:
      - { action: allow, direction: ingress, peers: [{ persona: Api }], ports: [{ protocol: tcp, port: 5432, to: 5433 }] }
      - { action: allow, direction: ingress, peers: [{ labels: { role: admin } }], ports: [{ protocol: tcp, port: 22 }] }
      - { action: allow, direction: egress, peers: [{ cidr: 10.0.0.0/8 }], ports: [{ protocol: udp, port: 123 }] }
---
kind: Persona
metadata: { name: Ops }
spec:
  profile:
    default: { egress: allow, ingress: allow }
---
kind: Policy
metadata: { name: guard }
spec:
  mode: enforce
  tier: admin
  priority: 10
  rules:
    - { action: pass, direction: egress, peers: [{ cidr: 10.1.0.0/16 }] }
    - { action: deny, direction: egress, peers: [{ cidr: 10.0.0.0/8 }] }
    - { action: reject, direction: egress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 23 }] }
---
kind: Policy
metadata: { name: low-reputation }
spec:
  mode: enforce
  rules:
    - { action: deny, direction: egress, peers: [{ reputation: { below: 0.3, unrated: allow } }] }
---
kind: Policy
metadata: { name: quarantine }
spec:
  mode: enforce
  subjects: { names: [old1] }
  rules:
    - { action: deny, direction: ingress, peers: [{ any: true }] }
---
kind: Policy
metadata: { name: draft }
spec:
  mode: enforce
  subjects: { persona: Ops }
  rules:
    - { action: deny, direction: egress, peers: [{ cidr: 192.0.2.0/24 }] }
---
kind: Policy
metadata: { name: last-words }
spec:
  mode: enforce
  tier: baseline
  rules:
    - { action: allow, direction: ingress, peers: [{ labels: { role: monitor } }], ports: [{ protocol: tcp, port: 9100 }] }
    - { action: deny, direction: ingress, peers: [{ any: true }], ports: [{ protocol: tcp, port: 22 }] }
`

type Name = 'web1' | 'web2' | 'api1' | 'db1' | 'db2' | 'ops1' | 'mon1'
const WORKLOADS: Readonly<Record<Name, { persona: string; labels: Record<string, string>; addresses: string[] }>> = {
  web1: { persona: 'Web', labels: {}, addresses: ['10.1.0.1', 'fd00:1::1'] },
  web2: { persona: 'Web', labels: {}, addresses: ['10.1.0.2'] },
  api1: { persona: 'Api', labels: {}, addresses: ['10.1.0.3'] },
  db1: { persona: 'Store', labels: {}, addresses: ['10.1.0.4'] },
  db2: { persona: 'Store', labels: {}, addresses: ['10.1.0.5'] },
  ops1: { persona: 'Ops', labels: { role: 'admin' }, addresses: ['10.1.0.6'] },
  mon1: { persona: 'Ops', labels: { role: 'monitor' }, addresses: ['10.1.0.7'] },
}

/** `web1 > 10.1.0.3 6 8443`: who, whether it asked or was asked, whom, protocol, port. */
const TALKS = [
  'web1 > 10.1.0.3 6 8443',
  'web2 > 10.1.0.3 6 8443',
  'api1 < 10.1.0.1 6 8443',
  'api1 < 10.1.0.1 1 8',
  'api1 > 10.1.0.4 6 5432',
  'api1 > 10.1.0.5 6 5433',
  'api1 > 10.1.9.53 17 514',
  'db1 < 10.1.0.3 6 5432',
  'db2 < 10.1.0.3 6 5433',
  'db1 < 10.1.0.6 6 22',
  'db1 > 10.1.9.123 17 123',
  'web1 < 203.0.113.50 6 443',
  'web1 < 2001:db8::50 6 443',
  'web2 < 203.0.113.51 6 80',
  'web1 < 10.1.0.7 6 9100',
  'web1 > 198.51.100.20 6 443',
  'web1 > 10.1.0.3 1 8',
  'ops1 > 203.0.113.7 6 443',
  'ops1 > 203.0.113.7 17 443',
] as const
type Talk = (typeof TALKS)[number]

type Edit = {
  readonly name: string
  readonly from: string
  readonly to: string
  /** Of the place, when `from` stands in several. */
  readonly nth?: number
  readonly cuts: readonly Talk[]
}
const ASKS_API: readonly Talk[] = ['web1 > 10.1.0.3 6 8443', 'web2 > 10.1.0.3 6 8443']
const EDITS: readonly Edit[] = [
  { name: 'another port', from: 'port: 8443', to: 'port: 8444', cuts: ASKS_API },
  { name: 'allow becomes reject', from: 'action: allow', to: 'action: reject', cuts: ASKS_API },
  { name: 'another peer persona', from: 'persona: Api', to: 'persona: Store', cuts: ASKS_API },
  {
    name: 'a peer left out',
    from: '[198.51.100.9]',
    to: '[198.51.100.9, 198.51.100.20]',
    cuts: ['web1 > 198.51.100.20 6 443'],
  },
  { name: 'a smaller network', from: '198.51.100.0/24', to: '198.51.100.0/28', cuts: ['web1 > 198.51.100.20 6 443'] },
  {
    name: 'anyone becomes a network',
    from: 'peers: [{ any: true }]',
    to: 'peers: [{ cidr: 203.0.113.48/31 }]',
    cuts: ['web1 < 203.0.113.50 6 443', 'web2 < 203.0.113.51 6 80', 'web1 < 2001:db8::50 6 443'],
  },
  {
    name: 'anyone becomes all of IPv4',
    from: 'peers: [{ any: true }]',
    to: 'peers: [{ cidr: 0.0.0.0/0 }]',
    cuts: ['web1 < 2001:db8::50 6 443'],
  },
  { name: 'another ICMP type', from: 'type: 8', to: 'type: 13', cuts: ['web1 > 10.1.0.3 1 8'] },
  { name: 'a shorter range', from: 'to: 5433', to: 'to: 5432', cuts: ['api1 > 10.1.0.5 6 5433'] },
  {
    name: 'another direction',
    from: 'egress, peers: [{ any: true }], ports: [{ protocol: udp',
    to: 'ingress, peers: [{ any: true }], ports: [{ protocol: udp',
    cuts: ['api1 > 10.1.9.53 17 514'],
  },
  {
    name: 'another protocol',
    from: 'protocol: udp, port: 514',
    to: 'protocol: tcp, port: 514',
    cuts: ['api1 > 10.1.9.53 17 514'],
  },
  {
    name: 'other callers',
    from: 'persona: Api',
    to: 'persona: Web',
    nth: 2,
    cuts: ['db1 < 10.1.0.3 6 5432', 'db2 < 10.1.0.3 6 5433'],
  },
  { name: 'another label', from: 'role: admin', to: 'role: boss', cuts: ['db1 < 10.1.0.6 6 22'] },
  {
    name: 'another default',
    from: 'egress: allow',
    to: 'egress: deny',
    cuts: ['ops1 > 203.0.113.7 6 443', 'ops1 > 203.0.113.7 17 443'],
  },
  {
    name: 'pass becomes deny',
    from: 'action: pass',
    to: 'action: deny',
    cuts: [...ASKS_API, 'api1 > 10.1.0.4 6 5432', 'db1 > 10.1.9.123 17 123'],
  },
  {
    name: 'pass of a smaller network',
    from: '10.1.0.0/16',
    to: '10.1.0.0/24',
    cuts: ['api1 > 10.1.9.53 17 514', 'db1 > 10.1.9.123 17 123'],
  },
  {
    name: 'a wider reject above all',
    from: 'protocol: tcp, port: 23',
    to: 'protocol: tcp, port: 23, to: 443',
    cuts: ['web1 > 198.51.100.20 6 443', 'ops1 > 203.0.113.7 6 443'],
  },
  { name: 'a higher bar of reputation', from: 'below: 0.3', to: 'below: 0.9', cuts: ['web1 > 198.51.100.20 6 443'] },
  {
    name: 'more subjects',
    from: 'names: [old1]',
    to: 'names: [db1]',
    cuts: ['db1 < 10.1.0.3 6 5432', 'db1 < 10.1.0.6 6 22'],
  },
  { name: 'another tier', from: 'tier: baseline', to: 'tier: admin', cuts: ['db1 < 10.1.0.6 6 22'] },
]
const HARMLESS: readonly Edit[] = [
  {
    name: 'a description',
    from: 'metadata: { name: guard }',
    to: 'metadata: { name: guard, description: one }',
    cuts: [],
  },
  {
    name: 'a port nobody uses',
    from: 'protocol: tcp, port: 80 }',
    to: 'protocol: tcp, port: 80 }, { protocol: tcp, port: 81 }',
    cuts: [],
  },
  { name: 'a wider network', from: '198.51.100.0/24', to: '198.51.100.0/23', cuts: [] },
]

export type Planted = {
  planted: number
  planted_listed: number
  /** Listed without having been broken. */
  planted_false: number
  missed: string[]
}

/** An edit counts as listed when the preview names every conversation it cuts, as cut, and none that it does not. */
export function plantEdits(): Planted {
  const before = read(WORLD)
  const input = world(before)
  const found: Planted = { planted: EDITS.length, planted_listed: 0, planted_false: 0, missed: [] }
  for (const edit of [...EDITS, ...HARMLESS]) {
    const after = read(edited(edit))
    const set = after.filter((manifest, i) => JSON.stringify(manifest) !== JSON.stringify(before[i]))
    const listed = cutBy(input, set)
    const missing = edit.cuts.filter((talk) => !listed.has(talk))
    const others = edit.cuts.length === 0 ? [...listed] : []
    if (others.length > 0) found.planted_false++
    if (edit.cuts.length > 0 && missing.length === 0) found.planted_listed++
    if (missing.length + others.length > 0) found.missed.push(`${edit.name}: ${[...missing, ...others].join(', ')}`)
  }
  return found
}

function edited({ name, from, to, nth = 1 }: Edit): string {
  const parts = WORLD.split(from)
  if (parts.length <= nth) throw new Error(`edit ${name}: ${from} stands in no place ${nth}`)
  return [parts.slice(0, nth).join(from), parts.slice(nth).join(from)].join(to)
}

function read(text: string): Manifest[] {
  const known = { personas: ['web', 'api', 'store', 'ops'] }
  const parsed = parseManifests(text.replaceAll('kind:', 'apiVersion: guise/v1\nkind:'), { file: 'planted', known })
  if (!parsed.ok) throw new Error(`planted: ${parsed.problems.map(({ why }) => why).join(' ')}`)
  return parsed.value
}

function cutBy(input: DecideInput, set: readonly Manifest[]): Set<string> {
  const reach = reachOf(input, set)
  const { changed } = replay({
    before: reach.before,
    after: reach.after,
    failSafe: failSafePaths(input.controlPlane),
    neverBlock: [],
    membersBefore: membersOf(input, reach.before),
    membersAfter: membersOf(input, reach.after),
    conversations: input.conversations,
    nameOf: () => null,
  })
  return new Set(
    changed.flatMap(({ name, direction, peer, proto, port, before, after }) =>
      before === 'allow' && after === 'deny'
        ? [`${name} ${direction === 'initiated' ? '>' : '<'} ${peer} ${proto} ${port}`]
        : [],
    ),
  )
}

function world(manifests: readonly Manifest[]): DecideInput {
  const agent = 'planted' as AgentId
  const entry = (manifest: Manifest) => ({
    kind: manifest.kind,
    id: slug(manifest.metadata.name),
    tenant: DEFAULT_TENANT,
    manifest,
    builtin: false,
    version: 1,
    updatedAt: 0,
    updatedBy: 'bench',
  })
  return {
    now: NOW,
    seed: 1,
    tenant: DEFAULT_TENANT,
    settings: {
      homeNetworks: ['10.0.0.0/8'],
      neverBlock: [],
      maxChangesPerMinute: 10,
      confirmWithinMs: 30_000,
      version: 0,
    },
    agents: [
      {
        id: agent,
        tenant: DEFAULT_TENANT,
        host: 'h',
        mode: 'enforce',
        lastReport: NOW,
        applied: null,
        counters: {},
        version: 1,
      },
    ],
    workloads: (Object.keys(WORKLOADS) as Name[]).map((name) => workload(name, agent)),
    manifests: manifests.map(entry),
    intel: { entries: [{ cidr: '198.51.100.20/32', score: 0.5, feed: 'bench' }], neverBlock: [], hash: 'one' },
    shifts: [],
    target: {},
    conversations: TALKS.map(talk),
    controlPlane: [],
    recentChanges: 0,
    activations: {},
  }
}

function workload(name: Name, agent: AgentId): WorkloadRecord {
  const { persona, labels, addresses } = WORKLOADS[name]
  return {
    id: name as string as WorkloadId,
    tenant: DEFAULT_TENANT,
    agent,
    report: {
      key: `netns:${name}`,
      name,
      kind: 'namespace',
      driver: 'netns',
      interface: `v${name}`,
      addresses,
      labels,
    },
    assigned: { id: slug(persona) as PersonaId, name: persona, version: 1 },
    worn: null,
    wornSince: null,
    containedUntil: null,
    belief: null,
    risk: null,
    rate: { out: 0, in: 0 },
    firstSeen: NOW,
    lastSeen: NOW,
    version: 1,
  }
}

function talk(text: string): ConversationRecord {
  const [name, side, peer, proto, port] = text.split(' ')
  return {
    workload: name as string as WorkloadId,
    peer: peer!,
    port: Number(port),
    proto: Number(proto),
    direction: side === '>' ? 'initiated' : 'served',
    start: NOW - 60_000,
    last: NOW - 1_000,
    flows: 5,
    failed: 0,
    bytesOut: 1_000,
    bytesIn: 1_000,
    service: null,
  }
}
