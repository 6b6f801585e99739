/** What is expected of a workload, and of all that are known by a persona. */
import { Type } from 'typebox'
import { DEFAULT_PERSONA } from '../../model/belief.ts'
import { type ForecastOf, type ForecastReport, MOST_AHEAD } from '../../model/forecast.ts'
import { slug, type WorkloadId } from '../../model/ids.ts'
import type { ForecastQuestion } from '../control.ts'
import { membersOf } from '../learnt-gate.ts'
import { knownAs } from '../persona-document.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { IdParams, principalOf, type RouteDeps, type Routes } from '../route.ts'

const ForecastQuery = Type.Object(
  {
    step: Type.Optional(
      Type.Union([Type.Literal('5min'), Type.Literal('hour')], { description: '5min unless told otherwise' }),
    ),
    horizon: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MOST_AHEAD['5min'], description: 'steps; 144 of 5 min, 48 hours at most' }),
    ),
    of: Type.Optional(
      Type.String({
        pattern: '^(bytesOut|bytesIn|service:.{1,40})$',
        description: 'bytesOut, bytesIn, or service:NAME by the hour; bytesOut unless told otherwise',
      }),
    ),
  },
  { additionalProperties: false },
)
type Asked = { readonly step?: '5min' | 'hour'; readonly horizon?: number; readonly of?: string }

export function forecastRoutes(app: Routes, deps: RouteDeps): void {
  async function answer(
    asked: Asked,
    who: Pick<ForecastQuestion, 'tenant' | 'of' | 'members' | 'like'>,
  ): Promise<ForecastReport> {
    const { step = '5min', of = 'bytesOut' } = asked
    const { horizon = MOST_AHEAD[step] } = asked
    if (horizon > MOST_AHEAD[step])
      throw new Problem(400, 'bad-horizon', `At most ${MOST_AHEAD[step]} steps are looked ahead.`, 'Ask for fewer.')
    if (of.startsWith('service:') && step !== 'hour')
      throw new Problem(400, 'bad-step', 'Services are known by the hour.', 'Ask with step=hour (--step hour).')
    const outcome = await deps.control.forecast({ ...who, step, what: of as ForecastOf, horizon })
    if (!outcome.ok) throw refused(outcome)
    return outcome.value
  }

  app.get(
    '/workloads/:id/forecast',
    {
      schema: {
        tags: ['workloads'],
        summary: 'The traffic that is expected of it, with intervals, and why',
        params: IdParams,
        querystring: ForecastQuery,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const workload = await deps.store().workloads.get(tenant, request.params.id as WorkloadId)
      if (workload === null) throw notFound('workload of that id')
      const { name } = knownAs(workload)
      // Whom nobody knows is like nobody.
      const all = name === DEFAULT_PERSONA ? [] : await deps.store().workloads.all(tenant)
      const like = membersOf({ id: slug(name), recognisedAs: name }, all).filter(({ id }) => id !== workload.id)
      const of = { kind: 'Workload', id: workload.id, name: workload.report.name } as const
      return answer(request.query, { tenant, of, members: [workload.id], like: like.map(({ id }) => id) })
    },
  )

  app.get(
    '/personas/:id/forecast',
    {
      schema: {
        tags: ['personas'],
        summary: 'The same for all that are known by a persona, added up',
        params: IdParams,
        querystring: ForecastQuery,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const { id } = request.params
      const record = await deps.store().manifests.get(tenant, 'Persona', id)
      const spec = record?.manifest.kind === 'Persona' ? record.manifest.spec : null
      const members = membersOf(
        { id, recognisedAs: spec?.recognisedAs ?? null },
        await deps.store().workloads.all(tenant),
      )
      const name = record?.manifest.metadata.name ?? members.map((member) => knownAs(member).name)[0]
      if (name === undefined) throw notFound('persona of that id')
      const of = { kind: 'Persona', id, name } as const
      return answer(request.query, { tenant, of, members: members.map((member) => member.id), like: [] })
    },
  )
}
