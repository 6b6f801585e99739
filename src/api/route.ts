/** What routes share: validation with JSON pointers, versions as ETags, pages, and the principal that the gate made sure of. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaCompiler,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import type { PageQuery } from '../model/records.ts'
import type { Audit, Store, Write } from '../model/store.ts'
import type { AgentDoor } from './agent-door.ts'
import type { Auth } from './authenticate.ts'
import type { Control } from './control.ts'
import type { EventHub } from './events.ts'
import type { LedgerCheck } from './ledger-check.ts'
import type { Metrics } from './metrics.ts'
import type { Principal } from './principal.ts'
import { notFound, Problem } from './problem.ts'

export type Routes = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What every route file gets. */
export type RouteDeps = {
  readonly store: () => Store
  readonly control: Control
  readonly events: EventHub
  readonly auth: Auth
  readonly metrics: Metrics
  readonly checkLedger: LedgerCheck
  readonly publicOrigins: readonly string[]
  readonly agentDoor: () => AgentDoor | null
  readonly clock: () => number
  readonly version: string
}

export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null)
    throw new Error(`${request.method} ${request.url} reached its handler without a principal`)
  return request.principal
}

export function auditOf(principal: Principal, action: string, object: string, summary: string): Audit {
  return { actor: principal.actor, action, object, summary }
}

const SHARED = new Map<string, TSchema>()
/** Schemas that are referred to by `$id`; in the document they stand once, under their own name. */
export function shareSchemas(app: FastifyInstance, schemas: readonly TSchema[]): void {
  for (const schema of schemas) {
    const id = (schema as { $id?: string }).$id!
    SHARED.set(id, schema)
    app.addSchema(schema)
  }
}

/** Path and query are text and are converted; a body is what it is. Faults carry JSON pointers (RFC 6901). */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const ref = (schema as { $ref?: string }).$ref
  const target = ref === undefined ? schema : SHARED.get(ref.replace(/#$/, ''))!
  const checker = Compile(target)
  const isBody = httpPart === 'body'
  return (input: unknown) => {
    const value = isBody ? (input ?? null) : Value.Convert(target, input)
    if (checker.Check(value)) return { value }
    const errors = checker
      .Errors(value)
      .filter((error) => error.keyword !== 'boolean')
      .slice(0, 20)
      .map((error) => ({
        pointer: pointerOf(error.instancePath, error.params as { additionalProperties?: readonly string[] }),
        message: error.message,
      }))
    const what = isBody ? 'body' : httpPart === 'querystring' ? 'query' : 'path'
    return {
      error: new Problem(
        400,
        'validation',
        `The ${what} does not fit: ${errors[0]?.pointer || '/'} ${errors[0]?.message ?? 'is not allowed'}.`,
        'Correct the places named in errors; /docs has the shape.',
        { errors },
      ),
    }
  }
}

function pointerOf(path: string, params: { readonly additionalProperties?: readonly string[] }): string {
  const extra = params.additionalProperties?.[0]
  return extra === undefined ? path : `${path}/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** An agent's id: what a host calls itself, safe in a path and a log. */
export const AGENT_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'

export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) })

/** Up to the last instant that a Date can tell (ECMA-262 §21.4.1.1); the record's integers hold no more. */
export const Moment = (description: string) =>
  Type.Optional(Type.Number({ minimum: 0, maximum: 8.64e15, description: `epoch ms; ${description}` }))

export const PageParams = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    cursor: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
)
export function pageQuery(query: { readonly limit?: number; readonly cursor?: string }): PageQuery {
  return { limit: query.limit ?? 100, cursor: query.cursor ?? null }
}

export const etag = (version: number) => `"${version}"`

/** The version a write is made against; 428 when the client does not say. `*` = whatever is there. */
export function ifMatch(request: FastifyRequest): number | null {
  const given = request.headers['if-match']
  if (given === undefined) {
    throw new Problem(
      428,
      'version-required',
      'This write needs the version it is made against.',
      'Send If-Match with the ETag of your last GET.',
    )
  }
  if (given === '*') return null
  const version = /^"(\d{1,15})"$/.exec(given)?.[1]
  if (version === undefined) throw changed()
  return Number(version)
}

export function changed(): Problem {
  return new Problem(
    412,
    'version-changed',
    'It was changed since that version.',
    'Get it again, apply your change to what it is now, and send that.',
  )
}

/** A write that the record refused, as the client is told. */
export function written<T>(write: Write<T>, what: string): T {
  if (write.ok) return write.value
  if (write.code === 'missing') throw notFound(what)
  if (write.code === 'conflict') throw changed()
  throw new Problem(
    409,
    'exists',
    `There is a ${what} of that name already.`,
    'Change it with PUT, or use another name.',
  )
}

export function notModified(request: FastifyRequest, reply: FastifyReply, version: number): boolean {
  reply.header('etag', etag(version))
  return request.headers['if-none-match'] === etag(version)
}
