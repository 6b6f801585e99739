/**
 * The agent's only way to the server: HTTP on the local unix socket (peer credentials are the proof) or TLS 1.3 to
 * the pinned CA (`pin.ts`) with a bearer token. Reports go out; server messages come in, each validated against its closed schema before anybody sees it.
 */

import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as plain } from 'node:http'
import { Agent, type RequestOptions, request as secure } from 'node:https'
import { createConnection } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import { Compile } from 'typebox/compile'
import { ServerMessage } from '../model/wire.ts'

/** `ca` is the one certificate an https server is believed by; null = nobody has proven it yet, and nothing may be sent. */
export type Server = { readonly socket: string } | { readonly url: URL; readonly ca: string | null }

/** `unix:/path` or `https://host`; plain http only to this very host. Throws a sentence. */
export function parseServer(text: string): Server {
  if (text.startsWith('unix:')) return { socket: text.slice(5) }
  const url = URL.canParse(text) ? new URL(text) : null
  const isLocal = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
    throw new Error(`--server ${text} is neither unix:PATH nor https://HOST; give one of them`)
  return { url, ca: null }
}

/** The pinned certificate may be any of a chain (a given one may lack its root), so it is where the chain may end. */
export function trust(ca: string): ConnectionOptions {
  return { ca, allowPartialTrustChain: true, minVersion: 'TLSv1.3' }
}

export type Link = {
  readonly counters: { badMessages: number; reconnects: number }
  /** Status code; throws when the server cannot be reached. */
  post(path: string, body: string): Promise<{ readonly status: number; readonly text: string }>
  /** Is somebody there? Host-side, one connection. */
  probe(): Promise<{ readonly name: string; readonly ok: boolean; readonly detail: string }>
  /** Runs until `signal` fires, over every loss of the connection. */
  listen(
    path: string,
    heard: (message: ServerMessage) => void,
    signal: AbortSignal,
    say: (line: string) => void,
  ): Promise<void>
}

const POST_TIMEOUT_MS = 10_000
/** Three bookmarks of 15 s missed: the connection is dead, whatever TCP thinks. */
const SILENCE_MS = 45_000
const MAX_LINE = 256 << 20
const MAX_ANSWER = 1 << 20
const REVOKED = ': it knows our token no longer. What is confirmed stays; to come back, start with a new --enrol-token'
const isMessage = Compile(ServerMessage)

export function createLink(server: Server, token: () => string | null): Link {
  const counters = { badMessages: 0, reconnects: 0 }
  const pinned = pinnedAgent(server)
  const open = (method: string, path: string, body?: string): ClientRequest => {
    const bearer = token()
    const headers: Record<string, string> = {
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    }
    if ('socket' in server)
      return plain({ socketPath: server.socket, method, path, headers: { host: 'localhost', ...headers } })
    const { url } = server
    const target: RequestOptions = {
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method,
      path,
      headers,
    }
    return pinned === null ? plain(target) : secure({ ...target, agent: pinned })
  }

  const post: Link['post'] = (path, body) =>
    new Promise((resolve, reject) => {
      const request = open('POST', path, body)
      request.setTimeout(POST_TIMEOUT_MS, () =>
        request.destroy(new Error(`${path}: no answer within ${POST_TIMEOUT_MS} ms`)),
      )
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          if (text.length < MAX_ANSWER) text += chunk.toString('utf8')
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      request.end(body)
    })

  const stream = (
    path: string,
    heard: (message: ServerMessage) => void,
    signal: AbortSignal,
    say: (line: string) => void,
  ): Promise<'heard' | 'deaf'> =>
    new Promise((resolve) => {
      const request = open('GET', path)
      let outcome: 'heard' | 'deaf' = 'deaf'
      const stop = () => request.destroy()
      const end = () => {
        signal.removeEventListener('abort', stop)
        resolve(outcome)
      }
      signal.addEventListener('abort', stop, { once: true })
      request.setTimeout(SILENCE_MS, stop)
      request.on('error', end)
      request.on('response', (response: IncomingMessage) => {
        response.on('error', end)
        response.on('close', end)
        if (response.statusCode !== 200) {
          say(`the server answered ${response.statusCode} to ${path}${response.statusCode === 401 ? REVOKED : ''}`)
          request.destroy()
          return
        }
        const take = createLineReader((line) => {
          outcome = 'heard'
          const message = decode(line)
          if (message === null) {
            counters.badMessages++
            say(`a message of the server does not match its schema and is refused (${line.length} bytes)`)
          } else heard(message)
        })
        response.on('data', (chunk: Buffer) => {
          if (!take(chunk)) request.destroy()
        })
      })
      request.end()
    })

  const reach = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket =
        'socket' in server
          ? createConnection(server.socket)
          : createConnection(Number(server.url.port) || 443, server.url.hostname.replace(/^\[|\]$/g, ''))
      const done = (ok: boolean) => () => {
        socket.destroy()
        resolve(ok)
      }
      socket.setTimeout(1_500, done(false))
      socket.once('connect', done(true)).once('error', done(false))
    })

  return {
    counters,
    async probe() {
      let ok = await reach()
      for (let tries = 0; tries < 3 && !ok; tries++) {
        await wait(300)
        ok = await reach()
      }
      return { name: 'control plane', ok, detail: ok ? 'answers' : 'does not answer' }
    },
    post,
    async listen(path, heard, signal, say) {
      for (let losses = 0; !signal.aborted; ) {
        losses = (await stream(path, heard, signal, say)) === 'heard' ? 0 : losses + 1
        if (signal.aborted) return
        counters.reconnects++
        // Full jitter: a restarted server is not met by all its agents at once.
        await wait(50 + Math.random() * Math.min(10_000, 250 * 2 ** Math.min(losses, 8)), undefined, { signal }).catch(
          () => {},
        )
      }
    },
  }
}

/** Connections of its own: what is trusted here is trusted nowhere else. Null where there is no TLS. */
function pinnedAgent(server: Server): Agent | null {
  if ('socket' in server || server.url.protocol !== 'https:') return null
  if (server.ca === null) throw new Error(`talk to ${server.url.origin}: its CA is not pinned`)
  return new Agent({ keepAlive: true, ...trust(server.ca) })
}

export function decode(line: string): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(line)
    return isMessage.Check(value) ? value : null
  } catch {
    return null
  }
}

/** Answers false when a line is longer than any message may be. */
export function createLineReader(line: (text: string) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = []
  let held = 0
  return (chunk) => {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const text = Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8')
      parts = []
      held = 0
      from = end + 1
      if (text !== '') line(text)
    }
    if (from < chunk.length) {
      parts.push(Buffer.from(chunk.subarray(from)))
      held += chunk.length - from
    }
    return held <= MAX_LINE
  }
}
