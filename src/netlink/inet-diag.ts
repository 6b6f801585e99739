/** Questions about the sockets of this namespace, and the ends of those that answer (sock_diag(7), linux/inet_diag.h). */
export const SOCK_DIAG_BY_FAMILY = 20
export const [AF_INET, AF_INET6] = [2, 10]
export const PROTOCOLS = { tcp: 6, udp: 17 } as const
/** struct inet_diag_sockid (ports, addresses, interface, cookie) in struct inet_diag_msg. */
export const [ID_AT, ID_BYTES] = [4, 48]

export type SocketEnds = {
  readonly protocol: keyof typeof PROTOCOLS
  /** IPv4 as IPv4-mapped IPv6. */
  readonly local: Uint32Array
  readonly localPort: number
  readonly peer: Uint32Array
  readonly peerPort: number
}

type Question = {
  readonly family: number
  readonly protocol: SocketEnds['protocol']
  /** Bit n = state n of TCP. */
  readonly states: number
  /** Bit n - 1 = attribute INET_DIAG_n. */
  readonly more?: number
  /** Of one socket; without it, of all. */
  readonly id?: Buffer
}

/** struct inet_diag_req_v2: family, protocol, ext, pad, states, sockid. */
export function diagRequest({ family, protocol, states, more = 0, id }: Question): Buffer {
  const bytes = Buffer.alloc(8 + ID_BYTES)
  bytes[0] = family
  bytes[1] = PROTOCOLS[protocol]
  bytes[2] = more
  bytes.writeUInt32LE(states, 4)
  id?.copy(bytes, 8)
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
