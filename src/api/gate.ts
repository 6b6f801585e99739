/**
 * The one door: every request passes here before its body is read. Host (DNS rebinding), Origin, media type, identity,
 * permission, CSRF, in this order; the first that fails answers.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TenantId } from '../model/ids.ts'
import { isThroughAgentDoor } from './agent-door.ts'
import type { Auth } from './authenticate.ts'
import { SESSION_COOKIE } from './authenticate.ts'
import { isLocalPeer } from './local-socket.ts'
import { isForAgents, permitted, routeKey } from './permissions.ts'
import type { Principal } from './principal.ts'
import { notFound, Problem } from './problem.ts'
import { sameText } from './secrets.ts'

export type GateDeps = {
  readonly auth: Auth
  readonly ready: () => boolean
  readonly publicOrigins: readonly string[]
  readonly tenantDefault: TenantId
}

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

export function installGate(app: FastifyInstance, deps: GateDeps): void {
  const publicHosts = new Set(deps.publicOrigins.map((origin) => new URL(origin).host))
  const publicOrigins = new Set(deps.publicOrigins.map((origin) => new URL(origin).origin))

  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      if (method === 'HEAD' || method === 'OPTIONS') continue
      const key = routeKey(method, route.url)
      if (permitted(key) === undefined) throw new Error(`${key} has no row in api/permissions.ts; add who may use it`)
    }
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const key = routeKey(request.method === 'HEAD' ? 'GET' : request.method, request.routeOptions.url ?? '')
    const local = isLocalPeer(request.raw.socket)
    const door = isThroughAgentDoor(request.raw.socket)
    if (door && !isForAgents(key)) throw notFound('such path')
    if (!local && key !== 'GET /healthz') {
      // A name that somebody's DNS points at us is not in our certificate: TLS has refused it already.
      if (!door) checkHost(request, publicHosts)
      checkOrigin(request, publicOrigins)
    }
    checkMediaType(request)
    const roles = permitted(key)
    if (roles === undefined) return // No such route: the not-found answer says so, and tells nothing else.
    if (roles === 'public') return
    if (!deps.ready()) throw starting()
    const principal = await identify(request, deps, local)
    if (!roles.includes(principal.role)) {
      throw new Problem(
        403,
        'role-refused',
        `The role ${principal.role} may not ${request.method} ${request.routeOptions.url}.`,
        `It needs ${roles.join(' or ')}.`,
      )
    }
    if (principal.via.kind === 'session' && WRITES.has(request.method)) checkCsrf(request, principal.via.csrf)
    request.principal = principal
  })
}

export function starting(): Problem {
  return new Problem(503, 'starting', 'The server is starting.', 'Ask again in a few seconds.', {
    headers: { 'retry-after': '2' },
  })
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** A name that an attacker's DNS points at us is not ours; an address is, when it is the one the connection came to. */
function checkHost(request: FastifyRequest, publicHosts: ReadonlySet<string>): void {
  const host = request.headers.host ?? ''
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase()
  const own = request.raw.socket.localAddress
  if (LOOPBACK.has(name) || publicHosts.has(host.toLowerCase())) return
  if (own !== undefined && (name === own || name === `[${own}]` || `::ffff:${name}` === own)) return
  throw new Problem(
    421,
    'host-refused',
    'This server does not go by that name.',
    'Use 127.0.0.1, or start it with GUISE_PUBLIC_ORIGINS.',
  )
}

function checkOrigin(request: FastifyRequest, publicOrigins: ReadonlySet<string>): void {
  const origin = request.headers.origin
  if (origin === undefined) return
  if (publicOrigins.has(origin)) return
  if (URL.canParse(origin) && new URL(origin).host === request.headers.host?.toLowerCase()) return
  throw new Problem(403, 'origin-refused', 'The page that asks is not ours.', 'Use the console of this server.')
}

const JSON_TYPE = /^application\/json(; charset=utf-8)?$/
const YAML_TYPE = /^application\/yaml(; charset=utf-8)?$/

/** Exactly these spellings: a lenient parser of this header is how body validation was skipped (CVE-2026-25223, -33806). */
function checkMediaType(request: FastifyRequest): void {
  const type = request.headers['content-type']
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  if (type === undefined && !hasBody) return
  if (request.headers['content-encoding'] !== undefined) throw badType('A compressed body is not read.')
  if (type !== undefined && countOf(request, 'content-type') === 1) {
    if (JSON_TYPE.test(type)) return
    if (YAML_TYPE.test(type) && request.routeOptions.config.yaml === true) return
  }
  throw badType('The body is of a type this route does not take.')
}

function badType(detail: string): Problem {
  return new Problem(
    415,
    'media-type-not-supported',
    detail,
    'Send application/json; manifests may be application/yaml.',
  )
}

function countOf(request: FastifyRequest, name: string): number {
  return request.raw.rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}

async function identify(request: FastifyRequest, deps: GateDeps, local: boolean): Promise<Principal> {
  const header = request.headers.authorization
  if (header !== undefined) {
    const text = /^Bearer ([\w-]{1,200})$/.exec(header)?.[1]
    if (text === undefined) throw signIn('The Authorization header is not a bearer token.')
    return deps.auth.bearer(text, request.ip ?? 'local')
  }
  if (local) {
    return {
      tenant: deps.tenantDefault,
      name: 'local',
      actor: `agent:${(request.params as { id?: string }).id ?? 'local'}`,
      role: 'agent',
      agent: null,
      via: { kind: 'local' },
    }
  }
  const cookie = request.cookies[SESSION_COOKIE]
  const principal = cookie === undefined ? null : await deps.auth.session(cookie)
  if (principal === null) throw signIn('This needs to know who asks.')
  return principal
}

function signIn(detail: string): Problem {
  return new Problem(401, 'sign-in', detail, 'Send Authorization: Bearer TOKEN, or sign in to the console.', {
    headers: { 'www-authenticate': 'Bearer realm="guise"' },
  })
}

function checkCsrf(request: FastifyRequest, csrf: string): void {
  const given = request.headers['x-guise-csrf']
  if (typeof given === 'string' && sameText(given, csrf)) return
  throw new Problem(
    403,
    'csrf-missing',
    'A write with a session needs its CSRF token.',
    'Send the csrf of GET /session as x-guise-csrf.',
  )
}
