/** Agents: what they say (reports) and what they are told (the desired stream). An agent is an untrusted client. */
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AgentId } from '../../model/ids.ts'
import { Mode } from '../../model/policy.ts'
import type { TokenRecord } from '../../model/records.ts'
import type { AgentReport, ServerMessage } from '../../model/wire.ts'
import { knownAgent, speakingAgent } from '../agent-of.ts'
import { mintToken } from '../auth.ts'
import { REPORT_LIMIT } from '../body.ts'
import { Problem, refused } from '../problem.ts'
import { AGENT_NAME, etag, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['agents']
const Params = Type.Object({ id: Type.String({ pattern: AGENT_NAME }) })
const Enrol = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 200 }), host: Type.String({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
)

export function agentRoutes(app: Routes, deps: RouteDeps): void {
  const speaker = (request: FastifyRequest) => {
    return { tenant: principalOf(request).tenant, id: speakingAgent(request) }
  }

  app.get('/agents', { schema: { tags, summary: 'Agents' } }, async (request) => ({
    items: await deps.store().agents.list(principalOf(request).tenant),
    next: null,
  }))

  app.get('/agents/:id', { schema: { tags, summary: 'One agent', params: Params } }, async (request, reply) => {
    const record = await knownAgent(deps, request)
    return reply.header('etag', etag(record.version)).send(record)
  })

  app.put(
    '/agents/:id/mode',
    {
      schema: {
        tags,
        summary: 'Observe, suggest or enforce',
        params: Params,
        body: Type.Object({ mode: Mode }, { additionalProperties: false }),
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const { id: agent, mode: inForce } = await knownAgent(deps, request)
      const outcome = await deps.control.setMode({ tenant, agent, mode: request.body.mode, by: actor })
      if (!outcome.ok) throw refused(outcome)
      return { id: agent, asked: request.body.mode, mode: inForce }
    },
  )

  app.post(
    '/agents/:id/report',
    {
      schema: { tags, summary: 'What an agent saw and did', params: Params, body: { $ref: 'AgentReport#' } as never },
      bodyLimit: REPORT_LIMIT,
      // Before the body is read: sixty-four megabytes are not taken for somebody else's agent.
      preParsing: async (request) => void speaker(request),
    },
    async (request, reply) => {
      const { tenant, id } = speaker(request)
      await deps.control.agentReport(tenant, id, request.body as AgentReport)
      return reply.code(202).send({ status: 'taken' })
    },
  )

  app.get(
    '/agents/:id/desired',
    { schema: { tags, summary: 'What an agent is to enforce, as NDJSON, for as long as it listens', params: Params } },
    async (request, reply) => {
      const { tenant, id } = speaker(request)
      const { via } = principalOf(request)
      const leaving = new AbortController()
      const unwatch = via.kind === 'local' ? () => {} : deps.auth.watch(via, () => leaving.abort())
      leaving.signal.addEventListener('abort', unwatch)
      reply.raw.once('close', () => leaving.abort())
      // It left while we looked up who it is: `close` was told already.
      if (reply.raw.destroyed) leaving.abort()
      const messages = deps.control.desiredStream(tenant, id, leaving.signal)
      return reply.type('application/x-ndjson').send(Readable.from(lines(messages), { objectMode: false }))
    },
  )

  app.post(
    '/agents/enrol',
    {
      schema: { tags, summary: 'Exchange a single-use enrolment secret for an agent token', body: Enrol },
      config: { secret: true },
    },
    async (request, reply) => {
      const record = await deps.auth.spend(request.body.token, 'enrolment', request.ip ?? 'local')
      if (record.agent === null)
        throw new Problem(422, 'agent-missing', 'The secret names no agent.', 'Ask for a new one.')
      const { tenant, agent } = record
      const by = `agent:${agent}`
      // Another home, another token and another key: those it was known by are the lost one's. Its token goes first, or whoever
      // holds it would show that home's key before the new one is shown, and be given what is sealed to it.
      for (const { id } of (await deps.store().tokens.all(tenant)).filter((one) => isAgentToken(one, agent))) {
        const audit = { actor: by, action: 'token.delete', object: id, summary: `agent ${agent} enrolled anew` }
        await deps.store().tokens.remove(tenant, id, audit)
        deps.auth.forget(id)
      }
      const forgotten = {
        actor: by,
        action: 'agent.key-forgotten',
        object: agent,
        summary: `agent ${agent} enrolled anew`,
      }
      await deps.store().secrets.forgetKey(tenant, agent, forgotten)
      const { text } = await mintToken(deps.store(), {
        tenant,
        name: agent,
        role: 'agent',
        agent,
        kind: 'token',
        expiresAt: null,
        by,
        now: deps.clock(),
      })
      return reply.code(201).send({ agent, token: text })
    },
  )
}

/** What an agent speaks with; enrolments that nobody used yet are others'. */
function isAgentToken({ id, role, agent }: TokenRecord, of: AgentId): boolean {
  return role === 'agent' && agent === of && id.startsWith('t')
}

async function* lines(messages: AsyncIterable<ServerMessage>): AsyncGenerator<string> {
  for await (const message of messages) yield `${JSON.stringify(message)}\n`
}
