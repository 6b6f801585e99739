/** Workloads as they are known: who, how trusted, what they wear and why. Read only; a shift is what changes them. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { DesiredState } from '../../model/desired.ts'
import type { DriftAnswer } from '../../model/drift.ts'
import type { WorkloadFeatures } from '../../model/feature-standing.ts'
import { slug, type WorkloadId } from '../../model/ids.ts'
import type { PersonaManifest } from '../../model/manifest.ts'
import type { WornFacet } from '../../model/plan-preview.ts'
import type { HistoryPoint, Page, WorkloadRecord } from '../../model/records.ts'
import type { RuleHits } from '../../model/rule-hit.ts'
import type { VitalsTold } from '../../model/vitals.ts'
import { WINDOW_MS } from '../../model/window.ts'
import { wornFacets } from '../facet-words.ts'
import { judgeConversations } from '../judged-conversations.ts'
import { knownAs, personaDocument } from '../persona-document.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { etag, IdParams, Moment, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'
import { parseWorkloadQuery, workloadOrder } from '../workload-query.ts'
import { flowQuestion } from './flows.ts'

const tags = ['workloads']
const HOUR_MS = 3_600_000
const MAX_SPAN_MS = 31 * 24 * HOUR_MS
const DAY_MS = 24 * HOUR_MS
const NO_VITALS: VitalsTold = { at: null, spanMs: 0, figures: [], history: { start: [], columns: {} } }
const TRAFFIC_MS = 600_000
/** Every workload at once: a day of points of thousands of them is no small answer. */
const MAX_TRAFFIC_MS = 3 * HOUR_MS
const TRAFFIC_POINTS = 40

const ListQuery = Type.Object(
  {
    ...PageParams.properties,
    q: Type.Optional(
      Type.String({ maxLength: 1_000, description: 'persona:X wears:X label:k=v risk>0.4 host:X abstains' }),
    ),
    s: Type.Optional(
      Type.String({ maxLength: 20, description: 'name, risk, host, seen, rate; - before it for descending' }),
    ),
  },
  { additionalProperties: false },
)
const SpanQuery = Type.Object(
  { from: Moment('some while before `to` when left out'), to: Moment('now when left out') },
  { additionalProperties: false },
)
const WhyQuery = Type.Object(
  {
    to: Type.Optional(Type.String({ maxLength: 64, description: 'IP, IP:PORT or [IPv6]:PORT' })),
    protocol: Type.Optional(Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('icmp')])),
  },
  { additionalProperties: false },
)

