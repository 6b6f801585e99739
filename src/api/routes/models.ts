/** Trained models: what is kept, which one is in force, and a person's word on that. A file is read strictly before it is kept. */
import { Type } from 'typebox'
import { SHIPPED_MODEL } from '../../learn/model.ts'
import { modelId, readModelFile } from '../../learn/model-file.ts'
import type { TenantId } from '../../model/ids.ts'
import type { ModelDetail, ModelList, ModelRecord } from '../../model/model-record.ts'
import { MODEL_LIMIT } from '../body.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { auditOf, IdParams, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['models']
const Said = Type.Object({ why: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false })
/** Its whole shape is `src/learn/model-file.ts`, which names the first place that is wrong. */
const File = Type.Object({}, { description: 'A file that lab/train.ts wrote.' })
/** Each is up to a few megabytes, for good. */
const MOST_MODELS = 50

export function modelRoutes(app: Routes, deps: RouteDeps): void {
  const shipped = modelId(SHIPPED_MODEL)
  const listOf = async (tenant: TenantId): Promise<ModelList> => {
    const { models } = deps.store()
    const [items, history] = await Promise.all([models.all(tenant), models.history(tenant)])
    const inForce = history[0]?.model ?? null
    const isWaiting = inForce !== null && inForce !== shipped && items.some(({ id }) => id === shipped)
    const waiting = isWaiting ? shipped : null
    return { items, next: null, inForce, waiting, history }
  }

  app.get(
    '/models',
    { schema: { tags, summary: 'Trained models, which one is in force, and which was when' } },
    async (request) => listOf(principalOf(request).tenant),
  )

  app.get(
    '/models/:id',
    {
      schema: {
        tags,
        summary: 'One model beside the one in force',
        description: 'shadow: of the last windows of the fleet, how many workloads it would call otherwise.',
        params: IdParams,
      },
    },
    async (request): Promise<ModelDetail> => {
      const { tenant } = principalOf(request)
      const { items, inForce } = await listOf(tenant)
      const model = items.find(({ id }) => id === request.params.id)
      if (model === undefined) throw notFound('model of that id')
      const isInForce = model.id === inForce
      const tried = isInForce ? null : await deps.control.shadowModel(tenant, model.id)
      return {
        ...{ model, isInForce, inForce: items.find(({ id }) => id === inForce) ?? null },
        // One of other features is kept and cannot be tried: promoting it says why.
        shadow: tried?.ok === true ? tried.value : null,
      }
    },
  )

  app.post(
    '/models',
    {
      bodyLimit: MODEL_LIMIT,
      schema: {
        tags,
        summary: 'Keep a trained model; it is not in force by that',
        description:
          'The file that lab/train.ts wrote, at most 8 MiB. Refused when it is damaged or for other features.',
        body: File,
      },
    },
    async (request, reply) => {
      const principal = principalOf(request)
      const { tenant, actor } = principal
      const read = readModelFile(request.body)
      if (!read.ok) throw refused(read)
      const { models } = deps.store()
      const all = await models.all(tenant)
      const record: ModelRecord = { ...read.value.record, kind: 'added', addedBy: actor, addedAt: deps.clock() }
      if (all.length >= MOST_MODELS && all.every(({ id }) => id !== record.id))
        throw new Problem(
          409,
          'too-many-models',
          `${MOST_MODELS} models are kept already.`,
          'Remove one that was never in force: guise learn model remove ID.',
        )
      const summary = `${record.name}, learnt from ${record.provenance.dataset?.slice(0, 12) ?? 'data it does not name'}`
      const written = await models.add(
        tenant,
        record,
        read.value.json,
        auditOf(principal, 'model.add', record.id, summary),
      )
      if (!written.ok)
        throw new Problem(
          409,
          'exists',
          `That model is kept already, as ${record.id}.`,
          `Put it in force with guise learn model promote ${record.id}.`,
        )
      return reply.code(201).send(record)
    },
  )

  app.delete(
    '/models/:id',
    { schema: { tags, summary: 'Remove a model that was never in force', params: IdParams } },
    async (request, reply) => {
      const principal = principalOf(request)
      const { id } = request.params
      const audit = auditOf(principal, 'model.remove', id, 'it was never in force')
      const removed = await deps.store().models.remove(principal.tenant, id, audit)
      if (!removed.ok && removed.code === 'missing') throw notFound('model of that id')
      if (!removed.ok)
        throw new Problem(
          409,
          'model-used',
          `Model ${id} ships with Guise, or was in force: the history needs it.`,
          'Remove another one.',
        )
      return reply.code(204).send()
    },
  )

  app.post(
    '/models/:id/promote',
    {
      schema: {
        tags,
        summary: 'Put a model in force: from the next window on, and after a restart',
        description: 'Beliefs go on where personas have the same name. The answer says whose name it would change.',
        params: IdParams,
        body: Said,
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const { why = '' } = request.body
      const outcome = await deps.control.promoteModel({ tenant, model: request.params.id, by: actor, why })
      if (!outcome.ok) throw refused(outcome)
      return outcome.value
    },
  )

  app.post(
    '/models/rollback',
    { schema: { tags, summary: 'Back to the model that was in force before this one', body: Said } },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const outcome = await deps.control.rollbackModel({ tenant, by: actor, why: request.body.why ?? '' })
      if (!outcome.ok) throw refused(outcome)
      return outcome.value
    },
  )
}
