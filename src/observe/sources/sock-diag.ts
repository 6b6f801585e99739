/**
 * Round-trip times and retransmissions of the TCP sockets of a network namespace (sock_diag(7)): the kernel's own
 * measurements come in, sums per local and peer address go out.
 */

import { formatAddress } from '../../model/address.ts'
import { AF_INET, AF_INET6, diagRequest, readEnds, SOCK_DIAG_BY_FAMILY } from '../../netlink/inet-diag.ts'
import { attributes, encodeMessage, Flag, MessageType } from '../../netlink/message.ts'
import { Family, NetlinkSocket } from '../../netlink/socket.ts'

const INET_DIAG_INFO = 2
/** Established, and closing ones that still have figures: not listening, not time-wait (they have no tcp_info). */
const STATES = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 9)
/** struct inet_diag_msg is 72 bytes; its attributes follow. */
const HEADER_BYTES = 72
/** struct tcp_info (linux/tcp.h): tcpi_rtt in µs at 68, tcpi_total_retrans at 100. */
const RTT_AT = 68
const RETRANS_AT = 100
const MAX_PAIRS = 10_000
const TIMEOUT_MS = 2_000

export type SocketSum = {
  readonly local: string
  readonly peer: string
  rttMs: number
  rttSamples: number
  /** Since each socket was made: who wants a rate subtracts the last reading. */
  retransmits: number
  sockets: number
}

/** A socket of the network namespace that this thread is in. Throws `NetlinkError` when it cannot be had. */
export function openSockDiag(): NetlinkSocket {
  return new NetlinkSocket(Family.sockDiag, { bufferBytes: 4 << 20 })
}

/** Sockets beyond 10,000 address pairs are left out, and what did not come within two seconds a family. */
export async function readSockets(socket: NetlinkSocket, monotonicMs = () => performance.now()): Promise<SocketSum[]> {
  const sums = new Map<string, SocketSum>()
  for (const family of [AF_INET, AF_INET6]) {
    const sequence = socket.nextSequence()
    const request = diagRequest({ family, protocol: 'tcp', states: STATES, more: 1 << (INET_DIAG_INFO - 1) })
    socket.send(encodeMessage(SOCK_DIAG_BY_FAMILY, Flag.request | Flag.dump, sequence, request))
    const until = monotonicMs() + TIMEOUT_MS
    for (let isDone = false; !isDone && monotonicMs() < until; ) {
      const messages = await socket.receive()
      if (messages === null) break
      for (const message of messages) {
        if (message.sequence !== sequence) continue
        if (message.type === MessageType.done || message.type === MessageType.error) isDone = true
        else if (message.type === SOCK_DIAG_BY_FAMILY) addSocket(message.payload, sums)
      }
    }
  }
  return [...sums.values()]
}

/** One struct inet_diag_msg with its attributes. Anything shorter than it should be is passed over. */
export function addSocket(payload: Buffer, sums: Map<string, SocketSum>): void {
  const ends = payload.length < HEADER_BYTES ? null : readEnds(payload, 'tcp')
  if (ends === null) return
  const [local, peer] = [formatAddress(ends.local), formatAddress(ends.peer)]
  const key = `${local} ${peer}`
  attributes(payload, HEADER_BYTES, (type, info) => {
    if (type !== INET_DIAG_INFO || info.length < RETRANS_AT + 4) return
    let sum = sums.get(key)
    if (sum === undefined) {
      if (sums.size >= MAX_PAIRS) return
      sum = { local, peer, rttMs: 0, rttSamples: 0, retransmits: 0, sockets: 0 }
      sums.set(key, sum)
    }
    const rttMs = info.readUInt32LE(RTT_AT) / 1_000
    sum.sockets++
    sum.retransmits += info.readUInt32LE(RETRANS_AT)
    if (rttMs > 0) {
      sum.rttMs += rttMs
      sum.rttSamples++
    }
  })
}
