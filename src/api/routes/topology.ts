/** Who talks to whom by persona, folded to what can be drawn; and the conversations behind a node or an edge of it. */
import { Type } from 'typebox'
import type { WorkloadRecord } from '../../model/records.ts'
import { type Face, TOPOLOGY_LENSES, TOPOLOGY_LEVELS } from '../../model/topology.ts'
import type { Outcome } from '../../model/why.ts'
import { Problem, refused } from '../problem.ts'
import { Moment, principalOf, type RouteDeps, type Routes } from '../route.ts'
import { createTopologyReader, type TopologyAsk } from '../topology/topology.ts'
import { parseWorkloadQuery } from '../workload-query.ts'

const tags = ['topology']
const HOUR_MS = 3_600_000
const MAX_SPAN_MS = 31 * 24 * HOUR_MS

const Span = {
  from: Moment('an hour before `to` when left out'),
  to: Moment('now when left out'),
  level: Type.Optional(Type.Union(TOPOLOGY_LEVELS.map((level) => Type.Literal(level)))),
  segment: Type.Optional(
    Type.String({ maxLength: 63, description: 'shown at `level`; the others one step further away' }),
  ),
  persona: Type.Optional(Type.String({ maxLength: 63 })),
  q: Type.Optional(
    Type.String({
      maxLength: 1_000,
      description: 'as for workloads, and port:N, peer:ADDRESS, verdict:allow|drop|would-drop',
    }),
  ),
  infrastructure: Type.Optional(
    Type.Union([Type.Literal('show'), Type.Literal('hide')], {
      description: 'DNS, NTP, DHCP, ICMP; hidden by default',
    }),
  ),
}
const MapQuery = Type.Object(
  {
    ...Span,
    lens: Type.Optional(
      Type.Union(
        TOPOLOGY_LENSES.map((lens) => Type.Literal(lens)),
        { description: 'how a console draws it; every lens has the same figures' },
      ),
    ),
  },
  { additionalProperties: false },
)
const NodeIds = Type.String({ minLength: 1, maxLength: 4_000, description: 'ids of nodes, with commas between' })
const TalksQuery = Type.Object({ ...Span, a: NodeIds, b: Type.Optional(NodeIds) }, { additionalProperties: false })

export function topologyRoutes(app: Routes, deps: RouteDeps): void {
  const reader = createTopologyReader(deps.store)
  app.get('/topology', { schema: { tags, summary: 'Who talks to whom', querystring: MapQuery } }, async (request) => {
    const { lens: _lens, ...query } = request.query
    return reader.map(principalOf(request).tenant, askOf(query, deps.clock()), deps.clock())
  })
  app.get(
    '/topology/conversations',
    { schema: { tags, summary: 'The conversations behind a node, or between two', querystring: TalksQuery } },
    async (request) => {
      const { a, b, ...query } = request.query
      const ask = { ...askOf(query, deps.clock()), a, b: b ?? null }
      return reader.talks(principalOf(request).tenant, ask, deps.clock())
    },
  )
}

type Query = {
  readonly from?: number
  readonly to?: number
  readonly level?: TopologyAsk['level']
  readonly segment?: string
  readonly persona?: string
  readonly q?: string
  readonly infrastructure?: 'show' | 'hide'
}

function askOf(query: Query, now: number): TopologyAsk {
  const to = query.to ?? now
  const from = query.from ?? to - HOUR_MS
  if (from >= to || to - from > MAX_SPAN_MS)
    throw new Problem(400, 'bad-span', 'from and to are not a span of at most 31 days.', 'Ask for less at once.')
  const filter = parseTopologyQuery(query.q ?? '')
  if (!filter.ok) throw refused(filter)
  return {
    from,
    to,
    level: query.level ?? null,
    segment: query.segment ?? null,
    persona: query.persona ?? null,
    infrastructure: query.infrastructure ?? 'hide',
    ...filter.value,
  }
}

type Filter = Pick<TopologyAsk, 'filter' | 'port' | 'peer' | 'verdict'>
const VERDICTS: Readonly<Record<string, Filter['verdict']>> = {
  allow: 'allow',
  drop: 'deny',
  deny: 'deny',
  'would-drop': 'would-deny',
}

/** Words about a conversation are taken out; the rest is the language of workloads. */
export function parseTopologyQuery(text: string): Outcome<Filter> {
  let port: number | null = null
  let peer: string | null = null
  let verdict: Filter['verdict'] = null
  const rest: string[] = []
  for (const word of text.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []) {
    const [, field, value] = /^(port|peer|verdict):(.+)$/.exec(word) ?? []
    if (field === undefined || value === undefined) rest.push(word)
    else if (field === 'peer') peer = value.replaceAll('"', '')
    else if (field === 'port' && /^\d{1,5}$/.test(value)) port = Number(value)
    else if (field === 'verdict' && Object.hasOwn(VERDICTS, value)) verdict = VERDICTS[value]!
    else
      return {
        ok: false,
        code: 'bad-filter',
        where: `q: ${word.slice(0, 60)}`,
        why: `${JSON.stringify(word.slice(0, 60))} is not understood`,
        cure: 'Write port:443, peer:203.0.113.7 or verdict:drop.',
      }
  }
  const workloads = parseWorkloadQuery(rest.join(' '))
  if (!workloads.ok) return workloads
  return { ok: true, value: { port, peer, verdict, filter: (face) => workloads.value(asRecord(face)) } }
}

/** A face holds all that the language asks of a workload, under other names. */
function asRecord(face: Face): WorkloadRecord {
  const named = (name: string | null) => (name === null ? null : { name })
  return {
    id: face.id,
    agent: face.agent,
    report: { name: face.name, key: face.key, labels: face.labels, addresses: face.addresses, kind: face.kind },
    assigned: named(face.assigned),
    worn: named(face.worn),
    belief: { believed: face.believed },
    risk: face.risk === null ? null : { value: face.risk },
  } as unknown as WorkloadRecord
}
