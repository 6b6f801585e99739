/** What the server is told from outside: environment only, parsed once, every problem at once. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A second listener, for agents on other hosts. */
export type AgentListenConfig = {
  readonly host: string
  readonly port: number
  /** PEM files to show instead of a certificate of our own CA. */
  readonly files: { readonly cert: string; readonly key: string } | null
}

export type ServerConfig = {
  /** Everything this installation keeps; see "Files of an installation" in ARCHITECTURE.md. */
  readonly home: string
  readonly host: string
  readonly port: number
  /** Null = the embedded PostgreSQL under `home`. */
  readonly databaseUrl: string | null
  /** Names the console may be reached by, beside loopback: `https://guise.example`. */
  readonly publicOrigins: readonly string[]
  /** Null = no agent of another host is listened for. */
  readonly agentListen: AgentListenConfig | null
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
  const agentListen = agentListenConfig(env, problems)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return {
    home: defaultHome(),
    host: env.GUISE_HOST ?? '127.0.0.1',
    port,
    databaseUrl,
    publicOrigins,
    agentListen,
    replay: env.GUISE_REPLAY === '1',
  }
}

/** `HOST:PORT`, `[V6]:PORT`; 0 takes any free port. */
const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/

function agentListenConfig(env: NodeJS.ProcessEnv, problems: string[]): AgentListenConfig | null {
  const { GUISE_AGENT_LISTEN: listen = '', GUISE_TLS_CERT: cert = '', GUISE_TLS_KEY: key = '' } = env
  if ((cert === '') !== (key === '')) problems.push('GUISE_TLS_CERT and GUISE_TLS_KEY go together; give both or none')
  if (listen === '') return null
  const [, v6, name, digits] = LISTEN.exec(listen) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    problems.push(`GUISE_AGENT_LISTEN is ${listen}; give HOST:PORT such as 0.0.0.0:7443`)
    return null
  }
  return { host, port, files: cert === '' || key === '' ? null : { cert, key } }
}
