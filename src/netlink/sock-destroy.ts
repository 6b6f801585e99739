/**
 * Sockets with a peer, of the network namespace of this process, ended by the kernel (sock_diag(7), SOCK_DESTROY; needs
 * CONFIG_INET_DIAG_DESTROY): who reads from or writes to one gets ECONNABORTED at once, and TCP tells the peer by a reset.
 */
import {
  AF_INET,
  AF_INET6,
  diagRequest,
  ID_AT,
  ID_BYTES,
  readEnds,
  SOCK_DIAG_BY_FAMILY,
  type SocketEnds,
} from './inet-diag.ts'
import { encodeMessage, errnoOf, Flag, MessageType } from './message.ts'
import { Family, NetlinkError, NetlinkSocket } from './socket.ts'

const SOCK_DESTROY = 21
/** Established, both FIN-WAITs, CLOSE-WAIT, LAST-ACK, CLOSING; a UDP socket that was connected is established as well. */
const STATES = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 9) | (1 << 11)
/** What the kernel answers of a socket that is gone meanwhile. */
const ENOENT = 2
const QUIET_READS = 10

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
  const request = diagRequest({ family, protocol, states: STATES })
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
  socket.send(
    encodeMessage(
      SOCK_DESTROY,
      Flag.request | Flag.ack,
      sequence,
      diagRequest({ family, protocol, states: STATES, id }),
    ),
  )
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
