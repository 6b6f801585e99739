/**
 * A real server with its own database in a home of its own, kept alive as `guise up` keeps it, and a client that asks again
 * with the same key until it knows the answer.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ServerSite } from '../../src/server/fault.ts'
import { until } from './range.ts'

const ROOT = new URL('../..', import.meta.url).pathname

type Answer = { readonly status: number; readonly body: unknown }

export type Installation = {
  /** `unix:` of it is where an agent finds the server. */
  readonly socket: string
  readonly serverPid: number
  readonly databasePid: number
  /** One request; throws when nobody answers. */
  ask(method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  get<T>(path: string): Promise<T>
  /** Until a definite answer: a lost connection and a 5xx are asked again, with the same headers. */
  insist(method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Whoever passes `site` kills the victim, once. */
  arm(site: ServerSite, victim: 'server' | 'database'): void
  disarm(): void
  readonly isArmed: boolean
  ready(withinMs: number): Promise<void>
  /** A clean stop and start: the launcher gives up on a database that died five times within a minute. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** `dir` is passed by the service user on its way to the home inside. */
export async function startInstallation(dir: string): Promise<Installation> {
  chmodSync(dir, 0o711)
  const home = join(dir, 'installation')
  const faults = join(dir, 'server-faults')
  mkdirSync(faults, { mode: 0o700 })
  // The server removes the file as the service user.
  chmodSync(faults, 0o777)
  const fault = join(faults, 'fault')
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const env = {
    ...process.env,
    GUISE_HOME: home,
    GUISE_HOST: '127.0.0.1',
    GUISE_PORT: String(port),
    GUISE_SERVER_FAULT: fault,
  }
  let leaving = false
  let child: ChildProcess
  const start = () => {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(ROOT, 'src/server.ts')], {
      env,
      stdio: ['ignore', 'ignore', process.env.GUISE_RANGE_LOG === '1' ? 'inherit' : 'ignore'],
    })
    child.once('exit', () => {
      if (!leaving) start()
    })
  }
  const token = () => readFileSync(join(home, 'cli-token'), 'utf8').trim()

  const ask: Installation['ask'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
  }
  const ready = (withinMs: number) =>
    until('the server is ready', withinMs, async () => {
      const answer = await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null)
      await answer?.body?.cancel()
      return answer?.status === 200
    })
  start()
  await ready(60_000)
  const databasePid = () => Number(readFileSync(join(home, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])
  return {
    socket: join(home, 'server.sock'),
    get serverPid() {
      return child.pid!
    },
    get databasePid() {
      return databasePid()
    },
    ask,
    async get<T>(path: string) {
      const { status, body } = await ask('GET', path)
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`)
      return body as T
    },
    async insist(method, path, body, headers) {
      let answer: Answer | null = null
      await until(`an answer to ${method} ${path}`, 60_000, async () => {
        answer = await ask(method, path, body, headers).catch(() => null)
        if (answer === null || answer.status >= 500) return false
        return (answer.body as { code?: string } | null)?.code !== 'key-in-use'
      })
      return answer!
    },
    arm(site, victim) {
      const pid = victim === 'server' ? 'self' : databasePid()
      writeFileSync(fault, `${site} ${pid}`)
    },
    disarm: () => rmSync(fault, { force: true }),
    get isArmed() {
      try {
        return readFileSync(fault).length > 0
      } catch {
        return false
      }
    },
    ready,
    async restart() {
      const old = child
      old.kill('SIGTERM')
      await once(old, 'exit')
      await ready(60_000)
    },
    async close() {
      leaving = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
