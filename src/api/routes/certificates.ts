/** Certificates of workloads: an agent sends a request for one that a plan gives to a workload of its own, and gets the chain. */
import { Type } from 'typebox'
import { daysOf } from '../../model/facets/issued-id.ts'
import { CERTIFICATE_NAME, type Tls } from '../../model/facets/tls.ts'
import { givenTo, speakingAgent } from '../agent-of.ts'
import { notFound, Problem } from '../problem.ts'
import { AGENT_NAME, principalOf, type RouteDeps, type Routes } from '../route.ts'

const Body = Type.Object(
  {
    /** Its key, as the agent reports it. */
    workload: Type.String({ minLength: 1, maxLength: 128 }),
    name: Type.String({ pattern: CERTIFICATE_NAME }),
    /** PKCS #10 in PEM: the key and its proof; names are those of the plan. */
    request: Type.String({ minLength: 1, maxLength: 8_192 }),
  },
  { additionalProperties: false },
)

export function certificateRoutes(app: Routes, deps: RouteDeps): void {
  app.post(
    '/agents/:id/certificates',
    {
      schema: {
        tags: ['agents'],
        summary: 'Sign a request for a certificate that a plan gives to a workload',
        params: Type.Object({ id: Type.String({ pattern: AGENT_NAME }) }),
        body: Body,
      },
    },
    async (request, reply) => {
      const principal = principalOf(request)
      const { tenant } = principal
      const agent = speakingAgent(request)
      const { workload, name, request: text } = request.body
      const issue = (await givenTo(deps, tenant, agent))
        .flatMap(({ workloads }) => workloads)
        .filter(({ key }) => key === workload)
        .flatMap((desired) => (desired as { readonly tls?: Tls }).tls?.certificates ?? [])
        .find((one) => one.name === name && one.issue !== undefined)?.issue
      if (issue === undefined) throw notFound('certificate of that name in a plan')
      const certificate = await deps.control.signCertificate(text, issue.names, daysOf(issue))
      if (certificate === null)
        throw new Problem(
          422,
          'request-refused',
          'The request is not signed by the key it brings, or that key is not on P-256.',
          'Send a PKCS #10 request in PEM.',
        )
      await deps.store().ledger.audit(tenant, {
        actor: principal.actor,
        action: 'certificate.issue',
        object: workload,
        summary: `certificate ${name} for ${issue.names.join(', ')}`.slice(0, 500),
      })
      return reply.code(201).send({ certificate })
    },
  )
}
