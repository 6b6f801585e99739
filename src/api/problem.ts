/**
 * Every refusal of the API as one shape: problem+json (RFC 9457) with a stable `code`, one sentence of fact and one of
 * cure. Whatever is thrown on the way to an answer goes through `toProblem`; unexpected errors keep their text for the log.
 */
import type { FastifyError } from 'fastify'
import { Type } from 'typebox'
import type { Refusal } from '../model/why.ts'
import { BadCursor } from '../store/cursor.ts'

/** `pointer` is a JSON pointer (RFC 6901); YAML is told by line and column as well. */
export type Fault = {
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

export class Problem extends Error {
  readonly statusCode: number
  readonly code: string
  readonly cure: string
  readonly errors: readonly Fault[]
  readonly headers: Readonly<Record<string, string>>
  constructor(
    statusCode: number,
    code: string,
    detail: string,
    cure: string,
    more: { readonly errors?: readonly Fault[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.statusCode = statusCode
    this.code = code
    this.cure = cure
    this.errors = more.errors ?? []
    this.headers = more.headers ?? {}
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Media type not supported',
  421: 'Misdirected request',
  422: 'Not possible',
  428: 'Version required',
  429: 'Too many attempts',
  500: 'Internal error',
  503: 'Not ready',
  507: 'Out of space',
}

/** Refusal codes of other rooms that are not the default 422. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  missing: 404,
  'not-found': 404,
  'workload-unknown': 404,
  'persona-unknown': 404,
  'plan-unknown': 404,
  'shift-unknown': 404,
  conflict: 409,
  exists: 409,
  'move-refused': 409,
  'approved-before': 409,
  'too-many-orders': 409,
  'too-many-forecasts': 503,
  'self-approval': 403,
  'already-ended': 409,
  'not-pending': 409,
  stale: 412,
}

export function refused(refusal: Refusal): Problem {
  const errors = refusal.where === undefined ? [] : [{ pointer: refusal.where, message: refusal.why }]
  return new Problem(STATUS_OF_CODE[refusal.code] ?? 422, refusal.code, refusal.why, refusal.cure, { errors })
}

/** How each kind is listed on the command line. */
const LISTED: Readonly<Record<string, string>> = {
  ...{ workload: 'get workloads', persona: 'get personas', policy: 'get policies', feed: 'get feeds' },
  ...{ agent: 'get agents', source: 'get sources', plan: 'get plans', shift: 'get shifts', secret: 'get secrets' },
  ...{ token: 'token list', model: 'learn models', proposal: 'learn proposals', decision: 'get audit' },
}

/** `what` begins with its kind: `persona of that id`. */
export function notFound(what: string): Problem {
  const listed = LISTED[what.split(' ')[0]!]
  const cure = listed === undefined ? 'List what there is, then ask again.' : `List what there is with guise ${listed}.`
  return new Problem(404, 'not-found', `There is no ${what} here.`, cure)
}

const FASTIFY_CODES: Readonly<Record<string, readonly [status: number, code: string, detail: string, cure: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    413,
    'body-too-large',
    'The body is larger than this route takes.',
    'Send less at once.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'media-type-not-supported',
    'The body is of a type this route does not take.',
    'Send application/json.',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'body-missing', 'The body is empty.', 'Send a JSON body.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'length-mismatch',
    'The body is not as long as Content-Length says.',
    'Send the length of the body, or none.',
  ],
  FST_ERR_BAD_URL: [400, 'bad-url', 'The path is not well-formed.', 'Percent-encode it (RFC 3986).'],
  FST_ERR_ROUTE_MISSING_HANDLER: [404, 'not-found', 'There is nothing at this path.', 'See /docs for what there is.'],
}

/** character_not_in_repertoire: PostgreSQL's text holds no NUL, and neither does the name of anything that is looked for. */
const HOLDS_NUL = '22021'
const FULL = new Set(['53100', 'ENOSPC', 'EDQUOT'])
/** PostgreSQL appendix A: connection exceptions, insufficient resources, shutting down or not up yet; and no socket at all. */
const AWAY = /^(?:08...|53...|57P0[1-3]|ECONNREFUSED|ECONNRESET|EPIPE)$/
const LOST = /^(?:Connection terminated|connect ENOENT|timeout exceeded when trying to connect)/

/** The record is full or away: that is nobody's mistake, it passes, and what enforces does not wait for it. */
function recordTrouble({ code, message }: { readonly code?: string; readonly message?: string }): Problem | null {
  if (code !== undefined && FULL.has(code)) {
    const cure = 'Free space where its data lies, then send it again. What is in force stays in force.'
    return new Problem(507, 'storage-full', 'The disk of the database is full; nothing was stored.', cure)
  }
  if (!(code !== undefined && AWAY.test(code)) && !LOST.test(message ?? '')) return null
  const cure = 'Try again in a few seconds; if it stays, look at guise doctor. What is in force stays in force.'
  const headers = { 'retry-after': '2' }
  return new Problem(503, 'database-away', 'The database does not answer; nothing was stored.', cure, { headers })
}

/** What a client is told; text of an unexpected error stays in the log. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const { code, statusCode } = error as Partial<FastifyError>
  const known = code === undefined ? undefined : FASTIFY_CODES[code]
  if (known !== undefined) return new Problem(...known)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, 'request-refused', 'The request could not be read.', 'See /docs for its shape.')
  }
  if (error instanceof BadCursor)
    return new Problem(400, 'bad-cursor', 'The cursor is not one that this list gave.', 'Ask again without it.')
  if (code === HOLDS_NUL)
    return new Problem(
      400,
      'bad-text',
      'The request holds the character NUL, which no text here does.',
      'Leave it out.',
    )
  const trouble = recordTrouble(error as { code?: string; message?: string })
  if (trouble !== null) return trouble
  return new Problem(
    500,
    'internal',
    'Something broke while answering.',
    'Try again; if it stays, give the request id to whoever runs this server.',
  )
}

/** As it is documented. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable; what programs look at' }),
    cure: Type.String(),
    instance: Type.String({ description: 'The id of the request, as in the log' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String(),
          message: Type.String(),
          line: Type.Optional(Type.Integer()),
          column: Type.Optional(Type.Integer()),
        }),
      ),
    ),
  },
  { $id: 'Problem' },
)

export function problemBody(problem: Problem, requestId: string): object {
  return {
    type: `urn:guise:problem:${problem.code}`,
    title: TITLES[problem.statusCode] ?? 'Refused',
    status: problem.statusCode,
    detail: problem.message,
    code: problem.code,
    cure: problem.cure,
    instance: requestId,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
  }
}
