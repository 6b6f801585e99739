/**
 * Most events of an EVE log look alike: what is wanted of them is found in one walk over their bytes, without a string or an
 * object. The walk takes JSON as Suricata writes it (RFC 8259 without blanks, escapes or letters beyond ASCII between the
 * braces); of any other line, and of one where a wanted value is of another kind, it says so, and the line is parsed.
 */
import { countEnd, QUOTE, textEnd, wholeNumber, ZERO } from './eve-bytes.ts'
import { createShapes, createSteps, MOST_VALUES } from './eve-shapes.ts'

/** Object → keys whose values are wanted. `''` is the event itself; an object within another is `outer.inner`. */
const KEYS = {
  '': [
    'timestamp',
    'event_type',
    'flow_id',
    'src_ip',
    'src_port',
    'dest_ip',
    'dest_port',
    'proto',
    'app_proto',
    'direction',
    'icmp_type',
    'icmp_code',
  ],
  flow: ['bytes_toserver', 'bytes_toclient', 'pkts_toserver', 'pkts_toclient', 'start', 'end', 'state'],
  tcp: ['tcp_flags', 'tcp_flags_ts', 'tcp_flags_tc'],
  dns: ['type', 'id', 'rrname', 'rrtype', 'rcode', 'rdata', 'queries', 'answers'],
  tls: ['sni', 'version', 'ja4', 'client_alpns'],
  'tls.ja3': ['hash'],
  'tls.ja3s': ['hash'],
} as const

type Place<Of extends keyof typeof KEYS> = `${Of}.${(typeof KEYS)[Of][number]}`
export type Wanted =
  | (typeof KEYS)[''][number]
  | { [Of in Exclude<keyof typeof KEYS, ''>]: Place<Of> | Of }[Exclude<keyof typeof KEYS, ''>]

/** The number of a wanted value: what `EveScan` is asked by. An object has one, too: whether it was there. */
export function slotOf(name: Wanted): number {
  return SLOTS.get(name)!
}

/** What a value is; `none` = not there. */
export const Found = { none: 0, text: 1, count: 2, object: 3 } as const

export type EveScan = {
  /** By slot. */
  readonly kind: Uint8Array
  /** Offsets of a text, without its quotes. */
  readonly from: Uint32Array
  readonly to: Uint32Array
  /** A whole number ≥ 0. */
  readonly count: Float64Array
  /** False when the line has to be parsed. Then, and at the next walk, nothing of this one holds. */
  walk(bytes: Uint8Array, from: number, to: number): boolean
}

const SKIPPED = 255
const OBJECTS = Object.keys(KEYS) as (keyof typeof KEYS)[]
const SLOTS = new Map<string, number>()
/** By slot: the object that begins there, or `SKIPPED` for other values. */
const OPENS: number[] = []
const WAYS = 1 << 10
/** Weak hash of object and key → slot + 1; of keys that are wanted, no two in a row are far apart. */
const TABLE = new Uint8Array(WAYS)
const NAMES: Uint8Array[] = []
const OWNERS: number[] = []

for (const [object, name] of OBJECTS.entries()) for (const key of KEYS[name]) addSlot(object, key, SKIPPED)
for (const [object, name] of OBJECTS.entries()) {
  if (name === '') continue
  const [outer, key] = name.includes('.') ? (name.split('.') as [keyof typeof KEYS, string]) : (['', name] as const)
  addSlot(OBJECTS.indexOf(outer), key, object)
}

function addSlot(owner: number, key: string, opens: number): void {
  const bytes = new TextEncoder().encode(key)
  const slot = NAMES.push(bytes) - 1
  OWNERS.push(owner)
  OPENS.push(opens)
  SLOTS.set(OBJECTS[owner] === '' ? key : `${OBJECTS[owner]}.${key}`, slot)
  let at = hash(owner, bytes.length, bytes[0]!, bytes.at(-1)!)
  while (TABLE[at] !== 0) at = (at + 1) & (WAYS - 1)
  TABLE[at] = slot + 1
}

function hash(owner: number, length: number, first: number, last: number): number {
  return (owner * 331 + length * 67 + first * 7 + last * 29) & (WAYS - 1)
}

const [COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, MINUS] = [44, 58, 123, 125, 91, 93, 45] as const
const DEEPEST = 8

export function createEveScan(): EveScan {
  return new Scan()
}

class Scan implements EveScan {
  readonly kind = new Uint8Array(NAMES.length)
  readonly from = new Uint32Array(NAMES.length)
  readonly to = new Uint32Array(NAMES.length)
  readonly count = new Float64Array(NAMES.length)
  readonly #outer = new Uint8Array(DEEPEST)
  readonly #shapes = createShapes()
  readonly #steps = createSteps()

