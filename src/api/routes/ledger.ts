/** What was done by whom (audit) and what was decided from what (decisions); both are one hash chain. */
import { Type } from 'typebox'
import type { DecisionId, WorkloadId } from '../../model/ids.ts'
import { notFound } from '../problem.ts'
import { IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['ledger']
const Word = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
const Moment = Type.Optional(Type.Integer({ minimum: 0, maximum: 8.64e15, description: 'epoch ms, inclusive' }))
const AuditParams = Type.Object(
  { ...PageParams.properties, actor: Word, action: Word, object: Word, text: Word, from: Moment, to: Moment },
  { additionalProperties: false },
)

export function ledgerRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/audit',
    {
      schema: {
        tags,
        summary: 'Who did what, newest first; a filtered page may hold fewer than asked for and still have a next',
        querystring: AuditParams,
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const page = pageQuery({ ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) })
      return deps.store().ledger.audits(principalOf(request).tenant, { ...page, ...filter })
    },
  )

  app.get(
    '/audit/verify',
    { schema: { tags, summary: 'Recompute the chain and check its signed head' } },
    async (request) => deps.checkLedger(principalOf(request).tenant),
  )

  app.get(
    '/decisions',
    {
      schema: {
        tags,
        summary: 'What was decided, newest first',
        querystring: Type.Object(
          { ...PageParams.properties, workload: Type.Optional(Type.String({ maxLength: 64 })) },
          { additionalProperties: false },
        ),
      },
    },
    async (request) => {
      const { workload, ...page } = request.query
      const query = { ...pageQuery(page), workload: (workload ?? null) as WorkloadId | null }
      return deps.store().ledger.decisions(principalOf(request).tenant, query)
    },
  )

  app.get(
    '/decisions/:id',
    { schema: { tags, summary: 'One decision with its inputs', params: IdParams } },
    async (request) => {
      const record = await deps.store().ledger.decision(principalOf(request).tenant, request.params.id as DecisionId)
      if (record === null) throw notFound('decision of that id')
      return record
    },
  )
}
