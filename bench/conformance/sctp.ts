/**
 * The first two packets of an SCTP association (RFC 9260 §3.3.2, §3.3.3), because a kernel without SCTP sockets still tracks and
 * forwards it: INIT asks, INIT ACK answers. Both carry a right CRC32c, without which conntrack calls them invalid.
 */
const [INIT, INIT_ACK] = [1, 2]

export type SctpPacket = {
  readonly from: number
  readonly to: number
  readonly type: number
  readonly initiateTag: number
}

export function initPacket(from: number, to: number, tag: number): Buffer {
  return packet(from, to, 0, INIT, tag)
}

/** Answers to the tag of the INIT; conntrack follows the association by it. */
export function initAckPacket(init: SctpPacket): Buffer {
  return packet(init.to, init.from, init.initiateTag, INIT_ACK, 0x5ee5ee)
}

export function readSctp(bytes: Buffer): SctpPacket | null {
  if (bytes.length < 32) return null
  const type = bytes[12]!
  return { from: bytes.readUInt16BE(0), to: bytes.readUInt16BE(2), type, initiateTag: bytes.readUInt32BE(16) }
}

export const isInit = ({ type }: SctpPacket) => type === INIT
export const isInitAck = ({ type }: SctpPacket) => type === INIT_ACK

function packet(from: number, to: number, verificationTag: number, type: number, initiateTag: number): Buffer {
  // An INIT ACK must carry a state cookie (type 7), here of four bytes.
  const cookie = type === INIT_ACK ? Buffer.from([0, 7, 0, 8, 1, 2, 3, 4]) : Buffer.alloc(0)
  const bytes = Buffer.concat([Buffer.alloc(32), cookie])
  bytes.writeUInt16BE(from, 0)
  bytes.writeUInt16BE(to, 2)
  bytes.writeUInt32BE(verificationTag, 4)
  bytes.writeUInt8(type, 12)
  bytes.writeUInt16BE(20 + cookie.length, 14)
  bytes.writeUInt32BE(initiateTag, 16)
  bytes.writeUInt32BE(65_536, 20)
  bytes.writeUInt16BE(1, 24)
  bytes.writeUInt16BE(1, 26)
  bytes.writeUInt32BE(1, 28)
  bytes.writeUInt32LE(crc32c(bytes), 8)
  return bytes
}

/** Castagnoli, reflected (RFC 9260 appendix A). */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
