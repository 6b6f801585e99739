/** The built console under /ui, served from memory: hashed assets are immutable, every other path is the application. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Problem } from './problem.ts'

export type ConsoleFiles = ReadonlyMap<string, { readonly bytes: Buffer; readonly type: string; readonly etag: string }>

/** No inline script, nothing from elsewhere; styles inline because charts and tables set sizes as attributes. */
const CONSOLE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function serveConsole(app: FastifyInstance, files: ConsoleFiles | null): void {
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    if (files === null) {
      throw new Problem(
        404,
        'console-not-built',
        'The console was not built.',
        'Run npm start once, or npm run build in web/.',
      )
    }
    const path = decodePath((request.params as { '*'?: string })['*'] ?? '')
    const looksLikeFile = /\.[a-z0-9]+$/.test(path)
    const file = files.get(path) ?? (looksLikeFile ? undefined : files.get('index.html'))
    if (file === undefined) throw notFound('such file')
    reply.header('content-security-policy', CONSOLE_CSP).header('etag', file.etag)
    reply.header(
      'cache-control',
      /^assets\/.*[-.][\w-]{8,}\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    )
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
    return reply.type(file.type).send(file.bytes)
  }
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/ui/', 302))
  app.get('/ui', { schema: { hide: true } }, (_request, reply) => reply.redirect('/ui/', 302))
  app.get('/ui/*', { schema: { hide: true } }, answer)
}

function decodePath(path: string): string {
  return path.replace(/^\/+/, '')
}
