/** Whether an allow-list learnt from what was seen may be relied upon: by workload, and by persona. */
import { Type } from 'typebox'
import { BAR } from '../../learn/gate/verdict.ts'
import type { GateReport } from '../../model/gate.ts'
import type { TenantId, WorkloadId } from '../../model/ids.ts'
import type { WorkloadRecord } from '../../model/records.ts'
import { gateReport, MAX_STEPS, membersOf } from '../learnt-gate.ts'
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
  const report = async (
    tenant: TenantId,
    of: GateReport['of'],
    pick: (all: readonly WorkloadRecord[]) => readonly WorkloadRecord[],
    bar = BAR,
  ): Promise<GateReport> => {
    const now = deps.clock()
    const since = now - deps.store().topology.keptMs
    const all = await deps.store().workloads.all(tenant)
    const members = pick(all)
    const ids = members.map(({ id }) => id)
    const steps = await deps.store().conversations.steps(tenant, ids, since, MAX_STEPS)
    return gateReport({ of, members, all, steps, since, now, bar })
  }

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
      const of = { kind: 'Workload', name: workload.report.name } as const
      return report(tenant, of, () => [workload], request.query.bar)
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
      const all = await deps.store().workloads.all(tenant)
      const [first] = membersOf(id, all)
      const manifest = first === undefined ? await deps.store().manifests.get(tenant, 'Persona', id) : null
      if (first === undefined && manifest === null) throw notFound('persona of that id')
      const name = first === undefined ? manifest!.manifest.metadata.name : knownAs(first).name
      return report(tenant, { kind: 'Persona', name }, (every) => membersOf(id, every), request.query.bar)
    },
  )
}
