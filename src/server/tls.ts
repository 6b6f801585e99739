/**
 * Agents of other hosts come in over TLS. In: where to listen, and either a certificate given as files or our own CA; out:
 * the running listener and what to tell an agent. The certificate is looked at again every day: read anew, or issued anew.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { type AgentDoor, listenAgents, type ShownCertificate } from '../api/agent-door.ts'
import { loadAuthority } from './authority.ts'
import type { AgentListenConfig } from './config.ts'

export type TlsDeps = {
  readonly app: FastifyInstance
  readonly config: AgentListenConfig
  /** Names and addresses it is reached by, beside where it listens and loopback. */
  readonly names: readonly string[]
  readonly keysDir: string
  readonly clock: () => number
  readonly log: { warn(detail: object, text: string): void }
}

export type RunningDoor = {
  door(): AgentDoor
  /** Where hosts reach us; no plan may cut that off. */
  endpoints(): { readonly cidr: string; readonly port: number }[]
  readonly port: number
  renew(): Promise<void>
  close(): Promise<void>
}

const DAY_MS = 86_400_000
const WILDCARDS = new Set(['0.0.0.0', '::'])
/** Of no use to another host. */
const HERE = new Set([...WILDCARDS, 'localhost', '127.0.0.1', '::1', '[::1]'])

/** Throws a sentence with its cure: nothing in it gets better by starting again. */
export async function openAgentDoor(deps: TlsDeps): Promise<RunningDoor> {
  const { config, clock } = deps
  const names = () => namesOf(config.host, deps.names)
  const certificate = await certificateSource(deps, names)
  let shown = await certificate()
  const listener = await listenAgents(deps.app, config, shown).catch((error: NodeJS.ErrnoException) => {
    throw new Error(listenProblem(error, config), { cause: error })
  })
  const renew = async () => {
    shown = await certificate()
    listener.show(shown)
  }
  const timer = setInterval(() => {
    renew().catch((error: Error) =>
      deps.log.warn({ error: error.message, at: clock() }, 'the certificate for agents stays as it was'),
    )
  }, DAY_MS)
  timer.unref()
  const [reached] = WILDCARDS.has(config.host)
    ? [...deps.names.filter((name) => !HERE.has(name)), ...ownAddresses(), hostname()]
    : [config.host]
  const authority = `${isIP(reached!) === 6 ? `[${reached}]` : reached}:${listener.port}`
  return {
    door: () => ({ url: `https://${authority}`, caFingerprint: fingerprintOf(chainOf(shown.cert).at(-1)!) }),
    endpoints: () =>
      (WILDCARDS.has(config.host) ? ownAddresses() : [config.host])
        .filter((address) => isIP(address) !== 0)
        .map((address) => ({ cidr: `${address}/${isIP(address) === 4 ? 32 : 128}`, port: listener.port })),
    port: listener.port,
    renew,
    async close() {
      clearInterval(timer)
      await listener.close()
    },
  }
}

async function certificateSource(
  { config, keysDir, clock }: TlsDeps,
  names: () => string[],
): Promise<() => Promise<ShownCertificate>> {
  const { files } = config
  if (files !== null) return async () => readCertificate(files, clock())
  const authority = await loadAuthority(keysDir, clock)
  return () => authority.issue(names())
}

/** A chain and its key from PEM files; throws a sentence when they do not fit or are over. */
function readCertificate(files: { readonly cert: string; readonly key: string }, now: number): ShownCertificate {
  const read = (variable: string, path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      throw new Error(`${variable} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); give a PEM file`)
    }
  }
  const [cert, key] = [read('GUISE_TLS_CERT', files.cert), read('GUISE_TLS_KEY', files.key)]
  const [leaf] = chainOf(cert)
  if (leaf === undefined) throw new Error(`GUISE_TLS_CERT ${files.cert} holds no certificate; give a PEM chain`)
  if (Date.parse(leaf.validTo) <= now)
    throw new Error(`the certificate in ${files.cert} expired at ${leaf.validTo}; renew it`)
  let fits = false
  try {
    fits = leaf.checkPrivateKey(createPrivateKey(key))
  } catch {}
  if (!fits) throw new Error(`${files.key} is not the key of the first certificate in ${files.cert}; give the pair`)
  return { key, cert }
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function chainOf(text: string): X509Certificate[] {
  try {
    return (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem))
  } catch {
    return []
  }
}

function fingerprintOf(certificate: X509Certificate): string {
  return `sha256:${createHash('sha256').update(certificate.raw).digest('hex')}`
}

function namesOf(host: string, more: readonly string[]): string[] {
  const listening = WILDCARDS.has(host) ? [hostname(), ...ownAddresses()] : [host]
  const all = [...listening, ...more, 'localhost', '127.0.0.1', '::1'].map((name) => name.replace(/^\[|\]$/g, ''))
  return [...new Set(all)].filter((name) => !WILDCARDS.has(name) && /^[A-Za-z0-9.:*-]{1,253}$/.test(name))
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: AgentListenConfig): string {
  if (error.code === 'EADDRINUSE')
    return `Port ${port} for agents is taken by another program. Start with --agent-listen ${host}:${port + 1}.`
  if (error.code === 'EACCES')
    return `Port ${port} for agents needs more rights than this user has. Start with --agent-listen ${host}:7443.`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return `${host} is not an address of this machine. Give --agent-listen one of its own, or 0.0.0.0:${port} for all.`
  return `Agents cannot be listened for at ${host}:${port} (${error.code ?? error.message}). Give another --agent-listen.`
}
