/** The agent that a request's path names, in the two ways that it may be meant; and what it was given. */
import type { FastifyRequest } from 'fastify'
import type { AgentState } from '../model/desired.ts'
import type { AgentId, TenantId } from '../model/ids.ts'
import type { AgentRecord } from '../model/records.ts'
import { notFound } from './problem.ts'
import { principalOf, type RouteDeps } from './route.ts'

const named = (request: FastifyRequest) => (request.params as { id: string }).id as AgentId
const missing = () => notFound('agent of that id')

/** As itself: another agent's id is refused, as if it were not there, before anything of it is read. */
export function speakingAgent(request: FastifyRequest): AgentId {
  const id = named(request)
  const { agent } = principalOf(request)
  if (agent !== null && agent !== id) throw missing()
  return id
}

/** As what a person asks about. */
export async function knownAgent(deps: RouteDeps, request: FastifyRequest): Promise<AgentRecord> {
  const record = await deps.store().agents.get(principalOf(request).tenant, named(request))
  if (record === null) throw missing()
  return record
}

/** By the plan that is sent out just now and the one in force: what is only proposed nobody has approved, and gives nothing. */
export async function givenTo(deps: RouteDeps, tenant: TenantId, agent: AgentId): Promise<readonly AgentState[]> {
  const { confirmed, pending } = await deps.store().plans.target(tenant)
  const isSent = pending?.state === 'applying' || pending?.state === 'confirming'
  return [isSent ? pending : null, confirmed].flatMap((record) => record?.plan.agents[agent] ?? [])
}
