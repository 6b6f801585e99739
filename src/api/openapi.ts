/** The contract as OpenAPI 3.1, from the same schemas that validate; only `/v1` is documented, the root is the same door. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { DOCS_CSS, docsPage } from './docs-page.ts'

export async function installOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Guise',
        version,
        description: 'Dynamic network personas: who a workload is, what network it sees, and why.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'guise_session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) },
    transform: ({ schema, url }) => ({
      schema: url.startsWith('/v1/') ? { ...schema, response: answersOf(url) } : { ...schema, hide: true },
      url,
    }),
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  app.get('/docs', { schema: { hide: true } }, (_request, reply) => {
    reply.header('content-security-policy', "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
    return reply.type('text/html; charset=utf-8').send(docsPage(app.swagger() as never))
  })
  app.get('/docs.css', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(DOCS_CSS),
  )
}

/** Every refusal has one shape; an answer is the record as the model describes it. */
function answersOf(url: string): object {
  const ok = url === '/v1/events' ? 'A stream of server-sent events' : 'Done, or the thing asked for'
  return {
    '2xx': { description: ok },
    default: { description: 'A refusal', content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } },
  }
}
