/**
 * One raw netlink socket (netlink(7), RFC 3549): the primitive behind conntrack events, sock_diag and nft set elements.
 * koffi makes and binds the socket; reading and writing are plain read(2) and write(2) on its descriptor, so the event
 * loop is served by libuv's threads and an ack can also be awaited without leaving the turn.
 */
import { closeSync, read, readSync, write, writeSync } from 'node:fs'
import koffi from 'koffi'
import { type Message, messages } from './message.ts'

export const Family = { route: 0, sockDiag: 4, connector: 11, netfilter: 12 } as const

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_SNDBUFFORCE = 32
const SO_RCVBUF = 8
const SO_RCVBUFFORCE = 33
const SO_RCVTIMEO = 20
const SOL_NETLINK = 270
const NETLINK_NO_ENOBUFS = 5
const NETLINK_LISTEN_ALL_NSID = 8
const NETLINK_CAP_ACK = 10
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const EINTR = 4
const EAGAIN = 11
const ENOBUFS = 105

const BUFFER_BYTES = 1 << 18
/** No datagram of the kernel is larger (NLMSG_GOODSIZE, netlink_dump's 32 kB). */
const ROOM_BYTES = 1 << 15

type Libc = {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Buffer, length: number): number
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number
  recv(fd: number, into: Buffer, length: number, flags: number): number
}
let loaded: Libc | null = null
function libc(): Libc {
  if (loaded !== null) return loaded
  const lib = koffi.load('libc.so.6')
  loaded = {
    socket: lib.func('int socket(int, int, int)'),
    bind: lib.func('int bind(int, void *, uint)'),
    setsockopt: lib.func('int setsockopt(int, int, int, void *, uint)'),
    recv: lib.func('intptr_t recv(int, void *, size_t, int)'),
  }
  return loaded
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32LE(value)
  return buffer
}

/** The kernel refused: `errno` as a positive number. */
export class NetlinkError extends Error {
  readonly errno: number
  constructor(attempted: string, errno: number) {
    super(`${attempted}: netlink errno ${errno}`)
    this.errno = errno
  }
}

export class NetlinkSocket {
  /** Times the kernel told us that it dropped messages (ENOBUFS): the reader must dump to reconcile. */
  overruns = 0
  readonly #fd: number
  readonly #buffer: Buffer
  #open = true
  #sendBytes = 100_000
  #sequence = 1

  /**
   * `groups` is the legacy bit mask of multicast groups (netlink(7)); `bufferBytes` the socket's receive buffer;
   * `waitMs` how long a read waits for a datagram; `peers` hears the groups of every namespace that a link of ours leads
   * to, too (netlink(7)).
   */
  constructor(
    family: number,
    options: {
      readonly groups?: number
      readonly bufferBytes?: number
      readonly waitMs?: number
      readonly peers?: true
    } = {},
  ) {
    const fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family)
    if (fd < 0) throw new NetlinkError(`open a netlink socket (family ${family})`, koffi.errno())
    this.#fd = fd
    this.#buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    const address = Buffer.alloc(12)
    address.writeUInt16LE(AF_NETLINK, 0)
    address.writeUInt32LE(options.groups ?? 0, 8)
    if (libc().bind(fd, address, 12) < 0) {
      const errno = koffi.errno()
      closeSync(fd)
      throw new NetlinkError('bind a netlink socket', errno)
    }
    if (options.bufferBytes !== undefined) {
      const size = int(options.bufferBytes)
      if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0)
        libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4)
    }
    // A refusal repeats the header of what was refused, not all of it.
    libc().setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, int(1), 4)
    // A blocked read must come back now and then, or close() could not end it.
    const timeout = Buffer.alloc(16)
    timeout.writeBigInt64LE(0n, 0)
    timeout.writeBigInt64LE(BigInt((options.waitMs ?? 300) * 1_000), 8)
    libc().setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16)
    libc().setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, int(0), 4)
    if (options.peers === true) libc().setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, int(1), 4)
  }

  get isOpen(): boolean {
    return this.#open
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0
    return this.#sequence
  }

  send(bytes: Buffer): void {
    this.#makeRoom(bytes.length)
    writeSync(this.#fd, bytes)
  }

  /** The same on a thread of libuv's pool: the kernel works through a large batch before the call returns. */
  sendAway(bytes: Buffer): Promise<void> {
    this.#makeRoom(bytes.length)
    return new Promise((resolve, reject) => {
      write(this.#fd, bytes, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** A message must fit into the send buffer whole; beyond the system's bound that takes CAP_NET_ADMIN. */
  #makeRoom(bytes: number): void {
    if (bytes <= this.#sendBytes) return
    this.#sendBytes = bytes * 2
    libc().setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, int(this.#sendBytes), 4)
  }

  /** The next datagram's messages; an empty list after an overrun or a quiet third of a second; null once closed. The payloads are views, valid until the next call. */
  async receive(): Promise<Message[] | null> {
    if (!this.#open) return null
    const length = await new Promise<number>((resolve, reject) => {
      read(this.#fd, this.#buffer, 0, this.#buffer.length, null, (error, n) => {
        if (error === null) resolve(n)
        else if (error.code === 'EAGAIN' || error.code === 'EINTR') resolve(0)
        else if (error.code === 'ENOBUFS') {
          this.overruns++
          resolve(0)
        } else if (!this.#open) resolve(0)
        else reject(error)
      })
    })
    if (!this.#open) return null
    return messages(this.#buffer.subarray(0, length))
  }

  /**
   * As `receive`, of as many datagrams as have come by now: a read on another thread costs more than all that is done with
   * one event, so whoever is told a thousand a second lets them gather. Waits only when there is none.
   */
  async receiveMany(): Promise<Message[] | null> {
    if (!this.#open) return null
    const there = this.#takeWhatIsThere()
    return there.length > 0 ? there : this.receive()
  }

  /** What has come by now, some datagrams at most; empty when there is nothing. Never waits. */
  receiveThere(): Message[] {
    return this.#open ? this.#takeWhatIsThere() : []
  }

  #takeWhatIsThere(): Message[] {
    const found: Message[] = []
    for (let from = 0; from + ROOM_BYTES <= BUFFER_BYTES; ) {
      const room = this.#buffer.subarray(from)
      const length = libc().recv(this.#fd, room, room.length, MSG_DONTWAIT | MSG_TRUNC)
      if (length < 0) {
        const errno = koffi.errno()
        if (errno === ENOBUFS) this.overruns++
        else if (errno !== EAGAIN && errno !== EINTR) throw new NetlinkError('read a netlink socket', errno)
        break
      }
      if (length > room.length) this.overruns++
      else found.push(...messages(room.subarray(0, length)))
      from += (length + 7) & ~7
    }
    return found
  }

  /** Blocks this turn until a datagram is there (at most `waitMs`): for acks that take microseconds. */
  receiveNow(): Message[] {
    try {
      return messages(this.#buffer.subarray(0, readSync(this.#fd, this.#buffer)))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EAGAIN' || code === 'EINTR') return []
      if (code === 'ENOBUFS') {
        this.overruns++
        return []
      }
      throw error
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    // A read may be parked on the descriptor in a libuv thread; closing it under that read would let the number be
    // reused by someone else's file. It comes back within the receive timeout.
    setTimeout(() => closeSync(this.#fd), 350).unref()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
