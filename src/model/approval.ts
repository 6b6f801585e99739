/**
 * What an approver puts a name under: one agent's whole state of one plan. In: agent and state; out: the bytes that are
 * signed (Ed25519, RFC 8032). The state holds its generation and plan, so a signature fits nothing before or after it.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { AgentState } from './desired.ts'

const closed = { additionalProperties: false } as const

/** `key` is the public half, as it stands in the floor of a host; base64url, without padding. */
export const Approval = Type.Object(
  {
    key: Type.String({ pattern: '^ed25519:[A-Za-z0-9_-]{43}$' }),
    signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
  },
  closed,
)
export type Approval = Static<typeof Approval>

/** As an approver sends it: one per agent of the plan. */
export const AgentApproval = Type.Object(
  { agent: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }), ...Approval.properties },
  closed,
)
export type AgentApproval = Static<typeof AgentApproval>

export const MAX_APPROVALS = 20

export function approvalText(agent: string, state: AgentState): Buffer {
  const digest = createHash('sha256')
    .update(JSON.stringify(sorted(state)))
    .digest('hex')
  return Buffer.from(`guise approval 1\n${agent}\n${state.plan}\n${digest}\n`)
}

/** Keys in one order, whatever wrote them down in between. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}
