/**
 * A UDP port read many datagrams at a time: recvmmsg(2) into one reused buffer, called from the event loop at a pace. Node's
 * dgram costs 8 to 12 µs a datagram, nearly all of it wake-ups and objects per datagram; here a call brings up to 64 for
 * about 1 µs each. There is no SO_REUSEPORT, by reasoning, not by a comparison: reading and decoding take a small part of a
 * flow's time (`bench -- ingest`; pairing and scoring take the rest), so more readers would wait for the same scorer, and
 * they would split an exporter's templates and sequence between them.
 */
import { closeSync } from 'node:fs'
import koffi from 'koffi'
import { isV4, parseAddress, type Words } from '../../model/address.ts'
import type { Visit, Wire, WireOptions } from './wire.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVBUFFORCE = 33
/** socket(7) and linux/sock_diag.h: nine words of memory figures, the last one what was dropped for want of room. */
const SO_MEMINFO = 55
const MEMINFO = { queued: 0, bufferBytes: 1, drops: 8 } as const
const MSG_DONTWAIT = 0x40
const MSG_TRUNC = 0x20
const EAGAIN = 11
const EINTR = 4

/** Datagrams per call. */
const DATAGRAMS = 64
/** The largest UDP payload is 65,507 bytes; 192 more, or every slot would begin in the same sets of the CPU's caches. */
const SLOT_BYTES = 65_536 + 192
/** struct mmsghdr of 64-bit Linux, x86-64 and arm64 alike (socket.h): msghdr of 56 bytes, msg_len, padding. */
const HEADER = { bytes: 64, name: 0, nameLength: 8, iov: 16, iovLength: 24, flags: 48, length: 56 } as const
const NAME_BYTES = 28
const IOV_BYTES = 16

type Libc = {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Buffer, length: number): number
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number
  getsockopt(fd: number, level: number, option: number, value: Buffer, length: Buffer): number
  getsockname(fd: number, address: Buffer, length: Buffer): number
  recvmmsg(fd: number, headers: Buffer, n: number, flags: number, timeout: null): number
}
let loaded: Libc | null = null
function libc(): Libc {
  if (loaded !== null) return loaded
  const lib = koffi.load('libc.so.6')
  loaded = {
    socket: lib.func('int socket(int, int, int)'),
    bind: lib.func('int bind(int, void *, uint)'),
    setsockopt: lib.func('int setsockopt(int, int, int, void *, uint)'),
    getsockopt: lib.func('int getsockopt(int, int, int, void *, void *)'),
    getsockname: lib.func('int getsockname(int, void *, void *)'),
    recvmmsg: lib.func('int recvmmsg(int, void *, uint, int, void *)'),
  }
  return loaded
}

/** Whether this machine can: 64-bit little-endian Linux with a C library that koffi finds. */
export function hasManyAtOnce(): boolean {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return false
  try {
    libc()
    return true
  } catch {
    return false
  }
}