  walk(bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#shapes.read(bytes, from, to, this)) return true
    this.#steps.count = 0
    this.#steps.fits = true
    if (!this.#read(bytes, from, to)) return false
    this.#shapes.learn(bytes, from, to, this.#steps, this.kind)
    return true
  }

  #read(bytes: Uint8Array, from: number, to: number): boolean {
    this.kind.fill(Found.none)
    if (bytes[from] !== OPEN || bytes[to - 1] !== CLOSE) return false
    let depth = 0
    let owner = 0
    for (let at = from + 1; ; at++) {
      // `at` is on the quote of a key.
      const key = at + 1
      if (bytes[at] !== QUOTE) return false
      at = textEnd(bytes, key)
      if (bytes[at] !== QUOTE || bytes[at + 1] !== COLON) return false
      const slot = owner === SKIPPED ? -1 : find(owner, bytes, key, at)
      at += 2
      if (bytes[at] === OPEN && bytes[at + 1] !== CLOSE) {
        if (++depth === DEEPEST || !this.#enter(slot)) return false
        this.#outer[depth] = owner
        owner = slot < 0 ? SKIPPED : OPENS[slot]!
        continue
      }
      at = this.#value(bytes, at, slot)
      if (at < 0) return false
      for (; bytes[at] === CLOSE; at++) {
        if (depth === 0) return at === to - 1
        owner = this.#outer[depth--]!
      }
      if (bytes[at] !== COMMA) return false
    }
  }

  /** An object that comes twice would have to be taken as the last alone. */
  #enter(slot: number): boolean {
    if (slot < 0) return true
    if (OPENS[slot] === SKIPPED || this.kind[slot] !== Found.none) return false
    this.kind[slot] = Found.object
    return true
  }

  /** Offset behind the value, −1 = to be parsed. */
  #value(bytes: Uint8Array, at: number, slot: number): number {
    const first = bytes[at]!
    if (first === QUOTE) {
      const end = textEnd(bytes, at + 1)
      if (bytes[end] !== QUOTE || (slot >= 0 && OPENS[slot] !== SKIPPED)) return -1
      if (slot >= 0) {
        this.kind[slot] = Found.text
        this.from[slot] = at + 1
        this.to[slot] = end
      }
      this.#step(at + 1, end, slot, 1)
      return end + 1
    }
    const digit = first - ZERO
    if (digit >= 0 && digit <= 9) return this.#number(bytes, at, slot)
    // What is wanted is never of these kinds.
    return slot >= 0 ? -1 : this.#skip(bytes, at)
  }

  /** Words stay as they are in lines of the same shape; lists and other numbers do not. */
  #skip(bytes: Uint8Array, at: number): number {
    const end = skip(bytes, at)
    const first = bytes[at]!
    const isWord = first > ZERO + 9 && !(first === OPEN_LIST && end - at > 2)
    if (!isWord) this.#steps.fits = false
    return end
  }

  #step(from: number, to: number, slot: number, isText: 0 | 1): void {
    const steps = this.#steps
    if (steps.count === MOST_VALUES) steps.fits = false
    if (!steps.fits) return
    steps.from[steps.count] = from
    steps.to[steps.count] = to
    steps.slot[steps.count] = slot
    steps.isText[steps.count++] = isText
  }

  #number(bytes: Uint8Array, at: number, slot: number): number {
    const end = countEnd(bytes, at)
    if (bytes[at] === ZERO && end - at > 1) return -1
    if (slot < 0 && isFraction(bytes[end]!)) return this.#skip(bytes, at)
    if (slot >= 0) {
      // Beyond what a double holds, parsing rounds as it should.
      const value = OPENS[slot] !== SKIPPED || isFraction(bytes[end]!) ? -1 : wholeNumber(bytes, at, end)
      if (value < 0) return -1
      this.kind[slot] = Found.count
      this.count[slot] = value
    }
    this.#step(at, end, slot, 0)
    return end
  }
}

/** `.`, `e`, `E` */
const isFraction = (byte: number) => byte === 46 || byte === 101 || byte === 69

function find(owner: number, bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  let at = hash(owner, length, bytes[from]!, bytes[to - 1]!)
  for (let slot = TABLE[at]!; slot !== 0; slot = TABLE[at]!) {
    if (OWNERS[slot - 1] === owner && isName(NAMES[slot - 1]!, bytes, from, length)) return slot - 1
    at = (at + 1) & (WAYS - 1)
  }
  return -1
}

function isName(name: Uint8Array, bytes: Uint8Array, from: number, length: number): boolean {
  if (name.length !== length) return false
  for (let i = 0; i < length; i++) if (name[i] !== bytes[from + i]) return false
  return true
}

const LITERALS = ['true', 'false', 'null', '{}', '[]'].map((text) => new TextEncoder().encode(text))
const SIMPLE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/

/** Behind a value that is not wanted: a list of texts and numbers, a number, a word. −1 = to be parsed. */
function skip(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  for (const literal of LITERALS)
    if (literal[0] === first && isName(literal, bytes, at, literal.length)) return at + literal.length
  if (first === OPEN_LIST) return skipList(bytes, at)
  if (first !== MINUS && !(first >= ZERO && first <= 57)) return -1
  let end = at
  while (end - at < 40 && bytes[end] !== COMMA && bytes[end] !== CLOSE && bytes[end] !== CLOSE_LIST) end++
  const text = String.fromCharCode(...bytes.subarray(at, end))
  return SIMPLE.exec(text)?.[0] === text ? end : -1
}

function skipList(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; ; at++) {
    if (bytes[at] === QUOTE) {
      at = textEnd(bytes, at + 1)
      if (bytes[at++] !== QUOTE) return -1
    } else if (bytes[at] === OPEN_LIST || bytes[at] === OPEN) return -1
    else {
      at = skip(bytes, at)
      if (at < 0) return -1
    }
    if (bytes[at] === CLOSE_LIST) return at + 1
    if (bytes[at] !== COMMA) return -1
  }
}
