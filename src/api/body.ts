/** Bodies: JSON of bounded size and depth without prototype keys, YAML as text for manifests. Each is hashed as it came. */
import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'
import { sha256 } from './secrets.ts'

export const BODY_LIMIT = 1024 * 1024
/** Reports carry windows of every workload of a host; agents are known before the first byte is read. */
export const REPORT_LIMIT = 64 * 1024 * 1024
/** A trained model: the shipped one has 560 kB. */
export const MODEL_LIMIT = 8 * 1024 * 1024
const MAX_DEPTH = 64

export function installBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    request.bodyHash = sha256(text)
    if (text === '') return done(null, undefined)
    if (tooDeep(text)) {
      return done(new Problem(400, 'too-deep', `The body nests deeper than ${MAX_DEPTH}.`, 'Send it flatter.'))
    }
    parse(request, text, (error, value) => {
      if (error === null) return done(null, value)
      done(
        new Problem(
          400,
          'bad-json',
          'The body is not JSON that is taken here.',
          'Check its syntax; __proto__ is refused.',
        ),
      )
    })
  })
  app.addContentTypeParser('application/yaml', { parseAs: 'string' }, (request, body, done) => {
    request.bodyHash = sha256(body as string)
    done(null, body)
  })
}

/** Counts brackets outside strings: one pass, before anything recursive sees the text. */
export function tooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 92) i++
      else if (c === 34) inString = false
    } else if (c === 34) inString = true
    else if (c === 91 || c === 123) {
      if (++depth > MAX_DEPTH) return true
    } else if (c === 93 || c === 125) depth--
  }
  return false
}
