/** Who asks: the outcome of authentication, on every request that needs one. */
import type { AgentId, TenantId } from '../model/ids.ts'
import type { Role } from '../model/records.ts'

export type Principal = {
  readonly tenant: TenantId
  /** The token's name: two tokens of one name are one person, which is what self-approval is judged by. */
  readonly name: string
  /** As it stands in the audit: `NAME`, `session:NAME`, `agent:ID`. */
  readonly actor: string
  readonly role: Role
  /** Whom an agent speaks for; null = any agent of the tenant (the local socket, whose peer is root or ourselves). */
  readonly agent: AgentId | null
  readonly via:
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'session'; readonly token: string; readonly id: string; readonly csrf: string }
    | { readonly kind: 'local' }
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
    /** SHA-256 of the body as it came, for idempotency. */
    bodyHash: string
    /** Set by the idempotency hook when the answer is to be kept. */
    keepAs: string | null
  }
  interface FastifyContextConfig {
    /** The answer holds a secret: it is never kept for replay. */
    secret?: true
    /** The body may be YAML. */
    yaml?: true
  }
}
