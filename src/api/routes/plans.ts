/** Plans: what would change and whom it would cut off, who approved it, and the way back. */

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { DesiredState } from '../../model/desired.ts'
import type { PlanId } from '../../model/ids.ts'
import type { PlanStep } from '../../model/plan.ts'
import type { PlanRecord } from '../../model/records.ts'
import type { Outcome } from '../../model/why.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { etag, IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['plans']
const Note = Type.Object({ note: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false })
const Because = Type.Object({ why: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false })
const Nothing = Type.Object({}, { additionalProperties: false })

export function planRoutes(app: Routes, deps: RouteDeps): void {
  const one = async (request: FastifyRequest): Promise<PlanRecord> => {
    const { id } = request.params as { id: string }
    const record = await deps.store().plans.get(principalOf(request).tenant, id as PlanId)
    if (record === null) throw notFound('plan of that id')
    return record
  }

  app.get('/plans', { schema: { tags, summary: 'Plans, newest first', querystring: PageParams } }, async (request) =>
    deps.store().plans.list(principalOf(request).tenant, pageQuery(request.query)),
  )

  app.get('/plans/:id', { schema: { tags, summary: 'One plan', params: IdParams } }, async (request, reply) => {
    const record = await one(request)
    return reply.header('etag', etag(record.version)).send(record)
  })

  app.get(
    '/plans/:id/preview',
    { schema: { tags, summary: 'What it would change, whom it would cut off', params: IdParams } },
    async (request) => preview(await one(request)),
  )

  app.post(
    '/plans/:id/approve',
    { schema: { tags, summary: 'Approve', params: IdParams, body: Type.Union([Note, Type.Null()]) } },
    async (request) => {
      const record = await one(request)
      const principal = principalOf(request)
      if (isOwn(record.plan.proposedBy, principal.name)) {
        throw new Problem(
          403,
          'self-approval',
          'Nobody approves what they asked for.',
          'Have another person approve it.',
        )
      }
      if (record.approvedBy.some((actor) => isOwn(actor, principal.name))) {
        throw new Problem(409, 'approved-before', 'You approved it already.', 'A second person must approve it too.')
      }
      const { tenant, actor } = principal
      const note = request.body?.note ?? ''
      return answer(await deps.control.approvePlan({ tenant, plan: record.plan.id, by: actor, note }))
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
}

function answer(outcome: Outcome<PlanRecord>): PlanRecord {
  if (!outcome.ok) throw refused(outcome)
  return outcome.value
}

/** `session:kim` and `kim` are one person. */
function isOwn(actor: string, name: string): boolean {
  return actor.replace(/^session:/, '') === name
}

function preview({ plan, state }: PlanRecord): object {
  return {
    id: plan.id,
    state,
    direction: plan.direction,
    approval: plan.approval,
    blast_radius: plan.blastRadius,
    steps: plan.steps.map(stepPreview),
    skipped: plan.skipped,
    rollback_within_ms: Math.max(0, ...Object.values(plan.agents).map((agent) => agent.confirmWithinMs)),
  }
}

function stepPreview(step: PlanStep): object {
  return {
    workload: step.workload,
    from: step.from,
    to: step.to,
    why: step.why,
    rules: { egress: ruleDelta(step, 'egress'), ingress: ruleDelta(step, 'ingress') },
    network: { before: step.before?.network ?? null, after: step.after.network ?? null },
    dns: { before: step.before?.dns ?? null, after: step.after.dns ?? null },
    containment: step.after.containment,
  }
}

function ruleDelta(step: PlanStep, direction: 'egress' | 'ingress'): object {
  const texts = (state: DesiredState | null) =>
    new Map((state?.[direction].rules ?? []).map((rule) => [JSON.stringify([rule.verdict, rule.match]), rule] as const))
  const before = texts(step.before)
  const after = texts(step.after)
  return {
    added: [...after].filter(([key]) => !before.has(key)).map(([, rule]) => rule),
    removed: [...before].filter(([key]) => !after.has(key)).map(([, rule]) => rule),
    otherwise: { before: step.before?.[direction].otherwise ?? null, after: step.after[direction].otherwise },
  }
}
