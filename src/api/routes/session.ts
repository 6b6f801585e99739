/** Signing in: a secret for an HttpOnly cookie, and the CSRF token that its writes must carry. */

import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { SESSION_COOKIE, SESSION_MS } from '../authenticate.ts'
import type { Principal } from '../principal.ts'
import { principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['session']
const Body = Type.Object({ token: Type.String({ minLength: 1, maxLength: 200 }) }, { additionalProperties: false })

export function sessionRoutes(app: Routes, deps: RouteDeps): void {
  app.post(
    '/session',
    {
      schema: { tags, summary: 'Exchange an API token or the first sign-in secret for a session', body: Body },
      config: { secret: true },
    },
    async (request, reply) => {
      const session = await deps.auth.open(request.body.token, request.ip ?? 'local')
      const { principal } = session
      await deps.store().ledger.audit(principal.tenant, {
        actor: principal.actor,
        action: 'session.open',
        object: principal.name,
        summary: `signed in as ${principal.role}`,
      })
      reply.setCookie(SESSION_COOKIE, session.cookie, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: behindTls(request, deps.publicOrigins),
        maxAge: SESSION_MS / 1_000,
      })
      return reply.code(201).send(view(principal))
    },
  )

  app.get('/session', { schema: { tags, summary: 'Who I am' } }, async (request) => view(principalOf(request)))

  app.delete('/session', { schema: { tags, summary: 'Sign out' } }, async (request, reply) => {
    const principal = principalOf(request)
    if (principal.via.kind === 'session') {
      const { tenant, actor, name } = principal
      await deps.store().ledger.audit(tenant, { actor, action: 'session.close', object: name, summary: 'signed out' })
      await deps.auth.close(principal)
    }
    return reply.clearCookie(SESSION_COOKIE, { path: '/' }).code(204).send()
  })
}

function view(principal: Principal): object {
  const { name, role, tenant, via } = principal
  return { name, role, tenant, csrf: via.kind === 'session' ? via.csrf : null }
}

/** Reached by a public https origin: the cookie never travels in the clear. */
function behindTls(request: FastifyRequest, publicOrigins: readonly string[]): boolean {
  return publicOrigins.some((origin) => origin.startsWith('https:') && new URL(origin).host === request.headers.host)
}
