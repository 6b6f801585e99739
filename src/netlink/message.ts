/** Netlink framing: messages and attributes, every bound checked here and nowhere else. Host byte order is little-endian. */

export const Flag = {
  request: 1,
  ack: 4,
  dump: 0x300,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800,
} as const
export const MessageType = { noop: 1, error: 2, done: 3, overrun: 4 } as const

export type Message = {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

/** Splits a datagram; a truncated or lying length ends the list (counted by the caller as a short read). */
export function messages(datagram: Buffer): Message[] {
  const found: Message[] = []
  let at = 0
  while (at + 16 <= datagram.length) {
    const length = datagram.readUInt32LE(at)
    if (length < 16 || at + length > datagram.length) break
    found.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + 16, at + length),
    })
    at += (length + 3) & ~3
  }
  return found
}

/** errno of an NLMSG_ERROR message: 0 is an acknowledgement. */
export function errnoOf(message: Message): number {
  return message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 22
}

/** Calls `visit(type, value)` per attribute from `at`; the nested and byte-order bits are stripped from the type. */
export function attributes(bytes: Buffer, at: number, visit: (type: number, value: Buffer) => void): void {
  walkAttributes(bytes, at, bytes.length, (type, all, from, to) => visit(type, all.subarray(from, to)), undefined)
}

/** The value of an attribute is `bytes[from, to)`. */
export type VisitAttribute<T> = (type: number, bytes: Buffer, from: number, to: number, into: T) => void

/** The same without an object for anything, for who reads thousands a second: `visit` is given what it fills. */
export function walkAttributes<T>(bytes: Buffer, at: number, end: number, visit: VisitAttribute<T>, into: T): void {
  let offset = at
  while (offset + 4 <= end) {
    const length = bytes.readUInt16LE(offset)
    if (length < 4 || offset + length > end) return
    visit(bytes.readUInt16LE(offset + 2) & 0x3fff, bytes, offset + 4, offset + length, into)
    offset += (length + 3) & ~3
  }
}

/** One message: header, the family's fixed part, attributes. */
export function encodeMessage(type: number, flags: number, sequence: number, ...parts: readonly Buffer[]): Buffer {
  const length = 16 + parts.reduce((sum, part) => sum + part.length, 0)
  const out = Buffer.alloc((length + 3) & ~3)
  out.writeUInt32LE(length, 0)
  out.writeUInt16LE(type, 4)
  out.writeUInt16LE(flags, 6)
  out.writeUInt32LE(sequence, 8)
  let at = 16
  for (const part of parts) at += part.copy(out, at)
  return out
}

/** An attribute, padded to four bytes. */
export function encodeAttribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc((4 + value.length + 3) & ~3)
  out.writeUInt16LE(4 + value.length, 0)
  out.writeUInt16LE(type, 2)
  value.copy(out, 4)
  return out
}

const NESTED = 0x8000
export function encodeNested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return encodeAttribute(type | NESTED, Buffer.concat(attributes))
}