export function workloadRoutes(app: Routes, deps: RouteDeps): void {
  const one = async (request: FastifyRequest): Promise<WorkloadRecord> => {
    const { id } = request.params as { id: string }
    const record = await deps.store().workloads.get(principalOf(request).tenant, id as WorkloadId)
    if (record === null) throw notFound('workload of that id')
    return record
  }

  app.get('/workloads', { schema: { tags, summary: 'Workloads', querystring: ListQuery } }, async (request) => {
    const { tenant } = principalOf(request)
    const { q, s, ...page } = request.query
    if (q === undefined && s === undefined) return deps.store().workloads.list(tenant, pageQuery(page))
    return filtered(await deps.store().workloads.all(tenant), q ?? '', s ?? 'name', pageQuery(page))
  })

  app.get(
    '/workloads/traffic',
    { schema: { tags, summary: 'Bytes per second of every workload, in 40 steps', querystring: SpanQuery } },
    async (request) => {
      const { from, to } = spanOf(request.query, deps.clock(), TRAFFIC_MS, MAX_TRAFFIC_MS)
      const items = await deps.store().workloads.traffic(principalOf(request).tenant, from, to, TRAFFIC_POINTS)
      return { from, to, items, next: null }
    },
  )

  app.get('/workloads/:id', { schema: { tags, summary: 'One workload', params: IdParams } }, async (request, reply) => {
    const record = await one(request)
    return reply.header('etag', etag(record.version)).send(record)
  })

  app.get(
    '/workloads/:id/persona',
    { schema: { tags, summary: 'The whole learned persona as one document', params: IdParams } },
    async (request, reply) => {
      const workload = await one(request)
      const { tenant } = workload
      const now = deps.clock()
      const [persona, desired, evidence, conversations, history] = await Promise.all([
        deps.store().manifests.get(tenant, 'Persona', slug(knownAs(workload).name)),
        desiredOf(deps, workload),
        deps.store().evidence.of(tenant, workload.id, now - DAY_MS),
        deps.store().conversations.of(tenant, workload.id, now - DAY_MS, 5_000),
        deps.store().workloads.history(tenant, workload.id, now - DAY_MS, now),
      ])
      const manifest = persona === null ? null : (persona.manifest as PersonaManifest)
      reply.header('etag', etag(workload.version))
      return personaDocument({ workload, manifest, desired, evidence, conversations, history })
    },
  )

  app.get(
    '/workloads/:id/belief',
    { schema: { tags, summary: 'The belief now and over time', params: IdParams, querystring: SpanQuery } },
    async (request) => {
      const record = await one(request)
      const points = await historyOf(deps, record, request.query)
      return { now: record.belief, items: points.flatMap((point) => point.belief ?? []), next: null }
    },
  )

  app.get(
    '/workloads/:id/risk',
    { schema: { tags, summary: 'Risk with the evidence that makes it', params: IdParams } },
    async (request) => {
      const record = await one(request)
      const evidence = await deps.store().evidence.of(record.tenant, record.id, deps.clock() - DAY_MS)
      return { risk: record.risk, evidence }
    },
  )

  app.get(
    '/workloads/:id/drift',
    {
      schema: {
        tags,
        summary: 'How far it is from all it has been, what shows it, and the last hour beside what was expected',
        params: IdParams,
      },
    },
    async (request): Promise<DriftAnswer> => {
      const { tenant, id } = await one(request)
      return deps.control.drift(tenant, id)
    },
  )

  app.get(
    '/workloads/:id/vitals',
    {
      schema: {
        tags,
        summary: 'Processor, memory, disks, link and programs: now, and windows of an hour',
        params: IdParams,
      },
    },
    async (request): Promise<VitalsTold> => {
      const { tenant, id } = await one(request)
      return deps.control.vitals(tenant, id) ?? NO_VITALS
    },
  )

  app.get(
    '/workloads/:id/features',
    {
      schema: {
        tags,
        summary: 'Its last window beside what its persona is like, feature by feature',
        params: IdParams,
      },
    },
    async (request): Promise<WorkloadFeatures> => {
      const { tenant, id, belief, assigned } = await one(request)
      const likeliest = belief?.personas[0]?.persona ?? null
      const persona = belief?.believed ?? assigned?.name ?? likeliest
      const basis = belief?.believed != null ? 'believed' : assigned !== null ? 'assigned' : 'likeliest'
      const p = belief?.personas.find((known) => known.persona === persona)?.p ?? null
      return { persona, basis: persona === null ? null : basis, p, ...deps.control.features(tenant, id, persona) }
    },
  )

  app.get(
    '/workloads/:id/conversations',
    {
      schema: {
        tags,
        summary: 'With whom it spoke, and what the rules in force say of it',
        params: IdParams,
        querystring: Type.Object(
          {
            since: Moment('an hour ago when left out'),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async (request) => {
      const record = await one(request)
      const { since = deps.clock() - HOUR_MS, limit = 500 } = request.query
      const [rows, others, target] = await Promise.all([
        deps.store().conversations.of(record.tenant, record.id, since, limit),
        deps.store().workloads.all(record.tenant),
        deps.store().plans.target(record.tenant),
      ])
      const state = target.confirmed?.plan.agents[record.agent] ?? null
      return { items: judgeConversations(record, state, rows, others, deps.clock()), next: null }
    },
  )

  app.get(
    '/workloads/:id/history',
    {
      schema: {
        tags,
        summary: 'Traffic, belief and risk, a point per window',
        params: IdParams,
        querystring: SpanQuery,
      },
    },
    async (request) => ({ items: carryBeliefs(await historyOf(deps, await one(request), request.query)), next: null }),
  )

  app.get(
    '/workloads/:id/rules',
    { schema: { tags, summary: 'The rules in force, each with its why; null when none are', params: IdParams } },
    async (request, reply) =>
      reply.type('application/json').send(JSON.stringify(await desiredOf(deps, await one(request)))),
  )

  app.get(
    '/workloads/:id/facets',
    { schema: { tags, summary: 'What it wears of each facet, in words', params: IdParams } },
    async (request): Promise<Page<WornFacet>> => {
      const state = await desiredOf(deps, await one(request))
      return { items: state === null ? [] : wornFacets(state), next: null }
    },
  )

  app.get(
    '/workloads/:id/rules/hits',
    { schema: { tags, summary: 'Packets that the kernel counted by each of these rules', params: IdParams } },
    async (request): Promise<RuleHits> => hitsOf(deps, await one(request)),
  )

  app.get(
    '/workloads/:id/why',
    {
      schema: {
        tags,
        summary: 'Why it is treated as it is, or why one flow is',
        params: IdParams,
        querystring: WhyQuery,
      },
    },
    async (request) => {
      const record = await one(request)
      const { to, protocol } = request.query
      const answer =
        to === undefined
          ? await deps.control.explain(record.tenant, record.id)
          : await deps.control.explainFlow(record.tenant, record.id, flowQuestion(to, protocol))
      if (!answer.ok) throw refused(answer)
      return answer.value
    },
  )
}

/** Filtered in memory; the cursor is a position in the order asked for, and the order is total. */
function filtered(
  all: readonly WorkloadRecord[],
  q: string,
  s: string,
  page: { limit: number; cursor: string | null },
) {
  const filter = parseWorkloadQuery(q)
  if (!filter.ok) throw refused(filter)
  const order = workloadOrder(s)
  if (order === null)
    throw new Problem(400, 'bad-order', 'That order is not known.', 'Use name, risk, host, seen or rate.')
  const from = page.cursor === null ? 0 : Number(/^o(\d{1,9})$/.exec(page.cursor)?.[1] ?? Number.NaN)
  if (Number.isNaN(from))
    throw new Problem(400, 'bad-cursor', 'That cursor is not of this list.', 'Start without a cursor.')
  const items = all.filter(filter.value).sort(order)
  const until = from + page.limit
  return { items: items.slice(from, until), next: until < items.length ? `o${until}` : null, total: items.length }
}

async function historyOf(
  deps: RouteDeps,
  record: WorkloadRecord,
  span: { readonly from?: number; readonly to?: number },
) {
  const { from, to } = spanOf(span, deps.clock(), HOUR_MS, MAX_SPAN_MS)
  return deps.store().workloads.history(record.tenant, record.id, from, to)
}

function spanOf(
  asked: { readonly from?: number; readonly to?: number },
  now: number,
  usualMs: number,
  mostMs: number,
): { readonly from: number; readonly to: number } {
  const to = asked.to ?? now
  const from = asked.from ?? to - usualMs
  if (from >= to || to - from > mostMs) {
    const most = mostMs < DAY_MS ? `${mostMs / HOUR_MS} hours` : `${mostMs / DAY_MS} days`
    throw new Problem(400, 'bad-span', `from and to are not a span of at most ${most}.`, 'Ask for less at once.')
  }
  return { from, to }
}

/** A belief is stepped once a window and holds until the next; for two windows at most, so that a gap stays a gap. */
function carryBeliefs(points: readonly HistoryPoint[]): HistoryPoint[] {
  let last: HistoryPoint | null = null
  return points.map((point) => {
    if (point.belief !== null) last = point
    const held = last !== null && point.at - last.at <= 2 * WINDOW_MS ? last.belief : null
    return point.belief === null ? { ...point, belief: held } : point
  })
}

/** One rule that several workloads of a host wear is one chain there, counted once. */
async function hitsOf(deps: RouteDeps, workload: WorkloadRecord): Promise<RuleHits> {
  const { confirmed } = await deps.store().plans.target(workload.tenant)
  const all = confirmed?.plan.agents[workload.agent]?.workloads ?? []
  const idsOf = ({ egress, ingress, containment }: DesiredState) => [
    ...[egress, ingress].flatMap(({ rules, why }) => [...rules.map((rule) => rule.why.rule), why.rule]),
    ...(containment === null ? [] : [containment.why.rule]),
  ]
  const own = all.find((one) => one.workload === workload.id)
  const rules = new Set(own === undefined ? [] : idsOf(own))
  const shared = all.filter((one) => one !== own && idsOf(one).some((id) => rules.has(id))).length
  return { items: [...deps.control.ruleHits(workload.tenant, workload.agent, [...rules])], shared, next: null }
}

/** What the last confirmed plan makes it wear. */
async function desiredOf(deps: RouteDeps, workload: WorkloadRecord): Promise<DesiredState | null> {
  const { confirmed } = await deps.store().plans.target(workload.tenant)
  return confirmed?.plan.agents[workload.agent]?.workloads.find((desired) => desired.workload === workload.id) ?? null
}
