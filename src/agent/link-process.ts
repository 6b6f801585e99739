/**
 * The half of the agent that touches the network's bytes: TLS, certificates and HTTP of a server elsewhere. Started as root,
 * it loads what it needs, becomes a user without a single capability, makes sure of that, and only then opens anything. It
 * knows no kernel, no journal and no facet: lines go to the worker as they came, over the one descriptor it was given.
 * argv: user id, group id. In and out: frames (`link-frames.ts`) on descriptor 3.
 */
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { createLink, type Link, type LinkLimits, type Server } from './link.ts'
import { createFrameReader, encodeFrame, type Frame, type FrameKind, splitAsk } from './link-frames.ts'
import { networkContact, ServerRefused } from './pin.ts'

/** What the worker asks; it is trusted, what comes over the network is not. */
export type Ask =
  | { readonly op: 'post'; readonly to: To; readonly path: string }
  | { readonly op: 'lines'; readonly to: To; readonly path: string }
  | { readonly op: 'probe'; readonly to: To }
  | { readonly op: 'authority'; readonly url: string; readonly fingerprint: string }
  | { readonly op: 'prove'; readonly url: string; readonly ca: string }
export type To = {
  readonly url: string
  readonly ca: string
  readonly bearer: string | null
  readonly limits: LinkLimits | null
}

/** Lines that the worker does not take are not kept without end. */
const MAX_UNSENT = 512 << 20

const [uid, gid] = process.argv.slice(2).map(Number)
dropPrivileges(uid!, gid!)

const pipe = new Socket({ fd: 3, readable: true, writable: true })
const listening = new Map<number, AbortController>()
const links = new Map<string, Link>()

pipe.on('error', () => process.exit(0))
// The worker is gone: nobody is there to tell.
pipe.on('close', () => process.exit(0))
const take = createFrameReader((frame) => void act(frame).catch((error: Error) => fail(frame.id, error)))
pipe.on('data', (chunk: Buffer) => {
  if (!take(chunk)) process.exit(1)
})

function tell(kind: FrameKind, id: number, body: Buffer | string = ''): void {
  pipe.write(encodeFrame({ kind, id, body: Buffer.from(body) }))
  if (pipe.writableLength > MAX_UNSENT) process.exit(1)
}

function fail(id: number, error: Error): void {
  tell('failed', id, JSON.stringify({ message: error.message, isFinal: error instanceof ServerRefused }))
}

function linkOf({ url, ca, bearer, limits }: To): Link {
  const key = JSON.stringify([url, ca, bearer, limits])
  const server: Server = { url: new URL(url), ca }
  const link = links.get(key) ?? createLink(server, () => bearer, limits ?? undefined)
  links.set(key, link)
  return link
}

async function act({ kind, id, body }: Frame): Promise<void> {
  if (kind === 'stop') return listening.get(id)?.abort()
  const { head, rest } = splitAsk(body)
  const ask = head as Ask
  switch (ask.op) {
    case 'post': {
      const { status, text } = await linkOf(ask.to).post(ask.path, rest)
      return tell('answer', id, JSON.stringify({ status, text }))
    }
    case 'probe':
      return tell('answer', id, JSON.stringify(await linkOf(ask.to).probe()))
    case 'authority':
      return tell('answer', id, JSON.stringify(await networkContact.findAuthority(new URL(ask.url), ask.fingerprint)))
    case 'prove':
      await networkContact.prove(new URL(ask.url), ask.ca)
      return tell('answer', id, 'null')
    case 'lines': {
      const leaving = new AbortController()
      listening.set(id, leaving)
      const link = linkOf(ask.to)
      const count = setInterval(() => tell('counted', id, JSON.stringify(link.counters)), 1_000)
      await link.lines(
        ask.path,
        {
          line: (text) => tell('line', id, text),
          refused: (unread) => tell('refused', id, JSON.stringify(unread)),
          say: (line) => tell('said', id, line),
        },
        leaving.signal,
      )
      clearInterval(count)
      listening.delete(id)
      tell('ended', id)
    }
  }
}

/** Throws unless nothing of root is left: no id, no group, no capability in any set that could be used again. */
function dropPrivileges(user: number, group: number): void {
  if (!(user > 0 && group > 0)) throw new Error('link-process: not started by the agent')
  process.setgroups!([])
  process.setgid!(group)
  process.setuid!(user)
  const status = readFileSync('/proc/self/status', 'utf8')
  const left = ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].filter((set) => !new RegExp(`^${set}:\\t0+$`, 'm').test(status))
  if (left.length > 0 || process.getuid!() === 0 || process.geteuid!() === 0)
    throw new Error(`the link could not give up its privileges (${left.join(', ') || 'its user'})`)
}
