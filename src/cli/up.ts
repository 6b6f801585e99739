/**
 * `guise up` (and `npm start`): everything on one machine. Starts the server, then either the lab with its agent (root)
 * or the replay of the committed recording, says where the console is, and takes all of it down again on SIGINT or SIGTERM.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Command } from 'commander'
import { labDown } from '../../lab/down.ts'
import { labUp } from '../../lab/up.ts'
import { enforcementMissing } from '../server/capable.ts'
import { defaultHome } from '../server/config.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning']

type UpOptions = {
  readonly lab?: true
  readonly port: string
  readonly host: string
  readonly agentListen?: string
  readonly home?: string
  readonly yes?: true
}

/** Tests run their own lab beside another one. */
const prefix = process.env.GUISE_LAB_PREFIX === undefined ? {} : { prefix: process.env.GUISE_LAB_PREFIX }

const say = (line: string) => process.stderr.write(`${line}\n`)

export function register(program: Command): void {
  program
    .command('up')
    .description('run the server here, and with --lab the lab network and its agent')
    .option('--lab', 'bring the lab up (root); without root its recording is replayed')
    .option('--port <port>', 'port of the console and the API', process.env.GUISE_PORT ?? '7070')
    .option('--host <address>', 'address to listen on', process.env.GUISE_HOST ?? '127.0.0.1')
    .option(
      '--agent-listen <host:port>',
      'listen for agents on other hosts, over TLS (GUISE_AGENT_LISTEN; a certificate of yours: GUISE_TLS_CERT, GUISE_TLS_KEY)',
    )
    .option('--home <dir>', 'data directory (GUISE_HOME)')
    .option('--yes', 'install what is missing without asking')
    .action(up)
}

async function up(options: UpOptions): Promise<void> {
  const home = options.home ?? defaultHome()
  const missing = enforcementMissing()
  const live = options.lab === true && missing === null
  if (options.lab === true && missing !== null) {
    say(`No live enforcement: ${missing}. The lab's recording is replayed instead; everything else works.`)
  }
  const env = {
    ...process.env,
    GUISE_HOME: home,
    GUISE_HOST: options.host,
    GUISE_PORT: options.port,
    ...(options.agentListen === undefined ? {} : { GUISE_AGENT_LISTEN: options.agentListen }),
    ...(options.lab === true && !live ? { GUISE_REPLAY: '1' } : {}),
  }
  const leaving = new AbortController()
  const left = once(leaving.signal, 'abort').then(() => null)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => leaving.abort())

  const server = keep('server', ['src/server.ts'], env, leaving.signal)
  const base = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
  const failed = await Promise.race([server.ready, server.gaveUp, left])
  if (failed !== null || leaving.signal.aborted) {
    if (failed !== null) process.exitCode = 1
    leaving.abort()
    await server.ended
    return
  }

  const agent = live ? await startLab(home, env, leaving.signal).catch(labFailed(leaving)) : null
  if (!leaving.signal.aborted) {
    say(`Console: ${base}/ui/   (first sign-in: the link above; later: guise token create)`)
    if (agent !== null) say('Try: bin/guise lab attack exfil   then   bin/guise get workloads')
  }

  const reason = await Promise.race([left, server.gaveUp, ...(agent === null ? [] : [agent.gaveUp])])
  if (reason !== null) process.exitCode = 1
  leaving.abort()
  say('Taking everything down…')
  if (agent !== null) await agent.ended
  if (live) await labDown(prefix)
  await server.ended
}

/** A lab cut short by Ctrl-C is no failure; what there is of it is taken down with the rest. */
function labFailed(leaving: AbortController): (error: Error) => null {
  return (error) => {
    if (!leaving.signal.aborted) {
      say(`guise: ${error.message}`)
      process.exitCode = 1
    }
    leaving.abort()
    return null
  }
}

async function startLab(home: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Kept | null> {
  say('Bringing the lab up: a router and its workloads, all in network namespaces of their own.')
  // A lab that an earlier run could not take down (kill -9) is taken down first: it is ours by its prefix and pid files.
  await labDown(prefix)
  const lab = await labUp({ ...prefix, seed: 1 })
  return keep(
    'agent',
    [
      'src/cli/main.ts',
      'agent',
      '--inventory',
      lab.inventory,
      '--netns',
      lab.router,
      '--mode',
      'enforce',
      '--server',
      `unix:${join(home, 'server.sock')}`,
      '--home',
      `${home}-agent`,
      '--id',
      'lab',
      // A new database is a new control plane; on this machine it is always ours.
      '--adopt',
    ],
    env,
    signal,
  )
}

type Kept = {
  /** Resolves when the child says so. Not asked over the port: another program may be the one that answers there. */
  readonly ready: Promise<null>
  /** Resolves with a reason when the child died five times within a minute. */
  readonly gaveUp: Promise<string>
  readonly ended: Promise<void>
}

/** Runs one of our processes and starts it again when it dies, until told to leave. */
function keep(name: string, args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Kept {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<string>()
  const { promise: ready, resolve: isReady } = Promise.withResolvers<null>()
  const deaths: number[] = []
  let child: ChildProcess | null = null
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      child = spawn(process.execPath, [...NODE_FLAGS, ...args], {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      child.once('message', () => isReady(null))
      const [code] = (await once(child, 'exit')) as [number | null]
      if (signal.aborted) return
      // 78 = EX_CONFIG (sysexits.h): the child has said in a sentence what is wrong, and again will not help.
      if (code === 78) return giveUp(`${name} could not start`)
      const now = performance.now()
      deaths.push(now)
      if (deaths.filter((at) => now - at < 60_000).length >= 5) {
        say(`The ${name} died five times within a minute; giving up.`)
        return giveUp(`${name} keeps dying`)
      }
      say(`The ${name} ended unexpectedly (${code ?? 'killed'}); starting it again.`)
    }
  }
  signal.addEventListener('abort', () => child?.kill('SIGTERM'))
  return { ready, gaveUp, ended: run() }
}
