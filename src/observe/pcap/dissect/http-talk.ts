/** HTTP/1 over a connection: each request waits for the status that answers it, in order. */
import type { LoginHint } from '../../../model/hint.ts'
import { type HttpRequest, looksLikeRequest, statusOf } from './http.ts'
import { type Desk, endsOf, type Speech, type Talk } from './talk.ts'

const MAX_WAITING = 32

export function takeRequest(desk: Desk, speech: Speech, request: HttpRequest): void {
  const { talk } = speech
  talk.requests ??= []
  if (talk.requests.length >= MAX_WAITING) answer(desk, talk, 0)
  const { hasCredentials, ...said } = request
  talk.requests.push({
    hint: { ...endsOf(desk, speech.conn, speech.timeMs), kind: 'http', ...said, status: 0 },
    hasCredentials,
  })
}

/** A segment of a connection known to carry HTTP. True when a request begins in it. */
export function takeHttp(desk: Desk, speech: Speech): boolean {
  const { bytes, from, to } = speech
  if (speech.fromClient) return looksLikeRequest(bytes, from, to)
  const status = statusOf(bytes, from, to)
  if (status >= 200) answer(desk, speech.talk, status)
  // What follows a switch of protocols, or a tunnel, is not HTTP any more.
  if (status === 101) speech.talk.kind = 'done'
  return false
}

export function finishHttp(desk: Desk, talk: Talk): void {
  while (talk.requests !== null && talk.requests.length > 0) answer(desk, talk, 0)
}

function answer(desk: Desk, talk: Talk, status: number): void {
  const first = talk.requests?.shift()
  if (first === undefined) return
  first.hint.status = status
  desk.emit(first.hint)
  if (first.hasCredentials && status !== 0) desk.emit(loginOf(first.hint, status))
  if (first.hint.method === 'CONNECT' && status === 200) talk.kind = 'new'
}

function loginOf(hint: LoginHint | Parameters<Desk['emit']>[0], status: number): LoginHint {
  const { at, source, target, sourcePort, targetPort, proto } = hint
  const outcome = status === 401 || status === 403 || status === 407 ? 'refused' : status < 400 ? 'accepted' : 'unknown'
  return {
    kind: 'login',
    at,
    source,
    target,
    sourcePort,
    targetPort,
    proto,
    service: 'http',
    outcome,
    client: hint.kind === 'http' ? hint.userAgent : '',
  }
}
