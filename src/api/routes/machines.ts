/** Machines of a host: what they are, what was asked of them and what became of it; and asking. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AgentId } from '../../model/ids.ts'
import { MachineAct, MachineOrder } from '../../model/machine-order.ts'
import { notFound, refused } from '../problem.ts'
import { AGENT_NAME, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['agents']
const Params = Type.Object({ id: Type.String({ pattern: AGENT_NAME }) })
const OrderParams = Type.Object({ ...Params.properties, order: MachineOrder.properties.id })
const Ask = Type.Object({ machine: MachineOrder.properties.machine, act: MachineAct }, { additionalProperties: false })

export function machineRoutes(app: Routes, deps: RouteDeps): void {
  const agentOf = async (request: FastifyRequest): Promise<AgentId> => {
    const { id } = request.params as { id: string }
    const record = await deps.store().agents.get(principalOf(request).tenant, id as AgentId)
    if (record === null) throw notFound('agent of that id')
    return record.id
  }

  app.get(
    '/agents/:id/machines',
    { schema: { tags, summary: 'The machines of its host, and the orders about them, newest first', params: Params } },
    async (request) => {
      const agent = await agentOf(request)
      return deps.control.machines(principalOf(request).tenant, agent)
    },
  )

  app.post(
    '/agents/:id/machines',
    {
      schema: {
        tags,
        summary:
          'Start, stop, copy, resize or destroy a machine; to stop and to destroy, another person has to approve it',
        params: Params,
        body: Ask,
      },
    },
    async (request, reply) => {
      const agent = await agentOf(request)
      const { tenant, actor } = principalOf(request)
      const { machine, act } = request.body
      const key = request.keepAs === null ? null : `${actor} ${request.keepAs}`
      const outcome = await deps.control.orderMachine({ tenant, agent, machine, act, by: actor, key })
      if (!outcome.ok) throw refused(outcome)
      return reply.code(202).send(outcome.value)
    },
  )

  app.post(
    '/agents/:id/machines/:order',
    {
      schema: {
        tags,
        summary: 'Approve an order of somebody else',
        params: OrderParams,
        body: Type.Object({}, { additionalProperties: false }),
      },
    },
    async (request, reply) => {
      const agent = await agentOf(request)
      const { tenant, actor } = principalOf(request)
      const outcome = await deps.control.approveMachine({ tenant, agent, order: request.params.order, by: actor })
      if (!outcome.ok) throw refused(outcome)
      return reply.code(202).send(outcome.value)
    },
  )
}
