/**
 * The names of all packets that reach an interface, read from a packet socket (packet(7)) before any hook sees them. A
 * name is made from the packet alone, so that its sender can tell it too: `nameOf(bytes)`.
 */
import koffi from 'koffi'

const [AF_PACKET, SOCK_DGRAM, SOCK_NONBLOCK, ETH_P_ALL_BE] = [17, 2, 0x800, 0x0300]
const [SOL_SOCKET, SO_RCVBUFFORCE, SOL_PACKET, PACKET_IGNORE_OUTGOING] = [1, 33, 263, 23]
const RECEIVE_BYTES = 16 << 20
const [TCP, ICMP, ICMP6] = [6, 1, 58]

export function openEar(face: string): () => string[] {
  const libc = koffi.load('libc.so.6')
  const recv = libc.func('long recv(int, void *, size_t, int)')
  const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint)')
  const fd = libc.func('int socket(int, int, int)')(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, ETH_P_ALL_BE) as number
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return bytes
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, number(RECEIVE_BYTES), 4)
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, number(1), 4)
  // struct sockaddr_ll
  const address = Buffer.alloc(20)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeUInt16LE(ETH_P_ALL_BE, 2)
  address.writeInt32LE(libc.func('uint if_nametoindex(const char *)')(face) as number, 4)
  if ((libc.func('int bind(int, void *, uint)')(fd, address, address.length) as number) !== 0)
    throw new Error(`no ear on ${face}: errno ${koffi.errno()}`)
  const buffer = Buffer.alloc(2_048)
  return () => {
    const heard: string[] = []
    for (;;) {
      const length = recv(fd, buffer, buffer.length, 0) as number
      if (length <= 0) return heard
      const name = nameOf(buffer.subarray(0, length))
      if (name !== null) heard.push(name)
    }
  }
}

/**
 * `SOURCE>TARGET PROTOCOL MARK`. What a kernel says to refuse has no mark of its own: `reset` goes by its ports, `told` by
 * the mark of the packet that it is about. Null: no IP packet.
 */
export function nameOf(bytes: Buffer): string | null {
  const version = bytes[0]! >> 4
  if (version !== 4 && version !== 6) return null
  const { source, target, protocol, mark, body } = split(bytes)
  if (protocol === TCP && (body[13]! & 0x04) !== 0)
    return resetName(source, target, body.readUInt16BE(0), body.readUInt16BE(2))
  if ((protocol === ICMP && body[0] === 3 && body[1] === 13) || (protocol === ICMP6 && body[0] === 1 && body[1] === 1))
    return toldName(body.subarray(8))
  return `${source}>${target} ${protocol} ${mark}`
}

export const resetName = (source: string, target: string, from: number, to: number): string =>
  `reset ${source} ${from}>${target} ${to}`
/** `about` is the refused packet, or its beginning. */
export const toldName = (about: Buffer): string => {
  const { source, target, protocol, mark } = split(about)
  return `told ${source}>${target} ${protocol} ${mark}`
}

/** Addresses as hexadecimal digits. */
function split(bytes: Buffer) {
  const hex = (from: number, to: number) => bytes.toString('hex', from, to)
  return bytes[0]! >> 4 === 4
    ? {
        source: hex(12, 16),
        target: hex(16, 20),
        protocol: bytes[9]!,
        mark: bytes.readUInt16BE(4),
        body: bytes.subarray(20),
      }
    : {
        source: hex(8, 24),
        target: hex(24, 40),
        protocol: bytes[6]!,
        mark: bytes.readUInt32BE(0) & 0xfffff,
        body: bytes.subarray(40),
      }
}
