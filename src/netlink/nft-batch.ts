/**
 * Changes to one table come in: tables, chains, rules, sets and elements; one nf_tables transaction as a netlink batch
 * goes to the kernel (linux/netfilter/nf_tables.h, nfnetlink.h). All of it or nothing; the caller learns the first
 * refusal. What a change refers to is named, never numbered, so it may be older than the batch or part of it.
 */
import { errnoOf, Flag, MessageType } from './message.ts'
import { type Rule, type Verdict, writeRule, writeVerdict } from './nft-expression.ts'
import { KEY_TYPES, type KeyType } from './nft-key-types.ts'
import { Writer } from './nft-writer.ts'
import { NetlinkError, type NetlinkSocket } from './socket.ts'

/**
 * In columns, because a fleet is tens of thousands of elements. `keys` as the kernel holds them, one behind the other: a
 * concatenation has each part padded to four bytes.
 */
export type Elements = {
  readonly count: number
  readonly keyBytes: number
  readonly keys: Uint8Array
  /** Absent where an element has no end. */
  readonly timeoutsMs: readonly (number | undefined)[]
  /** null: of a set. */
  readonly verdicts: readonly Verdict[] | null
}
export type ElementChange =
  | { readonly verb: 'add' | 'delete'; readonly set: string; readonly elements: Elements }
  | { readonly verb: 'flush'; readonly set: string }

export type SetShape = {
  readonly key: readonly KeyType[]
  /** `verdicts`: a map. `rates`: elements that rules add, which end when unused for a while. */
  readonly holds: 'members' | 'verdicts' | 'rates'
  /** The most elements it may hold, room for which is made at once; null: as many as come. */
  readonly size: number | null
  /** For elements that come without an end of their own. */
  readonly timeoutMs: number | null
}
export type Hook = { readonly hook: 'input' | 'forward' | 'output'; readonly priority: number }
export type TableChange =
  | ElementChange
  | { readonly verb: 'add-table' | 'delete-table' }
  | { readonly verb: 'add-set'; readonly set: string; readonly shape: SetShape }
  | { readonly verb: 'delete-set'; readonly set: string }
  /** With a hook: a base chain that accepts what no rule decides. */
  | { readonly verb: 'add-chain'; readonly chain: string; readonly hook: Hook | null }
  | { readonly verb: 'flush-chain' | 'delete-chain'; readonly chain: string }
  | { readonly verb: 'add-rule'; readonly chain: string; readonly rule: Rule }

const BATCH_BEGIN = 0x10
const BATCH_END = 0x11
const SUBSYSTEM = 10
const MESSAGES = {
  'add-table': 0,
  'delete-table': 2,
  'add-chain': 3,
  'delete-chain': 5,
  'add-rule': 6,
  'flush-chain': 8,
  'add-set': 9,
  'delete-set': 11,
  add: 12,
  delete: 14,
  flush: 14,
} as const satisfies Record<TableChange['verb'], number>
const INET = 1
/** An attribute's length is 16 bits, so a list of elements ends well before that. */
const LIST_BYTES = 60_000
/** Some 2,500 elements. Beyond this a batch takes more than 5 ms, so it goes on a thread. */
const AWAY_BYTES = 200_000
const SET_FLAGS = { members: 0x10, verdicts: 0x18, rates: 0x30 } as const
const HOOKS = { input: 1, forward: 2, output: 3 } as const

type Batch = { readonly bytes: Buffer; readonly last: number; readonly names: readonly string[] }

