/**
 * Sockets with a peer, of the network namespace of this process, ended by the kernel (sock_diag(7), SOCK_DESTROY; needs
 * CONFIG_INET_DIAG_DESTROY): who reads from or writes to one gets ECONNABORTED at once, and TCP tells the peer by a reset.
 */
import { encodeMessage, errnoOf, Flag, MessageType } from './message.ts'
import { Family, NetlinkError, NetlinkSocket } from './socket.ts'

const [SOCK_DIAG_BY_FAMILY, SOCK_DESTROY] = [20, 21]
const [AF_INET, AF_INET6] = [2, 10]
const PROTOCOLS = { tcp: 6, udp: 17 } as const
/** Established, both FIN-WAITs, CLOSE-WAIT, LAST-ACK, CLOSING; a UDP socket that was connected is established as well. */
const STATES = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 9) | (1 << 11)
/** struct inet_diag_msg: its sockid (ports, addresses, interface, cookie) is at 4. */
const [ID_AT, ID_BYTES] = [4, 48]
/** What the kernel answers of a socket that is gone meanwhile. */
const ENOENT = 2
const QUIET_READS = 10

export type SocketEnds = {
  readonly protocol: 'tcp' | 'udp'
  /** IPv4 as IPv4-mapped IPv6. */
  readonly local: Uint32Array
  readonly localPort: number
  readonly peer: Uint32Array
  readonly peerPort: number
}

/** How many were ended. Each goes by its cookie, so none that came after the look. Throws `NetlinkError`. */
export function destroySockets(isWanted: (ends: SocketEnds) => boolean): number {
  using socket = new NetlinkSocket(Family.sockDiag, { bufferBytes: 4 << 20 })
  let ended = 0
  for (const protocol of ['tcp', 'udp'] as const)
    for (const family of [AF_INET, AF_INET6])
      for (const id of list(socket, family, protocol, isWanted)) if (destroy(socket, family, protocol, id)) ended++
  return ended
}

function list(
  socket: NetlinkSocket,
  family: number,
  protocol: SocketEnds['protocol'],
  isWanted: (ends: SocketEnds) => boolean,
): Buffer[] {
  const found: Buffer[] = []
  const sequence = socket.nextSequence()
  const request = requestOf(family, protocol, Buffer.alloc(ID_BYTES))
  socket.send(encodeMessage(SOCK_DIAG_BY_FAMILY, Flag.request | Flag.dump, sequence, request))
  for (let quiet = 0; quiet < QUIET_READS; ) {
    const messages = socket.receiveNow()
    if (messages.length === 0) quiet++
    for (const { type, sequence: of, payload } of messages) {
      if (of !== sequence) continue
      if (type === MessageType.done || type === MessageType.error) return found
      const ends = readEnds(payload, protocol)
      if (ends !== null && isWanted(ends)) found.push(Buffer.from(payload.subarray(ID_AT, ID_AT + ID_BYTES)))
    }
  }
  return found
}

function destroy(socket: NetlinkSocket, family: number, protocol: SocketEnds['protocol'], id: Buffer): boolean {
  const sequence = socket.nextSequence()
  socket.send(encodeMessage(SOCK_DESTROY, Flag.request | Flag.ack, sequence, requestOf(family, protocol, id)))
  for (let quiet = 0; quiet < QUIET_READS; ) {
    const messages = socket.receiveNow()
    if (messages.length === 0) quiet++
    for (const message of messages) {
      if (message.sequence !== sequence || message.type !== MessageType.error) continue
      const errno = errnoOf(message)
      if (errno !== 0 && errno !== ENOENT) throw new NetlinkError('end a socket', errno)
      return errno === 0
    }
  }
  return false
}

/** struct inet_diag_req_v2: family, protocol, ext, pad, states, sockid. */
function requestOf(family: number, protocol: SocketEnds['protocol'], id: Buffer): Buffer {
  const bytes = Buffer.alloc(8 + ID_BYTES)
  bytes[0] = family
  bytes[1] = PROTOCOLS[protocol]
  bytes.writeUInt32LE(STATES, 4)
  id.copy(bytes, 8)
  return bytes
}

/** One struct inet_diag_msg; null when it is shorter than it should be, or of no family that we asked for. */
export function readEnds(payload: Buffer, protocol: SocketEnds['protocol']): SocketEnds | null {
  if (payload.length < ID_AT + ID_BYTES) return null
  const family = payload[0]
  if (family !== AF_INET && family !== AF_INET6) return null
  const address = (at: number): Uint32Array => {
    const v4 = [0, 0, 0xffff, payload.readUInt32BE(at)]
    return Uint32Array.from(family === AF_INET ? v4 : [0, 4, 8, 12].map((word) => payload.readUInt32BE(at + word)))
  }
  return {
    protocol,
    local: address(8),
    localPort: payload.readUInt16BE(4),
    peer: address(24),
    peerPort: payload.readUInt16BE(6),
  }
}
