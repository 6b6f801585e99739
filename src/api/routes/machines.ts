/** Machines of a host: what they are, what was asked of them and what became of it; and asking. */
import { Type } from 'typebox'
import { MachineAct, MachineOrder } from '../../model/machine-order.ts'
import { knownAgent } from '../agent-of.ts'
import { refused } from '../problem.ts'
import { AGENT_NAME, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['agents']
const Params = Type.Object({ id: Type.String({ pattern: AGENT_NAME }) })
const OrderParams = Type.Object({ ...Params.properties, order: MachineOrder.properties.id })
const Ask = Type.Object({ machine: MachineOrder.properties.machine, act: MachineAct }, { additionalProperties: false })

export function machineRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/agents/:id/machines',
    { schema: { tags, summary: 'The machines of its host, and the orders about them, newest first', params: Params } },
    async (request) => {
      const { id: agent } = await knownAgent(deps, request)
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
      const { id: agent } = await knownAgent(deps, request)
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
      const { id: agent } = await knownAgent(deps, request)
      const { tenant, actor } = principalOf(request)
      const outcome = await deps.control.approveMachine({ tenant, agent, order: request.params.order, by: actor })
      if (!outcome.ok) throw refused(outcome)
      return reply.code(202).send(outcome.value)
    },
  )
}
