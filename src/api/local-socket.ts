/**
 * The second door: a unix socket (0600) for the agent on this machine. Who is at the other end is asked of the kernel
 * (SO_PEERCRED, unix(7)), not of the client: root or our own user may speak as any agent of the default tenant, and as
 * nothing else. A connection of anybody else is closed before a byte is read.
 */
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import koffi from 'koffi'

const SOL_SOCKET = 1
const SO_PEERCRED = 17

export type Peer = { readonly pid: number; readonly uid: number; readonly gid: number }

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number
let getsockopt: GetSockOpt | null = null

/** Null when the kernel does not say. */
export function peerOf(socket: Socket): Peer | null {
  const fd = (socket as Socket & { readonly _handle?: { readonly fd?: number } })._handle?.fd
  if (process.platform !== 'linux' || fd === undefined || fd < 0) return null
  getsockopt ??= koffi.load('libc.so.6').func('int getsockopt(int, int, int, void *, void *)') as GetSockOpt
  const value = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(12)
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0) return null
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) }
}

const localPeers = new WeakSet<object>()

export function isLocalPeer(socket: object): boolean {
  return localPeers.has(socket)
}

export type LocalListener = { readonly path: string; close(): Promise<void> }

/** `trusts` is asked about each peer; by default root and the user this process runs as. */
export async function listenLocal(
  app: FastifyInstance,
  path: string,
  trusts: (peer: Peer) => boolean = (peer) => peer.uid === 0 || peer.uid === process.getuid?.(),
): Promise<LocalListener> {
  await app.ready()
  await removeDead(path)
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => app.routing(request, response))
  server.keepAliveTimeout = 60_000
  server.prependListener('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    if (peer === null || !trusts(peer)) return void socket.destroy()
    localPeers.add(socket)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // The mode is set by the umask from the first moment: between listen and chmod anybody could connect.
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  } finally {
    process.umask(umask)
  }
  chmodSync(path, 0o600)
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** A socket file whose server died is in the way; one that answers belongs to a second instance. */
async function removeDead(path: string): Promise<void> {
  if (!existsSync(path)) return
  const alive = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  if (alive) throw new Error(`${path} is served by another Guise; stop that one or choose another --home`)
  rmSync(path)
}
