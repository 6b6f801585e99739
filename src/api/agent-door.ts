/**
 * The third door: TLS 1.3 for agents on other hosts. In: the certificate to show; out: a listener whose requests reach the
 * same routes, marked, so that the gate answers nothing there but what agents need. Who speaks is proven by a bearer token.
 */
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** What somebody must know to send an agent here: where, and `sha256:HEX` of the CA it is to accept. */
export type AgentDoor = { readonly url: string; readonly caFingerprint: string }
/** PEM; `cert` is the whole chain with its CA last, because agents fetch the CA from the handshake. */
export type ShownCertificate = { readonly key: string; readonly cert: string }

export type AgentListener = {
  readonly port: number
  /** New connections get this one; those there are stay. */
  show(certificate: ShownCertificate): void
  close(): Promise<void>
}

const HANDSHAKE_MS = 10_000
const MAX_CONNECTIONS = 10_000
const VERSION = { minVersion: 'TLSv1.3' } as const
const throughDoor = new WeakSet<object>()

export function isThroughAgentDoor(socket: object): boolean {
  return throughDoor.has(socket)
}

/** Rejects with the system's error when it cannot listen there. */
export async function listenAgents(
  app: FastifyInstance,
  where: { readonly host: string; readonly port: number },
  certificate: ShownCertificate,
): Promise<AgentListener> {
  await app.ready()
  const sockets = new Set<Socket>()
  const options = { ...certificate, ...VERSION, handshakeTimeout: HANDSHAKE_MS, requestTimeout: 60_000 }
  const server = createServer(options, (request, response) => app.routing(request, response))
  server.keepAliveTimeout = 60_000
  server.maxConnections = MAX_CONNECTIONS
  server.prependListener('secureConnection', (socket: Socket) => void throughDoor.add(socket))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(where.port, where.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    show: (next) => server.setSecureContext({ ...next, ...VERSION }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
