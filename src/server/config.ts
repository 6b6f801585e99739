/** What the server is told from outside: environment only, parsed once, every problem at once. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export type ServerConfig = {
  /** Everything this installation keeps; see "Files of an installation" in ARCHITECTURE.md. */
  readonly home: string
  readonly host: string
  readonly port: number
  /** Null = the embedded PostgreSQL under `home`. */
  readonly databaseUrl: string | null
  /** Names the console may be reached by, beside loopback: `https://guise.example`. */
  readonly publicOrigins: readonly string[]
  /** Replay the committed lab recording instead of live agents. */
  readonly replay: boolean
}

export function defaultHome(): string {
  return process.env.GUISE_HOME ?? (process.getuid?.() === 0 ? '/var/lib/guise' : join(homedir(), '.guise'))
}

export function serverConfig(env: NodeJS.ProcessEnv): ServerConfig {
  const problems: string[] = []
  const port = Number(env.GUISE_PORT ?? 7070)
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    problems.push(`GUISE_PORT is ${env.GUISE_PORT}; give a port from 1 to 65535`)
  const databaseUrl = env.GUISE_DATABASE_URL ?? null
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl))
    problems.push('GUISE_DATABASE_URL must begin with postgres:// or postgresql://')
  const publicOrigins = (env.GUISE_PUBLIC_ORIGINS ?? '').split(',').filter((origin) => origin !== '')
  for (const origin of publicOrigins)
    if (!URL.canParse(origin))
      problems.push(`GUISE_PUBLIC_ORIGINS: ${origin} is not an origin such as https://guise.example`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return {
    home: defaultHome(),
    host: env.GUISE_HOST ?? '127.0.0.1',
    port,
    databaseUrl,
    publicOrigins,
    replay: env.GUISE_REPLAY === '1',
  }
}
