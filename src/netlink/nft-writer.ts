/**
 * The bytes of an nf_tables batch, written one after the other into one buffer that grows: a table of thousands of rules
 * is hundreds of thousands of attributes, and a Buffer for each would cost more than the kernel takes. Integers in
 * attributes are big-endian, in headers little-endian (nfnetlink.h).
 */
const NESTED = 0x8000

export class Writer {
  bytes = Buffer.allocUnsafe(1 << 14)
  at = 0

  #room(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + more))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  /** nlmsghdr and nfgenmsg; the length is written by `end`. */
  begin(type: number, flags: number, sequence: number, family: number, resource: number): number {
    this.#room(20)
    const start = this.at
    this.bytes.writeUInt16LE(type, start + 4)
    this.bytes.writeUInt16LE(flags, start + 6)
    this.bytes.writeUInt32LE(sequence, start + 8)
    this.bytes.writeUInt32LE(0, start + 12)
    this.bytes[start + 16] = family
    this.bytes[start + 17] = 0
    this.bytes.writeUInt16BE(resource, start + 18)
    this.at += 20
    return start
  }

  end(start: number): void {
    this.bytes.writeUInt32LE(this.at - start, start)
  }

  open(type: number): number {
    this.#room(4)
    const start = this.at
    this.bytes[start + 2] = type
    this.bytes[start + 3] = NESTED >> 8
    this.at += 4
    return start
  }

  shut(start: number): void {
    const length = this.at - start
    this.bytes[start] = length & 255
    this.bytes[start + 1] = length >> 8
  }

  /** Room for a value of `length` bytes, padded with zeros; gives its place in `bytes`, which may be others from then on. */
  value(type: number, length: number): number {
    const padded = (length + 3) & ~3
    this.#room(4 + padded)
    const { bytes, at } = this
    // By hand: a call of writeUInt16LE costs several times the two stores, and there are ten attributes to a rule.
    bytes[at] = (4 + length) & 255
    bytes[at + 1] = (4 + length) >> 8
    bytes[at + 2] = type & 255
    bytes[at + 3] = type >> 8
    const start = at + 4
    if (padded > length) bytes.fill(0, start + length, start + padded)
    this.at = start + padded
    return start
  }

  text(type: number, text: string): void {
    const start = this.value(type, text.length + 1)
    // Quicker than a call out of JavaScript, for names this short.
    for (let i = 0; i < text.length; i++) this.bytes[start + i] = text.charCodeAt(i)
    this.bytes[start + text.length] = 0
  }

  raw(type: number, value: Uint8Array): void {
    const start = this.value(type, value.length)
    for (let i = 0; i < value.length; i++) this.bytes[start + i] = value[i]!
  }

  byte(type: number, value: number): void {
    const start = this.value(type, 1)
    this.bytes[start] = value
  }

  short(type: number, value: number): void {
    const start = this.value(type, 2)
    this.bytes.writeUInt16BE(value, start)
  }

  int(type: number, value: number): void {
    const start = this.value(type, 4)
    const { bytes } = this
    bytes[start] = value >>> 24
    bytes[start + 1] = value >>> 16
    bytes[start + 2] = value >>> 8
    bytes[start + 3] = value
  }

  long(type: number, value: number): void {
    const start = this.value(type, 8)
    this.bytes.writeUInt32BE(Math.floor(value / 2 ** 32), start)
    this.bytes.writeUInt32BE(value >>> 0, start + 4)
  }
}