/** `names[i]` says what message `sequence + 1 + i` attempts; the message `last` is the one that is acknowledged. */
export function encodeBatch(table: string, changes: readonly TableChange[], sequence: number): Batch {
  const writer = new Writer()
  const names: string[] = []
  let open = 0
  const begin = (verb: TableChange['verb'], what: string) => {
    names.push(what)
    const adds = verb.startsWith('add')
    const flags = Flag.request | (adds ? Flag.create : 0) | (verb === 'add-rule' ? Flag.append : 0)
    open = writer.begin((SUBSYSTEM << 8) | MESSAGES[verb], flags, sequence + names.length, INET, 0)
    writer.text(1, table)
  }
  writer.end(writer.begin(BATCH_BEGIN, Flag.request, sequence, 0, SUBSYSTEM))
  for (const change of changes) {
    switch (change.verb) {
      case 'add':
      case 'delete':
        for (let from = 0; from < change.elements.count; ) {
          begin(change.verb, `${change.verb} elements of ${change.set}`)
          writer.text(2, change.set)
          from = writeElements(writer, change.elements, from)
          writer.end(open)
        }
        continue
      case 'flush':
        // A deletion that names no element empties the set.
        begin(change.verb, `flush elements of ${change.set}`)
        writer.text(2, change.set)
        break
      case 'add-table':
      case 'delete-table':
        begin(change.verb, `${change.verb} ${table}`)
        break
      case 'add-set':
      case 'delete-set':
        begin(change.verb, `${change.verb} ${change.set}`)
        writer.text(2, change.set)
        // Numbered because the kernel wants it (NFTA_SET_ID), though nothing refers to the number.
        if (change.verb === 'add-set') writeShape(writer, change.shape, names.length)
        break
      case 'add-chain':
      case 'delete-chain':
        begin(change.verb, `${change.verb} ${change.chain}`)
        writer.text(3, change.chain)
        if (change.verb === 'add-chain' && change.hook !== null) writeHook(writer, change.hook)
        break
      case 'flush-chain':
      case 'add-rule':
        begin(change.verb, `${change.verb} ${change.chain}`)
        writer.text(2, change.chain)
        if (change.verb === 'add-rule') writeRule(writer, change.rule)
    }
    writer.end(open)
  }
  if (names.length > 0) writer.bytes.writeUInt16LE(writer.bytes.readUInt16LE(open + 6) | Flag.ack, open + 6)
  writer.end(writer.begin(BATCH_END, Flag.request, sequence + names.length + 1, 0, SUBSYSTEM))
  return { bytes: writer.bytes.subarray(0, writer.at), last: sequence + names.length, names }
}

/** As many as one list may hold; gives the first that is left. */
function writeElements(writer: Writer, elements: Elements, from: number): number {
  const list = writer.open(3)
  const start = writer.at
  let at = from
  while (at < elements.count && writer.at - start <= LIST_BYTES) writeElement(writer, elements, at++)
  writer.shut(list)
  return at
}

function writeElement(writer: Writer, { keys, keyBytes, timeoutsMs, verdicts }: Elements, at: number): void {
  const element = writer.open(1)
  const holder = writer.open(1)
  const key = writer.value(1, keyBytes)
  for (let i = 0; i < keyBytes; i++) writer.bytes[key + i] = keys[at * keyBytes + i]!
  writer.shut(holder)
  if (verdicts !== null) {
    const data = writer.open(2)
    writeVerdict(writer, verdicts[at]!)
    writer.shut(data)
  }
  const timeoutMs = timeoutsMs[at]
  if (timeoutMs !== undefined) writer.long(4, timeoutMs)
  writer.shut(element)
}

function writeShape(writer: Writer, { key, holds, size, timeoutMs }: SetShape, id: number): void {
  const parts = key.map((type) => KEY_TYPES[type])
  writer.int(3, SET_FLAGS[holds])
  writer.int(
    4,
    parts.reduce((type, { number }) => type * 64 + number, 0),
  )
  const bytes = parts.length === 1 ? parts[0]!.bytes : parts.reduce((sum, part) => sum + ((part.bytes + 3) & ~3), 0)
  writer.int(5, bytes)
  if (holds === 'verdicts') {
    writer.int(6, 0xffffff00)
    writer.int(7, 0)
  }
  writer.int(10, id)
  if (size !== null) {
    const description = writer.open(9)
    writer.int(1, size)
    writer.shut(description)
  }
  if (timeoutMs !== null) writer.long(11, timeoutMs)
  writer.raw(13, notesFor(parts.length === 1 ? parts[0]!.order : null, holds))
}

/** What nft keeps with a set to print it by (libnftnl/udata.h): byte orders, and that a key of several parts is one. */
function notesFor(order: number | null, holds: SetShape['holds']): Uint8Array {
  const word = (type: number, value: number) => [type, 4, value, 0, 0, 0]
  const concatenation = 13
  const key = order === null ? [...word(0, 0), 3, 8, ...word(0, concatenation), 1, 0] : word(0, order)
  return Uint8Array.from(holds === 'verdicts' ? [...key, ...word(1, 0), ...word(6, 0)] : key)
}

function writeHook(writer: Writer, { hook, priority }: Hook): void {
  writer.text(7, 'filter')
  writer.int(5, 1)
  const place = writer.open(4)
  writer.int(1, HOOKS[hook])
  writer.int(2, priority)
  writer.shut(place)
}

/** Resolves when the kernel has it. Throws `NetlinkError` when it refused; then nothing was changed. */
export async function sendBatch(socket: NetlinkSocket, table: string, changes: readonly TableChange[]): Promise<void> {
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
