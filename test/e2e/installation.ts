/** A whole installation for end-to-end tests: `guise up` in a home of its own, and the ways a person talks to it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = new URL('../..', import.meta.url).pathname
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
const run = promisify(execFile)

export type Installation = AsyncDisposable & {
  readonly home: string
  readonly base: string
  readonly process: ChildProcess
  /** Everything it wrote so far. */
  output(): string
  /** The command line, as a person would call it; stdout. Fails with what it wrote to stderr. */
  guise(...args: string[]): Promise<string>
  json<T>(...args: string[]): Promise<T>
  get<T>(path: string): Promise<T>
}

/** A port nobody has now; a race is possible and shows as the one-sentence refusal. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

export async function install(options: { readonly lab: 'with-lab' | 'alone' }): Promise<Installation> {
  const home = mkdtempSync(join(tmpdir(), 'guise-e2e-'))
  chmodSync(home, 0o711)
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const env = { ...process.env, GUISE_HOME: join(home, 'data'), GUISE_SERVER: base, GUISE_LAB_DIR: join(home, 'lab') }
  const args = ['src/cli/main.ts', 'up', '--port', String(port), ...(options.lab === 'with-lab' ? ['--lab'] : [])]
  const child = spawn(NODE[0], [NODE[1], ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))

  const guise = async (...words: string[]): Promise<string> => {
    const { stdout } = await run(NODE[0], [NODE[1], 'src/cli/main.ts', ...words], {
      cwd: ROOT,
      env,
      maxBuffer: 64 << 20,
    })
    return stdout
  }
  const installation: Installation = {
    home: env.GUISE_HOME,
    base,
    process: child,
    output: () => output,
    guise,
    json: async <T>(...words: string[]) => JSON.parse(await guise(...words, '--json')) as T,
    async get<T>(path: string) {
      const token = readFileSync(join(env.GUISE_HOME, 'cli-token'), 'utf8').trim()
      const answer = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } })
      if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as T
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(home, { recursive: true, force: true })
    },
  }
  await until('the server answers ready', 60_000, async () => {
    if (child.exitCode !== null) throw new Error(`guise up ended: ${output}`)
    const answer = await fetch(`${base}/healthz`).catch(() => null)
    return answer?.status === 200
  })
  return installation
}

/** Waits for a condition, with a bound; the failure says which and what was seen last. */
export async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  let last = ''
  while (performance.now() - began < withinMs) {
    try {
      if (await holds()) return performance.now() - began
      last = 'not yet'
    } catch (error) {
      last = String(error)
      if (last.includes('guise up ended')) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not within ${withinMs} ms (${last})`)
}

/** What the host's own network namespace holds: nothing of ours may change it. */
export async function hostNetwork(): Promise<string> {
  const read = async (command: string, args: string[]) =>
    (await run(command, args).catch((e: { stderr?: string }) => ({ stdout: `failed: ${e.stderr}` }))).stdout
  const parts = await Promise.all([
    read('nft', ['list', 'ruleset']),
    read('ip', ['-o', 'addr']),
    read('ip', ['route', 'show', 'table', 'all']),
    read('ip', ['rule']),
    read('tc', ['qdisc']),
    read('sysctl', ['-a', '--pattern', '^net\\.(ipv4|ipv6|netfilter|core|bridge)']),
  ])
  // Lifetimes and counters that move by themselves are not configuration.
  return parts
    .join('\n---\n')
    .replace(/(valid_lft|preferred_lft|expires) \S+/g, '$1 X')
    .replace(/^.*(nf_conntrack_count|random\.|\.hz|tcp_fastopen_key|dev-info|entropy).*$/gm, '')
}
