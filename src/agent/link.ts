/**
 * The agent's only way to the server: HTTP on the local unix socket (peer credentials are the proof) or TLS 1.3 to
 * the pinned CA (`pin.ts`) with a bearer token. Reports go out; server messages come in, each validated against its closed
 * schema before anybody sees it (`message.ts`), and bounded in bytes and in time.
 */

import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as plain } from 'node:http'
import { Agent, type RequestOptions, request as secure } from 'node:https'
import { createConnection } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import type { ServerMessage } from '../model/wire.ts'
import { hearLines, type Unread } from './message.ts'

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
  /** Runs until `signal` fires, over every loss of the connection. `refused`: what came and was no message. */
  listen(
    path: string,
    heard: (message: ServerMessage) => void,
    signal: AbortSignal,
    say: (line: string) => void,
    refused?: (unread: Unread) => void,
  ): Promise<void>
  /** The same, with lines as they came. */
  lines(path: string, ears: Ears, signal: AbortSignal): Promise<void>
}

export type Ears = {
  readonly line: (text: string) => void
  readonly refused: (unread: Unread) => void
  readonly say: (line: string) => void
}
export type LinkLimits = {
  /** Of one message. */
  readonly messageBytes: number
  /** A connection without one whole message for so long is dead, or dripping. */
  readonly silenceMs: number
}

const POST_TIMEOUT_MS = 10_000
/** An answer that drips must not hold the reports up for ever. */
const POST_WITHIN_MS = 60_000
/** Three bookmarks of 15 s missed: the connection is dead, whatever TCP thinks. */
const LIMITS: LinkLimits = { messageBytes: 256 << 20, silenceMs: 45_000 }
/** A long message on a slow line is not a silence: it gets so much longer. */
const LEAST_BYTES_PER_MS = 64
const MAX_ANSWER = 1 << 20
const REVOKED = ': it knows our token no longer. What is confirmed stays; to come back, start with a new --enrol-token'

export function createLink(server: Server, token: () => string | null, limits: LinkLimits = LIMITS): Link {
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
      const late = setTimeout(
        () => request.destroy(new Error(`${path}: no whole answer within ${POST_WITHIN_MS} ms`)),
        POST_WITHIN_MS,
      )
      request.on('close', () => {
        clearTimeout(late)
        // Also what is neither an answer nor an error: 101 (RFC 9110 §15.2.2) where nobody asked for another protocol.
        reject(new Error(`${path}: the connection ended without an answer`))
      })
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

  const stream = (path: string, ears: Ears, signal: AbortSignal): Promise<'heard' | 'deaf'> =>
    new Promise((resolve) => {
      const request = open('GET', path)
      let outcome: 'heard' | 'deaf' = 'deaf'
      let wholeAt = performance.now()
      let isRefused = false
      const stop = () => request.destroy()
      const refuse = (reason: string) => {
        if (isRefused) return
        isRefused = true
        counters.badMessages++
        ears.refused({ reason, pointer: '' })
        stop()
      }
      const reader = createLineReader((line) => {
        outcome = 'heard'
        wholeAt = performance.now()
        ears.line(line)
      }, limits.messageBytes)
      const dripping = setInterval(() => {
        const patienceMs = limits.silenceMs + reader.held / LEAST_BYTES_PER_MS
        if (performance.now() - wholeAt < patienceMs) return
        if (reader.held > 0) refuse(`no whole message came within ${Math.round(patienceMs / 1000)} s`)
        else stop()
      }, limits.silenceMs / 8)
      const end = () => {
        clearInterval(dripping)
        signal.removeEventListener('abort', stop)
        if (reader.held > 0 && !signal.aborted) refuse('the connection ended within it')
        resolve(outcome)
      }
      signal.addEventListener('abort', stop, { once: true })
      request.setTimeout(limits.silenceMs, stop)
      request.once('error', end).once('close', end)
      request.on('response', (response: IncomingMessage) => {
        request
          .off('error', end)
          .off('close', end)
          .on('error', () => {})
        response.on('error', () => {})
        response.once('close', end)
        if (response.statusCode !== 200) {
          const status = response.statusCode ?? 0
          if (status >= 300 && status < 400) refuse(`the server answered ${status}: an agent is sent nowhere else`)
          ears.say(`the server answered ${response.statusCode} to ${path}${response.statusCode === 401 ? REVOKED : ''}`)
          request.destroy()
          return
        }
        response.on('data', (chunk: Buffer) => {
          if (!reader.take(chunk)) refuse(`it is longer than ${limits.messageBytes} bytes`)
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

  async function lines(path: string, ears: Ears, signal: AbortSignal): Promise<void> {
    for (let losses = 0; !signal.aborted; ) {
      losses = (await stream(path, ears, signal)) === 'heard' ? 0 : losses + 1
      if (signal.aborted) return
      counters.reconnects++
      // Full jitter: a restarted server is not met by all its agents at once.
      await wait(50 + Math.random() * Math.min(10_000, 250 * 2 ** Math.min(losses, 8)), undefined, { signal }).catch(
        () => {},
      )
    }
  }

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
    listen(path, heard, signal, say, refused = () => {}) {
      return lines(
        path,
        hearLines(heard, say, refused, () => void counters.badMessages++),
        signal,
      )
    },
    lines,
  }
}

/** Connections of its own: what is trusted here is trusted nowhere else. Null where there is no TLS. */
function pinnedAgent(server: Server): Agent | null {
  if ('socket' in server || server.url.protocol !== 'https:') return null
  if (server.ca === null) throw new Error(`talk to ${server.url.origin}: its CA is not pinned`)
  return new Agent({ keepAlive: true, ...trust(server.ca) })
}

export type LineReader = {
  /** Bytes of a line that is not whole yet. */
  readonly held: number
  /** Answers false when a line is longer than any message may be. */
  take(chunk: Buffer): boolean
}

export function createLineReader(line: (text: string) => void, maxBytes = LIMITS.messageBytes): LineReader {
  let parts: Buffer[] = []
  let held = 0
  return {
    get held() {
      return held
    },
    take(chunk) {
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        if (held + end - from > maxBytes) return false
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
      return held <= maxBytes
    },
  }
}
