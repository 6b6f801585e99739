/** One flow between two addresses: who judged it, by which rule, and what the kernel refused of it. */
import { Type } from 'typebox'
import { parseAddress } from '../../model/address.ts'
import type { FlowQuestion } from '../control.ts'
import { Problem, refused } from '../problem.ts'
import { principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['workloads']
export const Protocol = Type.Enum(['tcp', 'udp', 'icmp'])

const FlowQuery = Type.Object(
  {
    from: Type.String({ maxLength: 45, description: 'who began it: an address' }),
    to: Type.String({ maxLength: 60, description: '10.0.0.5:443, [fd00::5]:443, or an address alone' }),
    protocol: Type.Optional(Protocol),
  },
  { additionalProperties: false },
)

export function flowRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/flows/why',
    { schema: { tags, summary: 'Why a flow between two addresses passes or not', querystring: FlowQuery } },
    async (request) => {
      const { from, to, protocol } = request.query
      if (parseAddress(from) === null)
        throw new Problem(400, 'bad-source', 'from is not an address.', 'Write 10.0.0.5 or fd00::5.')
      const question = flowQuestion(to, protocol)
      if (from.includes(':') !== question.to.includes(':'))
        throw new Problem(400, 'bad-flow', 'from and to are of two families.', 'Ask for two addresses of one family.')
      const answer = await deps.control.explainBetween(principalOf(request).tenant, from, question)
      if (!answer.ok) throw refused(answer)
      return answer.value
    },
  )
}

/** `10.0.0.5:443`, `[fd00::5]:443`, or an address alone. */
export function flowQuestion(to: string, protocol: FlowQuestion['protocol'] | undefined): FlowQuestion {
  const found =
    /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$/.exec(to) ??
    /^([0-9.]+)(?::(\d{1,5}))?$/.exec(to) ??
    /^([0-9a-fA-F:.]+)$/.exec(to)
  const port = found?.[2] === undefined ? null : Number(found[2])
  if (found === null || parseAddress(found[1]!) === null || (port !== null && (port < 1 || port > 65_535))) {
    throw new Problem(
      400,
      'bad-destination',
      'to is not an address with a port.',
      'Write 10.0.0.5:443 or [fd00::5]:443.',
    )
  }
  return { to: found[1]!, port, protocol: protocol ?? (port === null ? ('icmp' as const) : ('tcp' as const)) }
}
