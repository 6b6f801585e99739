/** Plans: what would change and whom it would cut off, who approved it, and the way back. */

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isSamePerson } from '../../model/actor.ts'
import { AgentApproval } from '../../model/approval.ts'
import type { AgentId, PlanId, TenantId, WorkloadId } from '../../model/ids.ts'
import type { PlanPreview } from '../../model/plan-preview.ts'
import { type PlanRow, type PlanSummary, summarizePlan } from '../../model/plan-summary.ts'
import type { AgentRecord, Page, PlanRecord } from '../../model/records.ts'
import type { Outcome } from '../../model/why.ts'
import { previewPlan, STEPS_SHOWN } from '../plan-preview.ts'
import { parseStates, planFilter } from '../plan-query.ts'
import { talkOf } from '../plan-talk.ts'
import type { Principal } from '../principal.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { etag, IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['plans']
const Approve = Type.Object(
  {
    note: Type.Optional(Type.String({ maxLength: 500 })),
    /** One per agent of the plan, of this approver's own key: `guise plan approve --sign FILE`. */
    signatures: Type.Optional(Type.Array(AgentApproval, { maxItems: 1_000 })),
  },
  { additionalProperties: false },
)
const Restore = Type.Object(
  { to: Type.Integer({ minimum: 0, maximum: 2 ** 53 - 1 }), why: Type.Optional(Type.String({ maxLength: 500 })) },
  { additionalProperties: false },
)
const Because = Type.Object({ why: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false })
const ListParams = Type.Object(
  {
    ...PageParams.properties,
    q: Type.Optional(Type.String({ maxLength: 500 })),
    state: Type.Optional(Type.String({ maxLength: 200, description: 'open, or states with commas' })),
  },
  { additionalProperties: false },
)
const PreviewParams = Type.Object(
  { with: Type.Optional(Type.Union([Type.Literal('nft')])) },
  { additionalProperties: false },
)
const LookBackParams = Type.Object(
  { to: Type.Integer({ minimum: 0, maximum: 2 ** 53 - 1 }) },
  { additionalProperties: false },
)
const Nothing = Type.Object({}, { additionalProperties: false })

