/** One way to speak to the API: same origin, cookie session, CSRF header on writes, problems as one error type. */
import type { Problem } from '../nouns.ts'

export class ProblemError extends Error {
  readonly problem: Problem
  readonly requestId: string | null
  constructor(problem: Problem, requestId: string | null) {
    super(problem.title)
    this.problem = problem
    this.requestId = requestId
  }
}

let csrf: string | null = null
/** Server clock minus ours lies between these, ms. */
let apart = { least: -Infinity, most: Infinity }
let ended = false
let whenEnded = () => {}

export function setCsrf(token: string | null): void {
  csrf = token
  if (token !== null) ended = false
}

/** What to do when the server no longer knows our session: told once, by whichever request hears it first. */
export function onSessionEnd(act: () => void): void {
  whenEnded = act
}
/** True from then until the next sign-in. */
export function sessionEnded(): boolean {
  return ended
}

/** The server's clock, from the Date headers of its answers: what stands in records is its time, not this browser's. Epoch ms. */
export function serverNow(): number {
  const { least, most } = apart
  return Date.now() + (least <= 0 && most >= 0 ? 0 : (least + most) / 2)
}

/** Resolves with the body. Rejects with ProblemError (status 0 when the server could not be reached). */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return send<T>('GET', path, undefined, signal)
}
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return send<T>('POST', path, body)
}

/** A POST that only asks: nothing is written, so no answer is kept for a repetition. */
export async function ask<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return send<T>('POST', path, body, signal, { 'idempotency-key': null })
}
/** Replaces what has that version; refused with 412 when it has another one by now. */
export async function put<T>(path: string, body: unknown, version: number): Promise<T> {
  return send<T>('PUT', path, body, undefined, { 'if-match': `"${version}"` })
}

export async function remove(path: string, version?: number): Promise<void> {
  await send<void>('DELETE', path, undefined, undefined, version === undefined ? {} : { 'if-match': `"${version}"` })
}

async function send<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  /** null leaves a header out */
  more: Readonly<Record<string, string | null>> = {},
): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (method !== 'GET') {
    headers['content-type'] = 'application/json'
    headers['idempotency-key'] = crypto.randomUUID()
    if (csrf !== null) headers['x-guise-csrf'] = csrf
  }
  for (const [name, value] of Object.entries(more)) {
    if (value === null) delete headers[name]
    else headers[name] = value
  }
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (body !== undefined) init.body = JSON.stringify(body)
  if (signal !== undefined) init.signal = signal
  const sent = Date.now()
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ProblemError({ title: 'The server cannot be reached', status: 0 }, null)
  }
  noteClock(response, sent)
  if (response.status === 204) return undefined as T
  const text = await response.text()
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T
  if (response.status === 401 && csrf !== null) {
    csrf = null
    ended = true
    whenEnded()
  }
  throw new ProblemError(problemFrom(response, text), response.headers.get('x-request-id'))
}

/** The header has whole seconds, cut off, of some moment between question and answer; several answers say it closer than one. */
function noteClock(response: Response, sent: number): void {
  const date = Date.parse(response.headers.get('date') ?? '')
  if (!Number.isFinite(date)) return
  const said = { least: date - Date.now(), most: date + 1_000 - sent }
  const both = { least: Math.max(apart.least, said.least), most: Math.min(apart.most, said.most) }
  // Never both: one of the clocks was set in between.
  apart = both.least <= both.most ? both : said
}

function problemFrom(response: Response, text: string): Problem {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'title' in parsed) {
      return { ...(parsed as Problem), status: response.status }
    }
  } catch {
    // Not JSON: a proxy in between, say; the status line is all there is.
  }
  return { title: `The server answered ${response.status} ${response.statusText}`.trim(), status: response.status }
}
