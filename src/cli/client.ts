/**
 * The command line as a client of the API. In: a path and a body; out: the answer, or one sentence with its cure and an exit
 * code: 0 done, 1 refused or failed, 2 wrong usage, 3 no server there.
 */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { terminalJson, terminalText } from './terminal-text.ts'

export type Options = { readonly server?: string; readonly json?: true }
export type Client = {
  get<T>(path: string): Promise<T>
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers?: Record<string, string>): Promise<T>
  /** Server-sent events, until the other end or the person stops. */
  events(signal: AbortSignal): AsyncIterable<{ readonly type: string; readonly data: string }>
}

/** What a person is told, and how the process ends. */
export class CliError extends Error {
  readonly exitCode: 1 | 2 | 3
  readonly problem: unknown
  constructor(message: string, exitCode: 1 | 2 | 3, problem?: unknown) {
    super(message)
    this.exitCode = exitCode
    this.problem = problem ?? null
  }
}

const TIMEOUT_MS = 30_000

export function createClient(server: string, token: string | null): Client {
  if (!/^https?:$/.test(URL.parse(server)?.protocol ?? ''))
    throw new CliError(`--server ${server} is no address of a server. Write http://127.0.0.1:7070.`, 2)
  const base = server.replace(/\/+$/, '')
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  async function call(path: string, init: RequestInit): Promise<Response> {
    let response: Response
    try {
      response = await fetch(`${base}${path}`, { ...init, headers: { ...headers, ...init.headers }, redirect: 'error' })
    } catch (error) {
      const cause = (error as Error).cause as { code?: string; message?: string } | undefined
      const why = cause?.code ?? cause?.message ?? (error as Error).name
      throw new CliError(
        `No server answers at ${base} (${why}). Start one with \`guise up\`, or name it with --server.`,
        3,
      )
    }
    if (!response.ok) throw await refusal(response)
    return response
  }
  return {
    async get<T>(path: string) {
      const response = await call(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      return (await response.json()) as T
    },
    async send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, more: Record<string, string> = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const response = await call(path, {
        method,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined
          ? { headers: more }
          : { body: text, headers: { 'content-type': 'application/json', ...more } }),
      })
      return (response.status === 204 ? null : await response.json()) as T
    },
    async *events(signal) {
      const response = await call('/v1/events', { signal, headers: { accept: 'text/event-stream' } })
      let rest = ''
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        rest += chunk
        const blocks = rest.split('\n\n')
        rest = blocks.pop()!.slice(-1_000_000)
        for (const block of blocks) {
          const field = (name: string) =>
            block
              .split('\n')
              .filter((line) => line.startsWith(`${name}:`))
              .map((line) => line.slice(name.length + 1).trim())
              .join('\n')
          if (field('data') !== '') yield { type: field('event') || 'message', data: field('data') }
        }
      }
    },
  }
}

/** `fact cure` of a problem+json (RFC 9457), and its list of faults. */
async function refusal(response: Response): Promise<CliError> {
  const problem = (await response.json().catch(() => null)) as {
    detail?: string
    title?: string
    cure?: string
    errors?: { pointer?: string; message?: string; line?: number; column?: number }[]
  } | null
  const faults = (problem?.errors ?? []).map((one) => {
    const where = one.line === undefined ? (one.pointer ?? '') : `${one.line}:${one.column ?? 1}`
    return `\n  ${where} ${one.message ?? ''}`
  })
  const told = [...new Set(faults)]
  const unauthorised =
    response.status === 401
      ? ' Set GUISE_TOKEN, or run as the user who started the server, with the same GUISE_HOME.'
      : ''
  const text =
    `${problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`} ${problem?.cure ?? ''}`.trim()
  return new CliError(`${text}${unauthorised}${told.join('')}`, 1, problem)
}

export function clientOf(command: Command): Client {
  const options = command.optsWithGlobals() as Options
  return createClient(options.server ?? process.env.GUISE_SERVER ?? 'http://127.0.0.1:7070', readToken())
}

function readToken(): string | null {
  if (process.env.GUISE_TOKEN !== undefined && process.env.GUISE_TOKEN !== '') return process.env.GUISE_TOKEN
  const home = process.env.GUISE_HOME ?? (process.getuid?.() === 0 ? '/var/lib/guise' : join(homedir(), '.guise'))
  try {
    return readFileSync(join(home, 'cli-token'), 'utf8').trim()
  } catch {
    return null
  }
}

/** Runs a command's action: errors become one sentence on stderr, or one line of JSON on stdout with --json. */
export function action<A extends unknown[]>(
  run: (...args: [...A, Command]) => Promise<void>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command
    const given = args.slice(0, -2).concat([command]) as [...A, Command]
    try {
      await run(...given)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      tellRefusal(isJson(command), error.message, error.problem)
      process.exitCode = error.exitCode
    }
  }
}

/** A program that asked for JSON gets it, whatever went wrong. */
export function tellRefusal(json: boolean, text: string, problem: unknown = null): void {
  if (json) process.stdout.write(`${terminalJson({ ok: false, error: text, problem })}\n`)
  else process.stderr.write(`guise: ${terminalText(text)}\n`)
}

export function isJson(command: Command): boolean {
  return (command.optsWithGlobals() as Options).json === true
}

/** One compact line of JSON with --json, else what `text` makes of it. */
export function print<T>(command: Command, value: T, text: (value: T) => string): void {
  process.stdout.write(
    isJson(command) ? `${terminalJson(value)}\n` : `${terminalText(text(value)).replace(/\n+$/, '')}\n`,
  )
}
