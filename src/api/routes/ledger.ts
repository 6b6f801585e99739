/** What was done by whom (audit) and what was decided from what (decisions); both are one hash chain. */
import { Type } from 'typebox'
import type { DecisionId, WorkloadId } from '../../model/ids.ts'
import { notFound } from '../problem.ts'
import { IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['ledger']

export function ledgerRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/audit',
    { schema: { tags, summary: 'Who did what, newest first', querystring: PageParams } },
    async (request) => deps.store().ledger.audits(principalOf(request).tenant, pageQuery(request.query)),
  )

  app.get(
    '/audit/verify',
    { schema: { tags, summary: 'Recompute the chain and check its signed head' } },
    async (request) => deps.store().ledger.verify(principalOf(request).tenant),
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