export function planRoutes(app: Routes, deps: RouteDeps): void {
  const one = async (request: FastifyRequest): Promise<PlanRecord> => {
    const { id } = request.params as { id: string }
    const record = await deps.store().plans.get(principalOf(request).tenant, id as PlanId)
    if (record === null) throw notFound('plan of that id')
    return record
  }

  app.get(
    '/plans',
    {
      schema: { tags, summary: 'Plans, newest first; rules and states are under /plans/{id}', querystring: ListParams },
    },
    async (request) => listPlans(deps, principalOf(request).tenant, request.query),
  )

  app.get('/plans/:id', { schema: { tags, summary: 'One plan', params: IdParams } }, async (request, reply) => {
    const record = await one(request)
    return reply.header('etag', etag(record.version)).send(record)
  })

  app.get(
    '/plans/:id/preview',
    {
      schema: {
        tags,
        summary: 'What it would change, by meaning; with=nft adds the lines of each agent’s table',
        params: IdParams,
        querystring: PreviewParams,
      },
    },
    async (request) => preview(deps, await one(request), request.query.with === 'nft' ? 'with' : 'without'),
  )

  app.get(
    '/plans/rollback/preview',
    {
      schema: {
        tags,
        summary: 'What a roll-back to a generation would change now; its generation is that one',
        querystring: LookBackParams,
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const look = answer(await deps.control.lookBackTo({ tenant, generation: request.query.to, by: actor }))
      return preview(deps, look, 'without')
    },
  )

  app.post(
    '/plans/:id/approve',
    { schema: { tags, summary: 'Approve', params: IdParams, body: Type.Union([Approve, Type.Null()]) } },
    async (request) => {
      const record = await one(request)
      const principal = principalOf(request)
      if (await isOwn(deps, record, principal)) {
        throw new Problem(
          403,
          'self-approval',
          'Nobody approves what they asked for.',
          'Have another person approve it.',
        )
      }
      if (record.approvedBy.some((actor) => isSamePerson(actor, principal.actor))) {
        throw new Problem(409, 'approved-before', 'You approved it already.', 'A second person must approve it too.')
      }
      const { tenant, actor } = principal
      const note = request.body?.note ?? ''
      const signatures = request.body?.signatures ?? []
      const stray = signatures.find(({ agent }) => !Object.hasOwn(record.plan.agents, agent))
      if (stray !== undefined)
        throw new Problem(
          422,
          'no-such-agent',
          `The plan has no agent ${stray.agent}.`,
          'Sign what guise plan show lists.',
        )
      return answer(await deps.control.approvePlan({ tenant, plan: record.plan.id, by: actor, note, signatures }))
    },
  )

  app.post(
    '/plans/:id/confirm',
    { schema: { tags, summary: 'Keep what is applied', params: IdParams, body: Type.Union([Nothing, Type.Null()]) } },
    async (request) => {
      const record = await one(request)
      const { tenant, actor } = principalOf(request)
      return answer(await deps.control.confirmPlan({ tenant, plan: record.plan.id, by: actor }))
    },
  )

  app.post(
    '/plans/:id/rollback',
    {
      schema: { tags, summary: 'Back to what was before', params: IdParams, body: Type.Union([Because, Type.Null()]) },
    },
    async (request) => {
      const record = await one(request)
      const { tenant, actor } = principalOf(request)
      const why = request.body?.why ?? `${actor} asked for it`
      return answer(await deps.control.rollbackPlan({ tenant, plan: record.plan.id, by: actor, why }))
    },
  )

  app.post(
    '/plans/rollback',
    {
      schema: {
        tags,
        summary: 'Back to what was in force in a generation, as a new plan; held until resumed',
        body: Restore,
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const { to: generation, why = `${actor} asked for it` } = request.body
      return answer(await deps.control.rollbackTo({ tenant, generation, by: actor, why }))
    },
  )
}

/** Automation proposes again what somebody asked for when the rest has changed: the wish in it is still theirs. */
async function isOwn(deps: RouteDeps, { plan }: PlanRecord, { tenant, actor }: Principal): Promise<boolean> {
  if (isSamePerson(plan.proposedBy, actor)) return true
  const wishes = new Set(plan.steps.map((step) => step.shift))
  const shifts = await deps.store().shifts.current(tenant)
  return shifts.some((one) => wishes.has(one.id) && isSamePerson(one.requestedBy, actor))
}

function answer(outcome: Outcome<PlanRecord>): PlanRecord {
  if (!outcome.ok) throw refused(outcome)
  return outcome.value
}

type ListQuery = { readonly limit?: number; readonly cursor?: string; readonly q?: string; readonly state?: string }
/** Chunks that one filtered page looks through, at most; the cursor goes on from there. */
const CHUNKS = 50

async function listPlans(deps: RouteDeps, tenant: TenantId, query: ListQuery): Promise<Page<PlanSummary>> {
  const { q, state, ...page } = query
  const states = parseStates(state ?? '')
  if (states === null)
    throw new Problem(
      422,
      'bad-filter',
      `${JSON.stringify(state?.slice(0, 60))} names a state that plans do not have.`,
      'Use open, proposed, approved, applying, confirming, confirmed, rolled-back, expired or refused.',
    )
  const agents = await deps.store().agents.list(tenant)
  const { limit, cursor } = pageQuery(page)
  if (q === undefined || q.trim() === '') {
    const found = await deps.store().plans.rows(tenant, { limit, cursor, states })
    return { items: await summaries(deps, tenant, found.items, agents), next: found.next }
  }
  const isWanted = planFilter(q)
  const items: PlanSummary[] = []
  let next = cursor
  let asked = 0
  do {
    // No chunk is larger than what the page still has room for, so none is given in part.
    const found = await deps.store().plans.rows(tenant, { limit: limit - items.length, cursor: next, states })
    items.push(...(await summaries(deps, tenant, found.items, agents)).filter(isWanted))
    next = found.next
  } while (next !== null && items.length < limit && ++asked < CHUNKS)
  return { items, next }
}

async function summaries(
  deps: RouteDeps,
  tenant: TenantId,
  rows: readonly PlanRow[],
  agents: readonly AgentRecord[],
): Promise<PlanSummary[]> {
  const titled = rows.flatMap(({ plan }) => plan.steps.slice(0, 3).map((step) => step.workload))
  const names = await deps.store().workloads.names(tenant, [...new Set(titled)])
  return rows.map((row) => summarizePlan(row, (id) => names.get(id as WorkloadId) ?? null, agents))
}

/** Conversations read for a preview: of this many steps, the newest of the last day. */
const TALK_MS = 86_400_000
const TALKS = 300

async function preview(deps: RouteDeps, record: PlanRecord, nft: 'with' | 'without'): Promise<PlanPreview> {
  const { plans, workloads, agents, conversations } = deps.store()
  const { tenant, id, parent: parentId, steps } = record.plan
  const since = deps.clock() - TALK_MS
  const [parent, all, allAgents, approvals, { confirmed }, talks] = await Promise.all([
    parentId === null ? null : plans.get(tenant, parentId),
    workloads.all(tenant),
    agents.list(tenant),
    plans.approvals(tenant, id),
    plans.target(tenant),
    Promise.all(steps.slice(0, STEPS_SHOWN).map((step) => conversations.of(tenant, step.workload, since, TALKS))),
  ])
  const talked = talkOf(record.plan, parent?.plan ?? null, all, talks.flat())
  const own = Object.keys(record.plan.agents) as AgentId[]
  const beside = new Map(own.map((agent) => [agent, deps.control.beside(tenant, agent)] as const))
  const inForce = confirmed?.plan.generation.n ?? null
  return previewPlan({ record, parent, workloads: all, agents: allAgents, approvals, talked, inForce, beside, nft })
}
