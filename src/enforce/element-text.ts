/**
 * Text that `compile` wrote comes in; when it does nothing but add, delete and flush elements of sets and maps whose
 * type is known, the same as `ElementChange`s goes out. The text stays the contract: the journal keeps it, every loader
 * takes it, and what this reader does not know for certain it leaves to nft.
 */
import { CONTAIN, DISPATCH, MEMBER_SETS, REFLEX_SETS, TABLE } from '../compile/base.ts'
import { parseAddress } from '../model/address.ts'
import type { Element, ElementChange, Verdict } from '../netlink/nft-batch.ts'

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
const LINE = /^(?:flush (?:set|map)|(add|delete) element) (inet \w+) (\w+)(?: \{ (.*) \})?$/

/** null = not for this way in. */
export function readElementText(text: string): ElementChange[] | null {
  const changes: ElementChange[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, verb, table, set, body] = LINE.exec(line) ?? []
    if (set === undefined || table !== TABLE) return null
    const types = typesOf(set)
    if (types === null || (verb === undefined) !== (body === undefined)) return null
    if (verb === undefined || body === undefined) {
      changes.push({ verb: 'flush', set })
      continue
    }
    const elements = readElements(body, types, verb === 'add' && MAPS.has(set))
    if (elements === null) return null
    changes.push({ verb: verb as 'add' | 'delete', set, elements })
  }
  return changes
}

function typesOf(set: string): readonly string[] | null {
  if (/^class_[0-9a-f]{16}$/.test(set)) return ['ifname']
  const bucket = /^set_\w+_([46])_\d+$/.exec(set)
  const type = bucket === null ? TYPES.get(set) : bucket[1] === '4' ? 'ipv4_addr' : 'ipv6_addr'
  return type?.split(' . ') ?? null
}

/** A chain, an interface name and an address hold no comma, so none ends an element early. */
function readElements(body: string, types: readonly string[], wantsVerdict: boolean): Element[] | null {
  const elements: Element[] = []
  for (let from = 0; from < body.length; ) {
    const comma = body.indexOf(', ', from)
    const end = comma < 0 ? body.length : comma
    const element = readElement(body.slice(from, end), types)
    if (element === null || wantsVerdict !== (element.verdict !== null)) return null
    elements.push(element)
    from = end + 2
  }
  return elements
}

/** `KEY timeout 5ms : goto CHAIN`, of which all but the key may be absent. */
function readElement(text: string, types: readonly string[]): Element | null {
  const colon = text.indexOf(' : ')
  const before = colon < 0 ? text : text.slice(0, colon)
  const time = before.indexOf(' timeout ')
  const key = encodeKey(time < 0 ? before : before.slice(0, time), types)
  const timeoutMs = time < 0 ? null : readTime(before.slice(time + 9))
  const verdict = colon < 0 ? null : readVerdict(text.slice(colon + 3))
  return key === null || timeoutMs === undefined || verdict === undefined ? null : { key, timeoutMs, verdict }
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

const BYTES: Readonly<Record<string, number>> = { ifname: 16, ipv4_addr: 4, ipv6_addr: 16, nf_proto: 1, ether_addr: 6 }

function encodeKey(words: string, types: readonly string[]): Buffer | null {
  const [only] = types
  if (types.length === 1) {
    const key = Buffer.alloc(BYTES[only!]!)
    return encodePart(key, 0, only!, words) ? key : null
  }
  const parts = words.split(' . ')
  if (parts.length !== types.length) return null
  // A concatenation pads each of its parts.
  const rooms = types.map((type) => (BYTES[type]! + 3) & ~3)
  const key = Buffer.alloc(rooms.reduce((sum, room) => sum + room, 0))
  let at = 0
  for (const [i, type] of types.entries()) {
    if (!encodePart(key, at, type, parts[i]!)) return null
    at += rooms[i]!
  }
  return key
}

const FACE = /^"[A-Za-z0-9_.-]{1,15}"$/

function encodePart(key: Buffer, at: number, type: string, text: string): boolean {
  switch (type) {
    case 'ifname': {
      if (!FACE.test(text)) return false
      for (let i = 1; i < text.length - 1; i++) key[at + i - 1] = text.charCodeAt(i)
      return true
    }
    case 'nf_proto': {
      const protocol = PROTOCOLS[text]
      if (protocol === undefined) return false
      key[at] = protocol
      return true
    }
    case 'ether_addr': {
      if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)) return false
      key.write(text.replaceAll(':', ''), at, 'hex')
      return true
    }
    case 'ipv4_addr':
    case 'ipv6_addr': {
      const address = parseAddress(text)
      if (address === null || text.includes(':') !== (type === 'ipv6_addr')) return false
      if (type === 'ipv4_addr') key.writeUInt32BE(address[3]!, at)
      else for (let i = 0; i < 4; i++) key.writeUInt32BE(address[i]!, at + i * 4)
      return true
    }
    default:
      return false
  }
}
