/**
 * One rule as `compile` writes it comes in; the same as the kernel's expressions goes out, for `nft-batch.ts`. null for
 * anything that is not known for certain: then nft reads the text. What nft would write before a match by itself (which
 * family, which protocol) is written here too, so that both lead to the same rule.
 */
import { parseAddress, parseCidr } from '../model/address.ts'
import type { Act, Expression, Limit, Register, Rule } from '../netlink/nft-expression.ts'

/** Thousands of rules are made of few different parts, and an expression never changes. */
const KEPT = 20_000
const TOKEN = /"[^"]*"|[^\s"]+|"/g
const NAME = /^[A-Za-z_]\w{0,63}$/
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, sctp: 132 }
const FAMILIES: Readonly<Record<string, number>> = { ipv4: 2, ipv6: 10 }
/** enum ip_conntrack_info and nf_conntrack_common.h, as `ct state` numbers them. */
const STATES: Readonly<Record<string, number>> = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 }
const CONFIRMED = 8
const RST = 4
const ETHERNET = 1

type Reading = {
  readonly words: readonly string[]
  at: number
  readonly found: Expression[]
  comment: string | null
  /** What a match before has made certain. */
  family: number | null
  protocol: number | null
  isEthernet: boolean
}

export function readRule(line: string): Rule | null {
  const words = line.match(TOKEN)
  if (words === null) return null
  const reading: Reading = { words, at: 0, found: [], comment: null, family: null, protocol: null, isEthernet: false }
  while (reading.at < words.length) if (!readPart(reading)) return null
  return { expressions: reading.found, comment: reading.comment }
}

const take = (reading: Reading): string => reading.words[reading.at++] ?? ''

function next(reading: Reading, ...wanted: readonly string[]): boolean {
  if (wanted.some((word, i) => reading.words[reading.at + i] !== word)) return false
  reading.at += wanted.length
  return true
}

function readPart(reading: Reading): boolean {
  const { found } = reading
  const word = take(reading)
  switch (word) {
    case 'accept':
    case 'drop':
    case 'return':
      found.push(decide({ act: word }))
      return true
    case 'jump':
    case 'goto': {
      const chain = take(reading)
      if (!NAME.test(chain)) return false
      found.push(decide({ act: word, chain }))
      return true
    }
    case 'counter':
      found.push(COUNT)
      return true
    case 'comment': {
      const text = unquoted(take(reading))
      if (text === null || reading.at !== reading.words.length) return false
      reading.comment = text
      return true
    }
    case 'meta':
      return readMeta(reading)
    case 'iifname':
    case 'oifname':
      return readFace(reading, word)
    case 'ct':
      return readConntrack(reading)
    case 'limit': {
      const limit = readLimit(reading)
      if (limit !== null) found.push({ does: 'limit', limit })
      return limit !== null
    }
    case 'log':
      return readLog(reading)
    case 'reject':
      return readReject(reading)
    case 'update':
      return readUpdate(reading)
    default:
      return readHeader(reading, word)
  }
}

function readMeta(reading: Reading): boolean {
  const key = take(reading)
  if (key !== 'nfproto' && key !== 'l4proto') return false
  reading.found.push(META[key])
  if (key === 'nfproto' && /^(!=|@|vmap$)/.test(reading.words[reading.at] ?? '')) return readLookup(reading)
  const value = (key === 'nfproto' ? FAMILIES : PROTOCOLS)[take(reading)]
  if (value === undefined) return false
  reading.found.push(equal(value))
  if (key === 'nfproto') reading.family = value
  else reading.protocol = value
  return true
}

function readFace(reading: Reading, key: 'iifname' | 'oifname'): boolean {
  const { found, words } = reading
  if (words[reading.at] !== '.') {
    found.push(META[key])
    if (!words[reading.at]?.startsWith('"')) return readLookup(reading)
    const name = unquoted(take(reading))
    if (name === null || !/^[A-Za-z0-9_.-]{1,15}$/.test(name)) return false
    const value = new Uint8Array(16)
    for (let i = 0; i < name.length; i++) value[i] = name.charCodeAt(i)
    found.push({ does: 'compare', how: '==', value })
    return true
  }
  return readJoined(reading, key) && readLookup(reading)
}

