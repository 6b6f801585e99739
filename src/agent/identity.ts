/** Who this agent is to the server: over the local socket its id is enough, elsewhere a single-use token is exchanged once for one of its own. */
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { plainText } from '../model/plain-text.ts'
import { createLink, type Link, type Server } from './link.ts'
import { ServerRefused } from './pin.ts'

export type Identity = { readonly id: string; readonly token: string | null }
/** `spent` is the hash of the secret that brought it: the same command started again enrols nobody anew, another one does. */
type Kept = Identity & { readonly spent?: string }

const CURE = 'Make a new one on the server: guise token create --role agent --enrol --host NAME'

/** Throws a sentence; `ServerRefused` when somebody has to do something first. */
export async function identify(home: string, id: string, server: Server, link?: Pick<Link, 'post'>): Promise<Identity> {
  if ('socket' in server) return { id, token: null }
  const path = join(home, 'id')
  const known = read(path)
  const secret = process.env.GUISE_ENROL_TOKEN
  const spent = secret === undefined ? undefined : createHash('sha256').update(secret).digest('hex')
  if (known !== null && (spent === undefined || spent === known.spent)) return { id: known.id, token: known.token }
  if (secret === undefined)
    throw new ServerRefused(`this agent is not enrolled at ${server.url.origin}. Start it once with --enrol-token`)
  const { agent, token } = await exchange(link ?? createLink(server, () => null), server.url.origin, secret)
  const kept: Kept = { id: agent, token, ...(spent === undefined ? {} : { spent }) }
  writeFileSync(`${path}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return { id: agent, token }
}

async function exchange(
  link: Pick<Link, 'post'>,
  origin: string,
  secret: string,
): Promise<{ agent: string; token: string }> {
  const body = JSON.stringify({ token: secret, host: hostname().slice(0, 128) })
  const answer = await link.post('/v1/agents/enrol', body)
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429)
    throw new ServerRefused(`${origin} refused the enrolment token: ${reasonOf(answer)} ${CURE}`)
  if (answer.status !== 201) throw new Error(`${origin} answered an enrolment with ${answer.status}; trying again`)
  const { agent, token } = JSON.parse(answer.text) as { agent: unknown; token: unknown }
  if (typeof agent !== 'string' || typeof token !== 'string')
    throw new Error(`${origin} answered an enrolment without id and token`)
  return { agent, token }
}

/** The `detail` of a problem+json (RFC 9457), which is text of the other side. */
function reasonOf(answer: { readonly status: number; readonly text: string }): string {
  try {
    const { detail } = JSON.parse(answer.text) as { detail?: unknown }
    if (typeof detail === 'string') return plainText(detail, 200)
  } catch {}
  return `it answered ${answer.status}.`
}

function read(path: string): Kept | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept
  } catch {
    return null
  }
}
