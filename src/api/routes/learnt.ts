/** Whether an allow-list learnt from what was seen may be relied upon: by workload, and by persona. */
import { Type } from 'typebox'
import { BAR } from '../../learn/gate/verdict.ts'
import type { WorkloadId } from '../../model/ids.ts'
import { type Asked, askGate, askProposal } from '../ask-gate.ts'
import { membersOf } from '../learnt-gate.ts'
import { knownAs } from '../persona-document.ts'
import { notFound } from '../problem.ts'
import { IdParams, principalOf, type RouteDeps, type Routes } from '../route.ts'

const GateQuery = Type.Object(
  {
    bar: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: `share that may be unseen at most; ${BAR} unless told`,
      }),
    ),
  },
  { additionalProperties: false },
)

export function learntRoutes(app: Routes, deps: RouteDeps): void {
  const report = (asked: Asked) => askGate(deps, asked)

  app.get(
    '/workloads/:id/gate',
    {
      schema: {
        tags: ['workloads'],
        summary: 'How much of its traffic of the next day nobody has seen yet, and whether that is little enough',
        params: IdParams,
        querystring: GateQuery,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const workload = await deps.store().workloads.get(tenant, request.params.id as WorkloadId)
      if (workload === null) throw notFound('workload of that id')
      const all = await deps.store().workloads.all(tenant)
      const of = { kind: 'Workload', name: workload.report.name } as const
      return report({ of, members: [workload], all, outside: 'networks', bar: request.query.bar ?? BAR })
    },
  )

  app.get(
    '/personas/:id/gate',
    {
      schema: {
        tags: ['personas'],
        summary: 'The same for all that are known by a persona, together and one by one',
        params: IdParams,
        querystring: GateQuery,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const { id } = request.params
      const record = await deps.store().manifests.get(tenant, 'Persona', id)
      const all = await deps.store().workloads.all(tenant)
      const spec = record?.manifest.kind === 'Persona' ? record.manifest.spec : null
      const members = membersOf({ id, recognisedAs: spec?.recognisedAs ?? null }, all)
      // What the shipped model believes in may have no manifest.
      const name = record?.manifest.metadata.name ?? members.map((member) => knownAs(member).name)[0]
      if (name === undefined) throw notFound('persona of that id')
      return report({ of: { kind: 'Persona', name }, members, all, outside: 'networks', bar: request.query.bar ?? BAR })
    },
  )

  app.get(
    '/proposals/:id/gate',
    {
      schema: {
        tags: ['proposals'],
        summary: 'The same for those a persona is proposed for, by the peers its rules would name',
        params: IdParams,
        querystring: GateQuery,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const proposal = (await deps.store().proposals.all(tenant)).find(({ id }) => id === request.params.id)
      if (proposal === undefined) throw notFound('proposal of that id')
      return askProposal(deps, tenant, proposal, request.query.bar ?? BAR)
    },
  )
}