/** Throws a sentence with the cure when the port cannot be had. */
export function openUdpSocket(options: WireOptions): Wire {
  const words = parseAddress(options.address)
  if (words === null)
    throw new Error(`${options.address} is no address to listen on; give 0.0.0.0, :: or one of its own`)
  const fd = libc().socket(isV4(words) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new Error(`no UDP socket could be opened (errno ${koffi.errno()})`)
  grow(fd, options.bufferBytes)
  const name = socketName(words, options.port)
  if (libc().bind(fd, name, name.length) < 0) {
    const errno = koffi.errno()
    closeSync(fd)
    throw new Error(bindError(options, errno))
  }
  const ring = createRing()
  const info = Buffer.alloc(9 * 4)
  const infoLength = Buffer.alloc(4)
  let isOpen = true
  let dropped = 0
  const look = () => {
    if (!isOpen) return
    infoLength.writeUInt32LE(info.length)
    if (libc().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, infoLength) < 0) return
    dropped = info.readUInt32LE(MEMINFO.drops * 4)
  }
  return {
    kind: 'recvmmsg',
    port: boundPort(fd),
    get bufferBytes() {
      look()
      return info.readUInt32LE(MEMINFO.bufferBytes * 4)
    },
    get dropped() {
      look()
      return dropped
    },
    drain(visit) {
      if (!isOpen) return { datagrams: 0, isEmpty: true }
      const n = libc().recvmmsg(fd, ring.headers, DATAGRAMS, MSG_DONTWAIT, null)
      if (n < 0) {
        const errno = koffi.errno()
        if (errno === EAGAIN || errno === EINTR) return { datagrams: 0, isEmpty: true }
        throw new Error(`reading UDP port ${options.port} failed (errno ${errno})`)
      }
      for (let i = 0; i < n; i++) ring.give(i, visit)
      ring.renew(n)
      return { datagrams: n, isEmpty: n < DATAGRAMS }
    },
    close() {
      look()
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

type Ring = {
  readonly headers: Buffer
  give(i: number, visit: Visit): void
  /** The kernel wrote how long each name was: its room is told anew. */
  renew(n: number): void
}

function createRing(): Ring {
  const data = Buffer.allocUnsafeSlow(DATAGRAMS * SLOT_BYTES)
  const names = Buffer.allocUnsafeSlow(DATAGRAMS * NAME_BYTES)
  const iovs = Buffer.allocUnsafeSlow(DATAGRAMS * IOV_BYTES)
  const headers = Buffer.allocUnsafeSlow(DATAGRAMS * HEADER.bytes).fill(0)
  const [dataAt, namesAt, iovsAt] = [koffi.address(data), koffi.address(names), koffi.address(iovs)]
  for (let i = 0; i < DATAGRAMS; i++) {
    iovs.writeBigUInt64LE(dataAt + BigInt(i * SLOT_BYTES), i * IOV_BYTES)
    iovs.writeBigUInt64LE(BigInt(SLOT_BYTES), i * IOV_BYTES + 8)
    const header = i * HEADER.bytes
    headers.writeBigUInt64LE(namesAt + BigInt(i * NAME_BYTES), header + HEADER.name)
    headers.writeUInt32LE(NAME_BYTES, header + HEADER.nameLength)
    headers.writeBigUInt64LE(iovsAt + BigInt(i * IOV_BYTES), header + HEADER.iov)
    headers.writeBigUInt64LE(1n, header + HEADER.iovLength)
  }
  const words32 = new Int32Array(headers.buffer, headers.byteOffset, headers.length / 4)
  const sender = new Uint32Array(4)
  // What koffi was told the addresses of must outlive the calls.
  const kept = { names, iovs }
  return {
    headers,
    give(i, visit) {
      const header = (i * HEADER.bytes) / 4
      const length = words32[header + HEADER.length / 4]!
      readName(kept.names, i * NAME_BYTES, sender)
      const from = i * SLOT_BYTES
      if ((words32[header + HEADER.flags / 4]! & MSG_TRUNC) === 0) visit(data, from, from + length, sender)
    },
    renew(n) {
      for (let i = 0; i < n; i++) words32[(i * HEADER.bytes + HEADER.nameLength) / 4] = NAME_BYTES
    },
  }
}

function readName(names: Buffer, at: number, out: Uint32Array): void {
  if (names.readUInt16LE(at) === AF_INET) {
    out[0] = 0
    out[1] = 0
    out[2] = 0xffff
    out[3] = names.readUInt32BE(at + 4)
  } else for (let word = 0; word < 4; word++) out[word] = names.readUInt32BE(at + 8 + word * 4)
}

/** struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)). */
function socketName(words: Words, port: number): Buffer {
  const v4 = isV4(words)
  const name = Buffer.alloc(v4 ? 16 : NAME_BYTES)
  name.writeUInt16LE(v4 ? AF_INET : AF_INET6, 0)
  name.writeUInt16BE(port, 2)
  if (v4) name.writeUInt32BE(words[3], 4)
  else for (let word = 0; word < 4; word++) name.writeUInt32BE(words[word]!, 8 + word * 4)
  return name
}

function boundPort(fd: number): number {
  const name = Buffer.alloc(NAME_BYTES)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(NAME_BYTES)
  libc().getsockname(fd, name, length)
  return name.readUInt16BE(2)
}

/** As root past net.core.rmem_max, else up to it. */
function grow(fd: number, bytes: number): void {
  const size = Buffer.alloc(4)
  size.writeInt32LE(bytes)
  if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0)
    libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4)
}

function bindError({ address, port }: WireOptions, errno: number): string {
  const place = `${address}:${port}`
  if (errno === koffi.os.errno.EADDRINUSE)
    return `${place} is taken by another program; stop that (ss -lunp), or listen elsewhere`
  if (errno === koffi.os.errno.EADDRNOTAVAIL)
    return `${address} is not an address of this machine; use 0.0.0.0 or one of its own`
  if (errno === koffi.os.errno.EACCES) return `${place} needs more rights than this user has; use a port above 1023`
  return `${place} cannot be listened on (errno ${errno})`
}
