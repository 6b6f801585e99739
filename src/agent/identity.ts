/** Who this agent is to the server: over the local socket its id is enough, elsewhere a single-use token is exchanged once for one of its own. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createLink, type Server } from './link.ts'

export type Identity = { readonly id: string; readonly token: string | null }

export async function identify(home: string, id: string, server: Server): Promise<Identity> {
  if ('socket' in server) return { id, token: null }
  const path = join(home, 'id')
  const known = read(path)
  if (known !== null) return known
  const secret = process.env.GUISE_ENROL_TOKEN
  if (secret === undefined)
    throw new Error(`this agent is not enrolled at ${server.url.origin}. Start it once with --enrol-token`)
  const body = JSON.stringify({ token: secret, host: hostname().slice(0, 128) })
  const answer = await createLink(server, () => null).post('/v1/agents/enrol', body)
  if (answer.status !== 201)
    throw new Error(`${server.url.origin} refused the enrolment token (${answer.status}). Ask for a new one`)
  const { agent, token } = JSON.parse(answer.text) as { agent: unknown; token: unknown }
  if (typeof agent !== 'string' || typeof token !== 'string')
    throw new Error(`${server.url.origin} answered an enrolment without id and token`)
  const identity = { id: agent, token }
  writeFileSync(`${path}.new`, JSON.stringify(identity), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return identity
}

function read(path: string): Identity | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Identity
  } catch {
    return null
  }
}
