/**
 * Changes to set and map elements come in; one nf_tables transaction as a netlink batch goes to the kernel
 * (linux/netfilter/nf_tables.h, nfnetlink.h). All of it or nothing; the caller learns the first refusal. Integers in
 * attributes are big-endian, in headers little-endian. Written into one buffer, because thousands of small ones are
 * what such a batch would otherwise cost.
 */
import { errnoOf, Flag, MessageType } from './message.ts'
import { NetlinkError, type NetlinkSocket } from './socket.ts'

export type Verdict = { readonly act: 'goto' | 'jump'; readonly chain: string }
/** `key` as the kernel holds it: a concatenation has each part padded to four bytes. */
export type Element = {
  readonly key: Buffer
  readonly timeoutMs: number | null
  readonly verdict: Verdict | null
}
export type ElementChange =
  | { readonly verb: 'add' | 'delete'; readonly set: string; readonly elements: readonly Element[] }
  | { readonly verb: 'flush'; readonly set: string }

const BATCH_BEGIN = 0x10
const BATCH_END = 0x11
const SUBSYSTEM = 10
const NEWSETELEM = (SUBSYSTEM << 8) | 12
const DELSETELEM = (SUBSYSTEM << 8) | 14
const INET = 1
const CODES = { goto: -4, jump: -3 } as const
const NESTED = 0x8000
/** An attribute's length is 16 bits, so a list of elements ends well before that. */
const LIST_BYTES = 60_000
/** Some 2,500 elements. Beyond this a batch takes more than 5 ms, so it goes on a thread. */
const AWAY_BYTES = 200_000

/** Grows as it is written to. */
class Writer {
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
    this.bytes.writeUInt16LE(type | NESTED, start + 2)
    this.at += 4
    return start
  }

  shut(start: number): void {
    this.bytes.writeUInt16LE(this.at - start, start)
  }

  /** Room for a value of `length` bytes, padded with zeros; gives its place. */
  value(type: number, length: number): number {
    const padded = (length + 3) & ~3
    this.#room(4 + padded)
    this.bytes.writeUInt16LE(4 + length, this.at)
    this.bytes.writeUInt16LE(type, this.at + 2)
    const start = this.at + 4
    if (padded > 0) this.bytes.writeUInt32LE(0, start + padded - 4)
    this.at = start + padded
    return start
  }

  text(type: number, text: string): void {
    const start = this.value(type, text.length + 1)
    // Quicker than a call out of JavaScript, for names this short.
    for (let i = 0; i < text.length; i++) this.bytes[start + i] = text.charCodeAt(i)
    this.bytes[start + text.length] = 0
  }

  element({ key, timeoutMs, verdict }: Element): void {
    const element = this.open(1)
    const holder = this.open(1)
    // First the room: it may move the bytes.
    const value = this.value(1, key.length)
    key.copy(this.bytes, value)
    this.shut(holder)
    if (verdict !== null) {
      const data = this.open(2)
      const inner = this.open(2)
      const code = this.value(1, 4)
      this.bytes.writeInt32BE(CODES[verdict.act], code)
      this.text(2, verdict.chain)
      this.shut(inner)
      this.shut(data)
    }
    if (timeoutMs !== null) {
      const timeout = this.value(4, 8)
      this.bytes.writeUInt32BE(Math.floor(timeoutMs / 2 ** 32), timeout)
      this.bytes.writeUInt32BE(timeoutMs >>> 0, timeout + 4)
    }
    this.shut(element)
  }
}

type Batch = { readonly bytes: Buffer; readonly last: number; readonly names: readonly string[] }

/** `names[i]` says what message `sequence + 1 + i` attempts; the message `last` is the one that is acknowledged. */
export function encodeBatch(table: string, changes: readonly ElementChange[], sequence: number): Batch {
  const writer = new Writer()
  const names: string[] = []
  let open = 0
  let list = 0
  let from = 0
  const begin = (change: ElementChange) => {
    names.push(`${change.verb} elements of ${change.set}`)
    const type = change.verb === 'add' ? NEWSETELEM : DELSETELEM
    const flags = Flag.request | (change.verb === 'add' ? Flag.create : 0)
    open = writer.begin(type, flags, sequence + names.length, INET, 0)
    writer.text(1, table)
    writer.text(2, change.set)
  }
  writer.end(writer.begin(BATCH_BEGIN, Flag.request, sequence, 0, SUBSYSTEM))
  for (const change of changes) {
    const elements = change.verb === 'flush' ? [] : change.elements
    // A deletion that names no element empties the set.
    if (change.verb !== 'flush' && elements.length === 0) continue
    begin(change)
    if (elements.length > 0) list = writer.open(3)
    from = writer.at
    for (const element of elements) {
      if (writer.at - from > LIST_BYTES) {
        writer.shut(list)
        writer.end(open)
        begin(change)
        list = writer.open(3)
        from = writer.at
      }
      writer.element(element)
    }
    if (elements.length > 0) writer.shut(list)
    writer.end(open)
  }
  if (names.length > 0) writer.bytes.writeUInt16LE(writer.bytes.readUInt16LE(open + 6) | Flag.ack, open + 6)
  writer.end(writer.begin(BATCH_END, Flag.request, sequence + names.length + 1, 0, SUBSYSTEM))
  return { bytes: writer.bytes.subarray(0, writer.at), last: sequence + names.length, names }
}

/** Resolves when the kernel has it. Throws `NetlinkError` when it refused; then nothing was changed. */
export async function sendBatch(
  socket: NetlinkSocket,
  table: string,
  changes: readonly ElementChange[],
): Promise<void> {
  const sequence = socket.nextSequence()
  const { bytes, last, names } = encodeBatch(table, changes, sequence)
  if (names.length === 0) return
  while (socket.nextSequence() <= last);
  if (bytes.length > AWAY_BYTES) await socket.sendAway(bytes)
  else socket.send(bytes)
  // Refusals are told in order, then the acknowledgement of the last message, which comes even when the rest failed.
  let refused: NetlinkError | null = null
  for (let quiet = 0; quiet < 20; ) {
    const answers = socket.receiveNow()
    if (answers.length === 0) quiet++
    for (const message of answers) {
      if (message.type !== MessageType.error || message.sequence < sequence || message.sequence > last + 1) continue
      const errno = errnoOf(message)
      if (errno !== 0) refused ??= new NetlinkError(names[message.sequence - sequence - 1] ?? 'a batch', errno)
      if (message.sequence === last || message.sequence === last + 1 || message.sequence === sequence) {
        if (refused !== null) throw refused
        return
      }
    }
  }
  throw refused ?? new Error(`${names[0]}: the kernel did not answer`)
}
