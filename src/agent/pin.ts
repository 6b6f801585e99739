/**
 * Whom the agent takes for its server. In: where it is and the fingerprint an administrator brought; out: the same server
 * with the one CA it is believed by, kept in the agent's home. Until the CA is found by that fingerprint and the server's
 * certificate is proven by it, nothing is sent, least of all a secret.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { type Server, trust } from './link.ts'

/** Starting again does not help against this. */
export class ServerRefused extends Error {}

/** The two handshakes of a first contact. */
export type Contact = {
  /** PEM of the CA of that fingerprint, as the server shows it. */
  findAuthority(url: URL, fingerprint: string): Promise<string>
  /** Rejects unless the server's certificate holds against it. */
  prove(url: URL, ca: string): Promise<void>
}

export const networkContact: Contact = { findAuthority, prove }

const CONTACT_MS = 10_000
const MAX_CHAIN = 10
const REACH = 'see that its server was started with --agent-listen and that this host may connect'
const HOW = 'guise token create --role agent --enrol --host NAME prints the command on the server'

/** Throws a sentence; `ServerRefused` when somebody has to do something first. */
export async function pinServer(
  home: string,
  server: Server,
  fingerprint: string | null,
  contact: Contact = networkContact,
): Promise<Server> {
  if ('socket' in server || server.url.protocol !== 'https:') return server
  const path = join(home, 'server-ca.pem')
  const kept = readKept(path)
  if (kept !== null && (fingerprint === null || fingerprintOf(kept.raw) === fingerprint))
    return { ...server, ca: kept.toString() }
  if (fingerprint === null)
    throw new ServerRefused(`${server.url.origin} is not known to this agent: --ca-fingerprint is missing; ${HOW}`)
  const ca = await contact.findAuthority(server.url, fingerprint)
  // Whoever made the contact: what is pinned is what the administrator named.
  if (fingerprintOf(new X509Certificate(ca).raw) !== fingerprint)
    throw new ServerRefused(`${server.url.origin}: the CA that was found is not the one that --ca-fingerprint names`)
  await contact.prove(server.url, ca)
  // Another CA is another server: what the one before gave us is not for its ears.
  if (kept !== null) rmSync(join(home, 'id'), { force: true })
  writeFileSync(`${path}.new`, ca, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return { ...server, ca }
}

function fingerprintOf(der: Buffer): string {
  return `sha256:${createHash('sha256').update(der).digest('hex')}`
}

function readKept(path: string): X509Certificate | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return new X509Certificate(text)
  } catch {
    throw new ServerRefused(`${path} is damaged; remove it and give --ca-fingerprint again. ${HOW}`)
  }
}

/** One handshake that believes nobody: the chain is taken from it and the connection is closed, unused. */
async function findAuthority(url: URL, fingerprint: string): Promise<string> {
  const chain = await handshake(url, { rejectUnauthorized: false }, (socket) =>
    chainOf(socket.getPeerCertificate(true)),
  )
  const found = chain.find(({ raw }) => fingerprintOf(raw) === fingerprint)
  if (found !== undefined) return new X509Certificate(found.raw).toString()
  const shown = chain.at(-1)
  throw new ServerRefused(
    `${url.origin} shows another CA (${shown === undefined ? 'none' : fingerprintOf(shown.raw)}) than --ca-fingerprint names. ` +
      `Nothing was sent. Either the command is old, then make a new one (${HOW}), or somebody is in between`,
  )
}

async function prove(url: URL, ca: string): Promise<void> {
  await handshake(url, trust(ca), () => null).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      throw new ServerRefused(
        `the certificate of ${url.origin} is not for ${url.hostname}. Name it in the server's GUISE_PUBLIC_ORIGINS, or use the address that its command printed`,
      )
    if (/CERT|SIGNATURE|ISSUER/.test(error.code ?? ''))
      throw new ServerRefused(
        `the certificate of ${url.origin} does not hold against its CA (${error.code}). Look at the server's clock and GUISE_TLS_CERT`,
      )
    throw error
  })
}

function handshake<T>(url: URL, options: ConnectionOptions, look: (socket: TLSSocket) => T): Promise<T> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(url.port) || 443,
      minVersion: 'TLSv1.3',
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...options,
    })
    socket.setTimeout(CONTACT_MS, () => socket.destroy(new Error(`${url.origin} did not answer in ${CONTACT_MS} ms`)))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.syscall === 'connect' || error.syscall === 'getaddrinfo'
          ? new Error(`${url.origin} cannot be reached (${error.code}): ${REACH}; it is tried again`)
          : error,
      ),
    )
    socket.once('secureConnect', () => {
      try {
        resolve(look(socket))
      } catch (error) {
        reject(error)
      } finally {
        socket.destroy()
      }
    })
  })
}

/** As the peer sent it; a self-signed certificate is its own issuer. */
function chainOf(leaf: DetailedPeerCertificate): { readonly raw: Buffer }[] {
  const chain: DetailedPeerCertificate[] = []
  for (let at: DetailedPeerCertificate | undefined = leaf; at?.raw !== undefined; at = at.issuerCertificate) {
    if (chain.includes(at) || chain.length >= MAX_CHAIN) break
    chain.push(at)
  }
  return chain
}