type Load = Extract<Expression, { does: 'ct' | 'payload' }>
type Key = { readonly load: Load; readonly behind: Register }

/** An interface's name and what stands behind it, in registers that are one piece. */
function readJoined(reading: Reading, face: 'iifname' | 'oifname'): boolean {
  const loads: Load[] = []
  let register: Register | null = 'behindFace'
  while (next(reading, '.')) {
    const part: Key | null = register === null ? null : readKey(reading)
    if (register === null || part === null) return false
    loads.push({ ...part.load, register })
    register = register === 'behindFace' ? part.behind : null
  }
  reading.found.push(META[face], ...loads)
  return true
}

function readKey(reading: Reading): Key | null {
  if (next(reading, 'ct', 'original')) {
    const load = readEnd(reading)
    return load === null ? null : { load, behind: load.key.endsWith('V4') ? 'behindV4' : 'behindV6' }
  }
  if (next(reading, 'ether', 'saddr')) {
    needEthernet(reading)
    return { load: payload('link', 6, 6), behind: 'behindV6' }
  }
  const [family, end] = [take(reading), take(reading)]
  const offset = HEADER_ENDS[`${family} ${end}`]
  if (offset === undefined) return null
  const isV4 = family === 'ip'
  needFamily(reading, isV4 ? 'ipv4' : 'ipv6')
  return { load: payload('network', offset, isV4 ? 4 : 16), behind: isV4 ? 'behindV4' : 'behindV6' }
}

function readConntrack(reading: Reading): boolean {
  const { found } = reading
  switch (take(reading)) {
    case 'direction': {
      const value = { original: 0, reply: 1 }[take(reading)]
      if (value === undefined) return false
      found.push(ct('direction'), equal(value))
      return true
    }
    case 'state': {
      const states = take(reading).split(',')
      const bits = states.reduce((sum, name) => sum | (STATES[name] ?? Number.NaN), 0)
      if (states.some((name) => STATES[name] === undefined)) return false
      found.push(ct('state'), mask(little(bits)), { does: 'compare', how: '!=', value: little(0) })
      return true
    }
    case 'status':
      if (!next(reading, '!', 'confirmed')) return false
      found.push(ct('status'), mask(little(CONFIRMED)), { does: 'compare', how: '==', value: little(0) })
      return true
    case 'original': {
      if (next(reading, 'proto-dst')) {
        found.push(PROTO_DST)
        return readRange(reading, 2)
      }
      const end = readEnd(reading)
      if (end === null) return false
      found.push(end)
      return readAddress(reading, end.key.endsWith('V4') ? 4 : 6)
    }
    default:
      return false
  }
}

type ConntrackLoad = Extract<Expression, { does: 'ct' }>

/** `ip daddr` and its like, of the original tuple. */
function readEnd(reading: Reading): ConntrackLoad | null {
  const [family, end] = [take(reading), take(reading)]
  return ENDS[`${family} ${end}`] ?? null
}

/** What is in register 1 is an address: `@set`, `& MASK @set`, `ADDRESS` or `ADDRESS/LENGTH`. */
function readAddress(reading: Reading, family: 4 | 6): boolean {
  if (next(reading, '&')) {
    const bits = addressBytes(take(reading), family)
    if (bits === null) return false
    reading.found.push(mask(bits))
    return readLookup(reading)
  }
  if (reading.words[reading.at]?.startsWith('@')) return readLookup(reading)
  const text = take(reading)
  const parsed = parseCidr(text)
  const address = addressBytes(text.split('/')[0]!, family)
  if (parsed === null || address === null) return false
  const length = family === 4 ? parsed.length - 96 : parsed.length
  // Whole bytes are compared as such, the way nft does it.
  if (length % 8 !== 0) reading.found.push(mask(prefixMask(length, address.length)))
  const value = length % 8 === 0 ? address.subarray(0, length / 8) : address
  reading.found.push({ does: 'compare', how: '==', value })
  return length > 0
}

function prefixMask(length: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, length - i * 8))) & 255)
}

