/** API tokens and enrolments: the secret is told once, what is listed holds none. */
import { Type } from 'typebox'
import type { AgentId } from '../../model/ids.ts'
import { Duration, durationMs } from '../../model/policy.ts'
import { ROLES, type TokenRecord } from '../../model/records.ts'
import { mintToken } from '../auth.ts'
import { Problem } from '../problem.ts'
import { AGENT_NAME, auditOf, IdParams, principalOf, type RouteDeps, type Routes, written } from '../route.ts'

const tags = ['tokens']
const Body = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 @._-]{0,62}$' }),
    role: Type.Union(ROLES.map((role) => Type.Literal(role))),
    agent: Type.Optional(Type.String({ pattern: AGENT_NAME })),
    ttl: Type.Optional(Duration),
    /** An enrolment works once and within 15 minutes; `guise agent` exchanges it for a token of its own. */
    enrolment: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
)
const ENROLMENT_MS = 15 * 60_000
/** Automation's own, and the command line's on this host: what a person does under these would not look like theirs. */
const RESERVED = new Set(['guise', 'cli'])

export function tokenRoutes(app: Routes, deps: RouteDeps): void {
  app.get('/tokens', { schema: { tags, summary: 'Tokens, without their secrets' } }, async (request) => ({
    items: (await deps.store().tokens.all(principalOf(request).tenant)).map(view),
    next: null,
  }))

  app.post(
    '/tokens',
    { schema: { tags, summary: 'Make a token; the secret is told once', body: Body }, config: { secret: true } },
    async (request, reply) => {
      const { tenant, actor } = principalOf(request)
      const { name, role, agent, ttl, enrolment } = request.body
      if ((role === 'agent') !== (agent !== undefined) || (enrolment === true && role !== 'agent')) {
        throw new Problem(
          422,
          'agent-and-role',
          'role agent and agent go together.',
          'Name the agent, or use another role.',
          {
            errors: [
              { pointer: '/agent', message: role === 'agent' ? 'is needed with role agent' : 'is for role agent' },
            ],
          },
        )
      }
      // What agents do stands in the ledger under their id.
      if (role !== 'agent' && RESERVED.has(name.trim().toLowerCase())) {
        throw new Problem(
          422,
          'name-reserved',
          `The name ${name} is kept for what Guise does by itself.`,
          'Name the token after who uses it.',
          { errors: [{ pointer: '/name', message: 'is reserved' }] },
        )
      }
      const door = deps.agentDoor()
      if (enrolment === true && door === null) {
        throw new Problem(
          409,
          'agents-not-listened-for',
          'The server does not listen for agents on other hosts.',
          'Start it with guise up --agent-listen HOST:PORT; an agent on this host needs no token.',
        )
      }
      const now = deps.clock()
      const spanMs = ttl === undefined ? (enrolment === true ? ENROLMENT_MS : null) : durationMs(ttl)
      if (enrolment === true && (spanMs ?? 0) > ENROLMENT_MS) {
        throw new Problem(
          422,
          'enrolment-too-long',
          `An enrolment works for 15 minutes at most, not ${ttl}.`,
          'Leave ttl out, or give 15m or less.',
          { errors: [{ pointer: '/ttl', message: 'is at most 15m with enrolment' }] },
        )
      }
      const { record, text } = await mintToken(deps.store(), {
        tenant,
        name,
        role,
        agent: (agent ?? null) as AgentId | null,
        kind: enrolment === true ? 'enrolment' : 'token',
        expiresAt: spanMs === null ? null : now + spanMs,
        by: actor,
        now,
      })
      return reply
        .code(201)
        .header('location', `/v1/tokens/${record.id}`)
        .send({ ...view(record), token: text, ...(enrolment === true ? { door } : {}) })
    },
  )

  app.delete(
    '/tokens/:id',
    { schema: { tags, summary: 'Revoke a token and its sessions', params: IdParams } },
    async (request, reply) => {
      const principal = principalOf(request)
      const { id } = request.params
      const audit = auditOf(principal, 'token.delete', id, `token ${id} revoked`)
      written(await deps.store().tokens.remove(principal.tenant, id, audit), 'token of that id')
      deps.auth.forget(id)
      return reply.code(204).send()
    },
  )
}

const KINDS = { t: 'token', f: 'first-run', e: 'enrolment' } as const

function view({ hash: _hash, ...record }: TokenRecord): object {
  return { ...record, kind: KINDS[record.id[0] as keyof typeof KINDS] ?? 'token' }
}
