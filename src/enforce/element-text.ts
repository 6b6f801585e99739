/**
 * A line that adds, deletes or flushes elements of a set or map whose type is known comes in; the same as an
 * `ElementChange` goes out. What this reader does not know for certain it leaves to nft.
 */
import { CONTAIN, DISPATCH, MEMBER_SETS, REFLEX_SETS } from '../compile/base.ts'
import { parseAddress } from '../model/address.ts'
import type { ElementChange, Elements } from '../netlink/nft-batch.ts'
import type { Verdict } from '../netlink/nft-expression.ts'
import { KEY_TYPES, type KeyType } from '../netlink/nft-key-types.ts'

const TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.entries({ ...MEMBER_SETS, ...REFLEX_SETS, ...CONTAIN, ...DISPATCH }),
  ...Object.entries(DISPATCH).map(([name, type]) => [`${name}_pending`, type] as const),
])
const MAPS: ReadonlySet<string> = new Set([
  ...Object.keys({ ...CONTAIN, ...DISPATCH }),
  ...Object.keys(DISPATCH).map((name) => `${name}_pending`),
])
/** linux/netfilter.h: NFPROTO_IPV4, NFPROTO_IPV6 */
const PROTOCOLS: Readonly<Record<string, number>> = { ipv4: 2, ipv6: 10 }
const LINE = /^(add|delete) element inet guise (\w+) \{ /

/** null = no line of elements, or one that nft must read. */
export function readElementLine(line: string): ElementChange | null {
  const [start, verb, set] = LINE.exec(line) ?? []
  const types = set === undefined ? null : typesOf(set)
  if (start === undefined || set === undefined || types === null) return null
  if (!line.endsWith(' }') || line.length - 2 <= start.length) return null
  const elements = readElements(
    line,
    start.length,
    line.length - 2,
    types,
    verb === 'add' && MAPS.has(set) ? 'verdicts' : 'members',
  )
  return elements === null ? null : { verb: verb as 'add' | 'delete', set, elements }
}

export function isKeyType(type: string): type is KeyType {
  return Object.hasOwn(KEY_TYPES, type)
}

function typesOf(set: string): readonly KeyType[] | null {
  if (/^class_[0-9a-f]{16}$/.test(set)) return ['ifname']
  const bucket = /^set_\w+_([46])_\d+$/.exec(set)
  const type = bucket === null ? TYPES.get(set) : bucket[1] === '4' ? 'ipv4_addr' : 'ipv6_addr'
  return (type?.split(' . ') as KeyType[] | undefined) ?? null
}

/** `KEY timeout 5ms : goto CHAIN, …`, of which all but the keys may be absent; no part of an element holds a comma. */
function readElements(
  line: string,
  start: number,
  stop: number,
  types: readonly KeyType[],
  holds: 'members' | 'verdicts',
): Elements | null {
  const rooms = types.map((type) => {
    const { bytes } = KEY_TYPES[type]
    return types.length === 1 ? bytes : (bytes + 3) & ~3
  })
  const keyBytes = rooms.reduce((sum, room) => sum + room, 0)
  // The shortest element, with what parts it from the next, is four characters long.
  let keys = new Uint8Array(keyBytes * Math.ceil((stop - start + 2) / 4))
  const timeoutsMs: number[] = []
  const verdicts: Verdict[] = []
  let count = 0
  for (let at = start; at < stop; count++) {
    const comma = line.indexOf(', ', at)
    // One at the very end has nothing behind it, and is no part of an element.
    const end = comma < 0 || comma + 2 >= stop ? stop : comma
    let place = count * keyBytes
    for (let i = 0; i < types.length; i++) {
      if (i > 0 && !line.startsWith(' . ', at)) return null
      if (i > 0) at += 3
      const space = line.indexOf(' ', at)
      const next = space < 0 || space > end ? end : space
      if (!encodePart(keys, place, types[i]!, line, at, next)) return null
      place += rooms[i]!
      at = next
    }
    if (line.startsWith(' timeout ', at)) {
      const space = line.indexOf(' ', at + 9)
      const next = space < 0 || space > end ? end : space
      const timeoutMs = readTime(line.slice(at + 9, next))
      if (timeoutMs === undefined) return null
      timeoutsMs[count] = timeoutMs
      at = next
    }
    if ((holds === 'verdicts') !== at < end) return null
    if (at < end) {
      const verdict = line.startsWith(' : ', at) ? readVerdict(line.slice(at + 3, end)) : undefined
      if (verdict === undefined) return null
      verdicts.push(verdict)
    }
    at = end + 2
  }
  keys = keys.slice(0, count * keyBytes)
  return { count, keyBytes, keys, timeoutsMs, verdicts: holds === 'verdicts' ? verdicts : null }
}

function readTime(text: string): number | undefined {
  return /^[1-9]\d{0,14}ms$/.test(text) ? Number.parseInt(text, 10) : undefined
}

const verdicts = new Map<string, Verdict>()
/** Thousands of elements name few chains. */
function readVerdict(text: string): Verdict | undefined {
  const known = verdicts.get(text)
  if (known !== undefined) return known
  const [, act, chain] = /^(goto|jump) ([A-Za-z_]\w{0,63})$/.exec(text) ?? []
  if (chain === undefined) return undefined
  const verdict = { act: act as Verdict['act'], chain }
  if (verdicts.size > 10_000) verdicts.clear()
  verdicts.set(text, verdict)
  return verdict
}

/** The key's part that stands in `line` from `from` to `to`, into room that holds zeros. */
function encodePart(keys: Uint8Array, at: number, type: KeyType, line: string, from: number, to: number): boolean {
  switch (type) {
    case 'ifname':
      return encodeFace(keys, at, line, from, to)
    case 'nf_proto': {
      const protocol = PROTOCOLS[line.slice(from, to)]
      if (protocol === undefined) return false
      keys[at] = protocol
      return true
    }
    case 'ether_addr': {
      const text = line.slice(from, to)
      if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)) return false
      for (let i = 0; i < 6; i++) keys[at + i] = Number.parseInt(text.slice(i * 3, i * 3 + 2), 16)
      return true
    }
    case 'ipv4_addr':
    case 'ipv6_addr': {
      const text = line.slice(from, to)
      const address = parseAddress(text)
      if (address === null || text.includes(':') !== (type === 'ipv6_addr')) return false
      if (type === 'ipv4_addr') writeWord(keys, at, address[3])
      else for (let i = 0; i < 4; i++) writeWord(keys, at + i * 4, address[i]!)
      return true
    }
  }
}

/** By hand, because a fleet has thousands of them, each in four lists: quotes, and 1 to 15 of `A-Z a-z 0-9 _ . -`. */
function encodeFace(keys: Uint8Array, at: number, line: string, from: number, to: number): boolean {
  const length = to - from - 2
  if (length < 1 || length > 15 || line.charCodeAt(from) !== 34 || line.charCodeAt(to - 1) !== 34) return false
  for (let i = 0; i < length; i++) {
    const code = line.charCodeAt(from + 1 + i)
    if (FACE_CODES[code] !== 1) return false
    keys[at + i] = code
  }
  return true
}
const FACE_CODES = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9_.-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

function writeWord(key: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) key[at + i] = word >>> (24 - i * 8)
}
