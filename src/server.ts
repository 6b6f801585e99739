/**
 * The composition root of the unprivileged side. As root it binds, loads everything and starts PostgreSQL, then becomes the
 * service user for good; nothing is imported or read from the clone after that, because that user may not be able to.
 */
import { chownSync, mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { uptime } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createApp } from './api/app.ts'
import { createEventHub } from './api/events.ts'
import { listenLocal } from './api/local-socket.ts'
import { DEFAULT_TENANT } from './model/ids.ts'
import { createSteadyClock } from './model/steady-clock.ts'
import type { Store } from './model/store.ts'
import { readBuiltins } from './server/builtins.ts'
import { type ServerConfig, serverConfig } from './server/config.ts'
import { readConsole } from './server/console-files.ts'
import { createControl } from './server/control.ts'
import { firstStart } from './server/first-start.ts'
import { readRecording, replay } from './server/replay.ts'
import { openAgentDoor, type RunningDoor } from './server/tls.ts'
import { openStore } from './store/database.ts'
import { serviceUser, startEmbedded } from './store/embedded.ts'

const ROOT = new URL('..', import.meta.url).pathname
/** EX_CONFIG of sysexits.h: said in a sentence, starting again will not help. */
const EX_CONFIG = 78

function refuse(sentence: string): never {
  process.stderr.write(`guise: ${sentence}\n`)
  process.exit(EX_CONFIG)
}

function readConfig(): ServerConfig {
  try {
    return serverConfig(process.env)
  } catch (error) {
    refuse((error as Error).message)
  }
}

async function main(): Promise<void> {
  const config = readConfig()
  const log = pino({ level: process.env.GUISE_LOG ?? 'warn' }, pino.destination(2))
  const clock = createSteadyClock(Date.now, () => uptime() * 1_000)
  const events = createEventHub({ clock })
  const builtins = readBuiltins(join(ROOT, 'examples'))
  const recording = config.replay ? await readRecording(join(ROOT, 'lab/recording')) : null
  let store: Store | null = null
  let ready = false
  let door: RunningDoor | null = null
  const control = createControl({
    store: () => store!,
    events,
    clock,
    log,
    tenant: DEFAULT_TENANT,
    home: config.home,
    controlPlane: () => door?.endpoints() ?? [],
  })
  const app = await createApp({
    store: () => (ready ? store : null),
    control,
    events,
    console: readConsole(join(ROOT, 'web/dist')),
    clock,
    log,
    tenantDefault: DEFAULT_TENANT,
    publicOrigins: config.publicOrigins,
    agentDoor: () => door?.door() ?? null,
    version: '0.1.0',
  })

  await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      refuse(`Port ${config.port} is taken by another program. Start with --port ${config.port + 1}.`)
    if (error.code === 'EACCES')
      refuse(`Port ${config.port} needs more rights than this user has. Start with --port 7070.`)
    if (error.code === 'EADDRNOTAVAIL')
      refuse(`${config.host} is not an address of this machine. Start with --host 127.0.0.1.`)
    throw error
  })

  // Before it becomes a user who may not write there.
  flushCompileCache()
  const user = serviceUser()
  try {
    mkdirSync(config.home, { recursive: true, mode: 0o711 })
    if (user !== null) chownSync(config.home, user.uid, user.gid)
  } catch (error) {
    refuse(
      `${config.home} cannot be written (${(error as NodeJS.ErrnoException).code}). Choose another data directory with --home DIR or GUISE_HOME.`,
    )
  }
  if (config.agentListen !== null) {
    door = await openAgentDoor({
      app,
      config: config.agentListen,
      names: [...config.publicOrigins.map((origin) => new URL(origin).hostname), config.host],
      keysDir: join(config.home, 'keys'),
      clock,
      log,
    }).catch((error: Error) => refuse(error.message))
  }
  const database =
    config.databaseUrl === null
      ? await startEmbedded({ home: config.home, log, gaveUp: () => process.exit(1) }).catch((error: Error) =>
          refuse(error.message),
        )
      : null
  const local = await listenLocal(app, join(config.home, 'server.sock'))
  if (user !== null) {
    process.setgroups?.([])
    process.setgid?.(user.gid)
    process.setuid?.(user.uid)
  }

  const leaving = new AbortController()
  const stop = async (): Promise<void> => {
    ready = false
    leaving.abort()
    await control.stop()
    await local.close()
    await door?.close()
    await app.close()
    await store?.close()
    await database?.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (leaving.signal.aborted) return
      void stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ error }, 'the server did not stop cleanly')
          process.exit(1)
        },
      )
    })
  }

  store = await openStore({ url: config.databaseUrl ?? database!.url, keysDir: join(config.home, 'keys'), clock })
  await firstStart({
    store,
    tenant: DEFAULT_TENANT,
    home: config.home,
    builtins,
    clock,
    origin: `http://${config.host}:${config.port}`,
  })
  await control.start()
  ready = true
  process.send?.('ready')
  if (recording !== null) {
    replay({
      recording,
      tenant: DEFAULT_TENANT,
      clock,
      signal: leaving.signal,
      agentReport: (agent, report) => control.agentReport(DEFAULT_TENANT, agent, report),
      desiredStream: (agent, signal) => control.desiredStream(DEFAULT_TENANT, agent, signal),
    }).catch((error: unknown) => {
      if (!leaving.signal.aborted) log.error({ error: String(error) }, 'the replay of the recording ended')
    })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`guise: the server could not start: ${error instanceof Error ? error.message : String(error)}\n`)
  if (process.env.GUISE_LOG !== undefined) console.error(error)
  process.exit(1)
})
