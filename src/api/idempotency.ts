/** A POST that is sent again with its Idempotency-Key is answered again from the record, without effect. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Store } from '../model/store.ts'
import { routeKey } from './permissions.ts'
import { Problem } from './problem.ts'
import { sha256 } from './secrets.ts'

const KEY = /^[\x21-\x7e]{1,200}$/

export function installIdempotency(app: FastifyInstance, deps: { store: () => Store; clock: () => number }): void {
  const underWay = new Set<string>()
  const lockOf = (request: FastifyRequest) =>
    `${request.principal!.tenant} ${request.principal!.actor} ${request.keepAs}`

  app.addHook('preHandler', async (request, reply) => {
    const given = request.headers['idempotency-key']
    if (request.method !== 'POST' || given === undefined || request.principal === null) return
    if (typeof given !== 'string' || !KEY.test(given)) {
      throw new Problem(
        400,
        'bad-key',
        'The Idempotency-Key is not 1 to 200 visible characters.',
        'Send a random UUID.',
      )
    }
    if (request.routeOptions.config.secret === true) {
      throw new Problem(
        400,
        'key-not-here',
        'The answer holds a secret and is not kept for replay.',
        'Send it without Idempotency-Key; delete what you do not need.',
      )
    }
    // The concrete path, not the pattern: one key on two plans is two requests.
    request.keepAs = sha256(`${routeKey('POST', request.url)} ${given}`)
    const { tenant, actor } = request.principal
    const lock = lockOf(request)
    if (underWay.has(lock)) {
      request.keepAs = null
      throw new Problem(409, 'key-in-use', 'A request with this key is being answered.', 'Wait for its answer.')
    }
    underWay.add(lock)
    const kept = await deps.store().idempotency.find(tenant, actor, request.keepAs, request.bodyHash)
    if (kept === null) return
    underWay.delete(lock)
    request.keepAs = null
    if (kept === 'mismatch') {
      throw new Problem(422, 'key-reused', 'This key was used with another body.', 'Use a new key for a new request.')
    }
    return reply.code(kept.status).header('idempotency-replayed', 'true').send(kept.body)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    if (request.keepAs === null || request.principal === null) return payload
    const lock = lockOf(request)
    try {
      if (reply.statusCode < 500 && typeof payload === 'string') {
        await deps
          .store()
          .idempotency.keep(
            request.principal.tenant,
            request.principal.actor,
            request.keepAs,
            request.bodyHash,
            reply.statusCode,
            JSON.parse(payload),
            deps.clock(),
          )
      }
    } finally {
      underWay.delete(lock)
      request.keepAs = null
    }
    return payload
  })
}