function addressBytes(text: string, family: 4 | 6): Uint8Array | null {
  const words = parseAddress(text)
  if (words === null || text.includes(':') !== (family === 6)) return null
  return Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, i) => {
    const word = family === 4 ? words[3]! : words[i >> 2]!
    return (word >>> (24 - (i & 3) * 8)) & 255
  })
}

function readLookup(reading: Reading): boolean {
  const first = take(reading)
  const wants = first === 'vmap' ? 'verdict' : first === '!=' ? 'outside' : 'inside'
  const set = wants === 'inside' ? first : take(reading)
  if (!set.startsWith('@') || !NAME.test(set.slice(1))) return false
  reading.found.push(keep(`${wants} ${set}`, () => ({ does: 'lookup', set: set.slice(1), wants })))
  return true
}

/** `N` or `N-M`, of so many bytes in the order of the network. */
function readRange(reading: Reading, bytes: 1 | 2): boolean {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(take(reading)) ?? []
  if (from === undefined || Number(to ?? from) >= 256 ** bytes || Number(to ?? from) < Number(from)) return false
  const compare = (how: '==' | '>=' | '<=', text: string): Expression =>
    keep(`${how} ${text} ${bytes}`, () => {
      const number = Number(text)
      return { does: 'compare', how, value: bytes === 1 ? Uint8Array.of(number) : Uint8Array.of(number >> 8, number) }
    })
  if (to === undefined) reading.found.push(compare('==', from))
  else reading.found.push(compare('>=', from), compare('<=', to))
  return true
}

function readLimit(reading: Reading): Limit | null {
  if (!next(reading, 'rate')) return null
  const matches = next(reading, 'over') ? 'over' : 'below'
  const first = take(reading)
  const count = /^(\d{1,15})(\/second)?$/.exec(first)
  if (count === null) return null
  const rate = Number(count[1])
  if (count[2] === undefined)
    return next(reading, 'bytes/second') && rate > 0 ? { rate, unit: 'bytes', burst: 0, matches } : null
  const burst = next(reading, 'burst') ? Number(take(reading)) : Number.NaN
  const isWhole = Number.isInteger(burst) && burst > 0 && burst < 2 ** 32 && rate > 0
  return isWhole && next(reading, 'packets') ? { rate, unit: 'packets', burst, matches } : null
}

function readLog(reading: Reading): boolean {
  const prefix = next(reading, 'prefix') ? unquoted(take(reading)) : null
  const group = next(reading, 'group') ? readShort(reading) : null
  const snaplen = next(reading, 'snaplen') ? readShort(reading) : null
  if (prefix === null || group === null || snaplen === null) return false
  const isTold = next(reading, 'queue-threshold')
  const threshold = isTold ? readShort(reading) : null
  if (isTold && threshold === null) return false
  reading.found.push({ does: 'log', prefix, group, snaplen, threshold })
  return true
}

