/** What a manifest would do before it is kept, what a policy's selectors stand for, and the versions there were. Nothing is written. */
import { Type } from 'typebox'
import { slug, type WorkloadId } from '../../model/ids.ts'
import type { Kind } from '../../model/manifest.ts'
import { previewManifests } from '../preview.ts'
import { notFound } from '../problem.ts'
import { policyStates, resolvePolicy } from '../resolve-policy.ts'
import { IdParams, principalOf, type RouteDeps, type Routes } from '../route.ts'

const PreviewQuery = Type.Object(
  {
    workload: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'whose rules to compile; else the first affected one' }),
    ),
  },
  { additionalProperties: false },
)
const KINDS_AT = { personas: 'Persona', policies: 'Policy' } as const satisfies Record<string, Kind>

export function previewRoutes(app: Routes, deps: RouteDeps): void {
  app.post(
    '/manifests/preview',
    {
      schema: {
        tags: ['manifests'],
        summary: 'What a set of manifests would do; nothing is written',
        description:
          'YAML documents (application/yaml), the same as a JSON string, one manifest, or a list. Answers 200 also when the text is wrong: `faults` has line, column, path, reason and cure. Else: tests of the policies, workloads whose rules change (groups of equal change), the last day of conversations replayed, the plan it would lead to, and the compiled rules of one workload before and after. A policy that does not enforce, or waits for `when`, is looked at as if it did (`affected.assumed`).',
        querystring: PreviewQuery,
        body: Type.Unknown(),
      },
      config: { yaml: true },
    },
    async (request) => {
      const workload = (request.query.workload ?? null) as WorkloadId | null
      return previewManifests(deps, principalOf(request).tenant, textOf(request.body), workload)
    },
  )

  app.get(
    '/policy-states',
    { schema: { tags: ['policies'], summary: 'Of every policy: whom it is about now, and whether its tests pass' } },
    async (request) => {
      const input = await deps.control.decisionInput(principalOf(request).tenant)
      return { items: policyStates(input), next: null }
    },
  )

  app.get(
    '/policies/:id/resolve',
    {
      schema: {
        tags: ['policies'],
        summary: 'The workloads and addresses its selectors stand for now',
        params: IdParams,
      },
    },
    async (request) => {
      const { tenant } = principalOf(request)
      const record = await deps.store().manifests.get(tenant, 'Policy', request.params.id)
      if (record?.manifest.kind !== 'Policy') throw notFound('policy of that id')
      return resolvePolicy(await deps.control.decisionInput(tenant), record.manifest)
    },
  )

  for (const [path, kind] of Object.entries(KINDS_AT)) {
    const noun = kind.toLowerCase()
    app.get(
      `/${path}/:id/versions`,
      { schema: { tags: [path], summary: `Every version of a ${noun}, newest first`, params: IdParams } },
      async (request) => {
        const { tenant } = principalOf(request)
        const items = await deps.store().manifests.versions(tenant, kind, slug(request.params.id))
        if (items.length === 0) throw notFound(`${noun} of that id`)
        return { items, next: null }
      },
    )
  }
}

/** JSON is YAML; a list is as many documents. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  return (Array.isArray(body) ? body : [body]).map((one) => JSON.stringify(one, null, 2)).join('\n---\n')
}
