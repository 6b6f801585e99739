/** The event stream (server-sent events): resumes by Last-Event-ID, tells of a gap, and beats every 15 s. */
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { SentEvent } from '../events.ts'
import { Problem } from '../problem.ts'
import { principalOf, type RouteDeps, type Routes } from '../route.ts'

const HEARTBEAT_MS = 15_000
const MAX_LISTENERS = 200
/** A listener that does not read is let go at this many bytes; it comes back by Last-Event-ID. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

export function eventRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/events',
    {
      schema: {
        tags: ['events'],
        summary: 'What happens, as it happens (text/event-stream)',
        description: 'Event names: workload.observed, evidence, plan, shift, agent, audit, heartbeat, gap.',
        querystring: Type.Object({ after: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
      },
    },
    async (request, reply) => {
      const { tenant, via } = principalOf(request)
      if (deps.events.listeners() >= MAX_LISTENERS) {
        throw new Problem(
          503,
          'too-many-listeners',
          'Too many event streams are open.',
          'Close a console, then try again.',
        )
      }
      const header = request.headers['last-event-id']
      const given = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : request.query.after
      const { raw } = reply
      open(reply)
      // Whoever left while we looked up who they are: `close` was told already, and nobody would ever let go of the listener.
      if (raw.destroyed) return
      const send = (event: SentEvent) => {
        if (raw.writableLength > MAX_UNSENT_BYTES) return raw.destroy()
        raw.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`)
      }
      const { gap, missed, stop } = deps.events.listen(tenant, given ?? null, send)
      if (gap) raw.write(`event: gap\ndata: ${JSON.stringify({ after: given })}\n\n`)
      for (const event of missed) send(event)
      const beat = setInterval(() => raw.write(`event: heartbeat\ndata: {"at":${deps.clock()}}\n\n`), HEARTBEAT_MS)
      const letGo = () => {
        clearInterval(beat)
        unwatch()
        stop()
      }
      const unwatch =
        via.kind === 'local'
          ? () => {}
          : deps.auth.watch(via, () => {
              // First: a write after the end is an error that nobody catches while a slow reader still has some of it to read.
              letGo()
              if (raw.writableLength > 0) raw.destroy()
              else raw.end()
            })
      raw.once('close', letGo)
    },
  )
}

function open(reply: FastifyReply): void {
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value)
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  reply.raw.write('retry: 2000\n\n')
}