function readShort(reading: Reading): number | null {
  const text = take(reading)
  return /^\d{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : null
}

function readReject(reading: Reading): boolean {
  if (next(reading, 'with', 'tcp', 'reset')) {
    if (reading.protocol !== PROTOCOLS.tcp) return false
    reading.found.push({ does: 'reject', by: 'tcp-reset' })
    return true
  }
  if (!next(reading, 'with', 'icmpx', 'admin-prohibited')) return false
  reading.found.push({ does: 'reject', by: 'admin-prohibited' })
  return true
}

function readUpdate(reading: Reading): boolean {
  const set = take(reading)
  if (!set.startsWith('@') || !NAME.test(set.slice(1)) || !next(reading, '{')) return false
  const face = take(reading)
  if ((face !== 'iifname' && face !== 'oifname') || !readJoined(reading, face) || !next(reading, 'limit')) return false
  const limit = readLimit(reading)
  if (limit === null || !next(reading, '}')) return false
  reading.found.push({ does: 'update', set: set.slice(1), limit })
  return true
}

/** Fields of the packet itself, of which the table's own chains know a few. */
function readHeader(reading: Reading, word: string): boolean {
  const { found } = reading
  const field = take(reading)
  switch (`${word} ${field}`) {
    case 'ip saddr':
      needFamily(reading, 'ipv4')
      found.push(payload('network', 12, 4))
      return readAddress(reading, 4)
    case 'ip6 saddr':
      needFamily(reading, 'ipv6')
      found.push(payload('network', 8, 16))
      return readAddress(reading, 6)
    case 'ip6 hoplimit':
      needFamily(reading, 'ipv6')
      found.push(payload('network', 7, 1))
      return readRange(reading, 1)
    case 'icmpv6 type':
      needFamily(reading, 'ipv6')
      needProtocol(reading, 'ipv6-icmp')
      found.push(payload('transport', 0, 1))
      return readRange(reading, 1)
    case 'udp sport':
    case 'udp dport':
      needProtocol(reading, 'udp')
      found.push(payload('transport', field === 'sport' ? 0 : 2, 2))
      return readRange(reading, 2)
    case 'tcp flags':
      if (!next(reading, '&', 'rst', '==', 'rst')) return false
      needProtocol(reading, 'tcp')
      found.push(payload('transport', 13, 1), mask(Uint8Array.of(RST)), equal(RST))
      return true
    default:
      return false
  }
}

function needFamily(reading: Reading, family: string): void {
  if (reading.family === FAMILIES[family]) return
  reading.family = FAMILIES[family]!
  reading.found.push(META.nfproto, equal(reading.family))
}

function needEthernet(reading: Reading): void {
  if (reading.isEthernet) return
  reading.isEthernet = true
  reading.found.push(
    { does: 'meta', key: 'iiftype' },
    { does: 'compare', how: '==', value: Uint8Array.of(ETHERNET, 0) },
  )
}

function needProtocol(reading: Reading, protocol: string): void {
  if (reading.protocol === PROTOCOLS[protocol]) return
  reading.protocol = PROTOCOLS[protocol]!
  reading.found.push(META.l4proto, equal(reading.protocol))
}

function unquoted(text: string): string | null {
  return text.length > 1 && text.startsWith('"') && /^[\x20-\x7e]{0,120}$/.test(text) ? text.slice(1, -1) : null
}

const kept = new Map<string, Expression>()
function keep(key: string, make: () => Expression): Expression {
  let expression = kept.get(key)
  if (expression === undefined) {
    if (kept.size > KEPT) kept.clear()
    expression = make()
    kept.set(key, expression)
  }
  return expression
}

const decide = (verdict: Act): Expression =>
  keep('chain' in verdict ? `${verdict.act} ${verdict.chain}` : verdict.act, () => ({ does: 'decide', verdict }))
const equal = (value: number): Expression =>
  keep(`equal ${value}`, () => ({ does: 'compare', how: '==', value: Uint8Array.of(value) }))
const mask = (bits: Uint8Array): Expression => ({ does: 'mask', mask: bits })
const little = (value: number) => Uint8Array.of(value, 0, 0, 0)
const ct = (key: 'direction' | 'state' | 'status'): Expression => ({
  does: 'ct',
  key,
  original: false,
  register: 'first',
})
const payload = (base: 'link' | 'network' | 'transport', offset: number, bytes: number): Load => ({
  does: 'payload',
  base,
  offset,
  bytes,
  register: 'first',
})
/** Where an address stands in the header of a packet. */
const HEADER_ENDS: Readonly<Record<string, number>> = {
  'ip saddr': 12,
  'ip daddr': 16,
  'ip6 saddr': 8,
  'ip6 daddr': 24,
}
const META = Object.fromEntries(
  (['iifname', 'oifname', 'nfproto', 'l4proto'] as const).map((key) => [key, { does: 'meta', key }]),
) as Readonly<Record<'iifname' | 'oifname' | 'nfproto' | 'l4proto', Expression>>
const COUNT: Expression = { does: 'count' }
const tuple = (key: ConntrackLoad['key']): ConntrackLoad => ({ does: 'ct', key, original: true, register: 'first' })
const PROTO_DST = tuple('protoDst')
const ENDS: Readonly<Record<string, ConntrackLoad>> = {
  'ip saddr': tuple('sourceV4'),
  'ip daddr': tuple('destinationV4'),
  'ip6 saddr': tuple('sourceV6'),
  'ip6 daddr': tuple('destinationV6'),
}
