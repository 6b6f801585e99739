/**
 * Where addresses are, out of a MaxMind DB file (the format's own specification, version 2.0): bytes come in; which prefixes
 * belong to a country or to an autonomous system goes out. The file is an operator's, its data a stranger's: every offset is
 * checked, and what does not hold together throws a `DecodeError`.
 */
import { type Cidr, formatCidr, isV4, type Words } from '../../model/address.ts'
import { DecodeError } from '../reader.ts'

export type Located = { readonly country: string | null; readonly asn: number | null }
export type LocationFile = {
  /** What the file calls itself. */
  readonly type: string
  /** When it was made, epoch ms. */
  readonly builtAt: number
  /** What its records tell. */
  readonly tells: { readonly country: boolean; readonly asn: boolean }
  /** Every prefix whose record `wants`, in order, neighbours joined; null above `most`. */
  prefixes(wants: (located: Located) => boolean, most: number): readonly string[] | null
}

const MARK = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')
/** The metadata are in the last 128 KiB. */
const METADATA_BYTES = 128 << 10
const SEPARATOR_BYTES = 16
const MAX_DEPTH = 16
/** Values of one record, and each 32 bytes of one as another: depth alone would let it lead through itself for days. */
const MAX_VALUES = 10_000
/** Records until which one of a kind must have come. */
const LOOKED_AT = 5_000
const MAPPED = 0xffff

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

export function openLocationFile(bytes: Buffer): LocationFile {
  const mark = bytes.lastIndexOf(MARK)
  if (mark < 0 || mark < bytes.length - METADATA_BYTES - MARK.length) throw new DecodeError('no MaxMind DB', 0)
  const about = createData(bytes.subarray(mark + MARK.length)).at(0)
  const number = (name: string): number => {
    const value = isMap(about) ? about[name] : undefined
    if (typeof value !== 'number') throw new DecodeError(`its metadata have no ${name}`, mark)
    return value
  }
  const [nodes, bits, version] = [number('node_count'), number('record_size'), number('ip_version')]
  if (![24, 28, 32].includes(bits) || ![4, 6].includes(version) || number('binary_format_major_version') !== 2)
    throw new DecodeError(`a tree of ${bits} bits for IPv${version} is of no known kind`, mark)
  if (!Number.isSafeInteger(nodes) || nodes < 1) throw new DecodeError(`a tree of ${nodes} nodes is none`, mark)
  const treeBytes = (nodes * bits) / 4
  if (treeBytes + SEPARATOR_BYTES > mark)
    throw new DecodeError(`a tree of ${nodes} nodes is longer than the file`, mark)
  const data = createData(bytes.subarray(treeBytes + SEPARATOR_BYTES, mark))
  const child = childOf(bytes, bits)
  const known = new Map<number, Located>()
  const locate = (record: number): Located => {
    const found = known.get(record) ?? locatedIn(data.at(record - nodes - SEPARATOR_BYTES))
    known.set(record, found)
    return found
  }
  const walkAll = (visit: (record: number, prefix: Cidr) => boolean) => walk(child, nodes, version === 6, visit)
  const tells = { country: false, asn: false }
  let looked = 0
  walkAll((record) => {
    const { country, asn } = locate(record)
    tells.country ||= country !== null
    tells.asn ||= asn !== null
    return !(tells.country && tells.asn) && ++looked < LOOKED_AT
  })
  return {
    type: isMap(about) && typeof about.database_type === 'string' ? about.database_type : '',
    builtAt: number('build_epoch') * 1_000,
    tells,
    prefixes(wants, most) {
      const found: Cidr[] = []
      const isWanted = new Map<number, boolean>()
      walkAll((record, prefix) => {
        const wanted = isWanted.get(record) ?? wants(locate(record))
        isWanted.set(record, wanted)
        if (wanted) join(found, prefix)
        return found.length <= most
      })
      return found.length > most ? null : found.map(formatCidr)
    },
  }
}

/** Of a node, what its left (0) or right (1) record says. */
function childOf(bytes: Buffer, bits: number): (node: number, side: 0 | 1) => number {
  switch (bits) {
    case 24:
      return (node, side) => bytes.readUIntBE(node * 6 + side * 3, 3)
    case 28:
      // The middle byte holds four bits of each.
      return (node, side) => {
        const at = node * 7
        const middle = bytes[at + 3]!
        return side === 0
          ? (middle >>> 4) * 0x1000000 + bytes.readUIntBE(at, 3)
          : (middle & 15) * 0x1000000 + bytes.readUIntBE(at + 4, 3)
      }
    default:
      return (node, side) => bytes.readUInt32BE(node * 8 + side * 4)
  }
}

/**
 * Depth first, left before right: prefixes come in order. Below ::/96 is IPv4; other prefixes that lead to the same node
 * (6to4, mapped addresses) are aliases, and are left out.
 */
function walk(
  child: (node: number, side: 0 | 1) => number,
  nodes: number,
  isV6: boolean,
  visit: (record: number, prefix: Cidr) => boolean,
): void {
  let v4 = 0
  for (let i = 0; isV6 && i < 96 && v4 < nodes; i++) v4 = child(v4, 0)
  const open: { node: number; depth: number; words: Words }[] = [
    { node: 0, depth: isV6 ? 0 : 96, words: [0, 0, isV6 ? 0 : MAPPED, 0] },
  ]
  let steps = 0
  while (open.length > 0) {
    const { node, depth, words } = open.pop()!
    if (node === nodes) continue
    if (node > nodes) {
      if (!visit(node, { base: words, length: depth })) return
      continue
    }
    if (depth >= 128 || ++steps > nodes * 2 + 256) throw new DecodeError('its tree runs in circles', node)
    if (isV6 && node === v4 && depth === 96 && (words[0] | words[1] | words[2]) === 0) {
      open.push({ node: child(node, 1), depth: 97, words: [0, 0, MAPPED, 0x80000000] })
      open.push({ node: child(node, 0), depth: 97, words: [0, 0, MAPPED, 0] })
      continue
    }
    if (isV6 && node === v4 && depth <= 96) continue
    const right: [number, number, number, number] = [...words]
    right[depth >> 5] = (right[depth >> 5]! | (0x80000000 >>> (depth & 31))) >>> 0
    open.push({ node: child(node, 1), depth: depth + 1, words: right })
    open.push({ node: child(node, 0), depth: depth + 1, words })
  }
}

/** Two halves of one prefix are that prefix. */
function join(found: Cidr[], next: Cidr): void {
  let last = next
  for (let before = found.at(-1); before !== undefined && isLeftOf(before, last); before = found.at(-1)) {
    found.pop()
    last = { base: before.base, length: before.length - 1 }
  }
  found.push(last)
}

function isLeftOf(left: Cidr, right: Cidr): boolean {
  // A whole family is never joined with another.
  const isWhole = left.length === 96 && (isV4(left.base) || isV4(right.base))
  if (left.length !== right.length || left.length === 0 || isWhole) return false
  const bit = left.length - 1
  const word = bit >> 5
  const mask = 0x80000000 >>> (bit & 31)
  return (
    left.base.every((one, i) => (i === word ? (one | mask) >>> 0 : one) === right.base[i]) &&
    (left.base[word]! & mask) === 0
  )
}

/** By the words of GeoLite2, DB-IP and IPtoASN: `country.iso_code` or `country_code`, `autonomous_system_number`. */
function locatedIn(value: Value): Located {
  if (!isMap(value)) return { country: null, asn: null }
  const nested = isMap(value.country) ? value.country.iso_code : undefined
  const country = nested ?? value.country_code ?? value.country
  const said = value.autonomous_system_number ?? value.asn
  const asn = typeof said === 'number' || typeof said === 'string' ? Number(said) : Number.NaN
  return {
    country: typeof country === 'string' && /^[A-Za-z]{2}$/.test(country) ? country.toUpperCase() : null,
    asn: Number.isInteger(asn) && asn > 0 ? asn : null,
  }
}

function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Values of the data section, by their offset in it. */
function createData(bytes: Buffer): { at(offset: number): Value } {
  const need = (at: number, length: number): number => {
    if (at < 0 || at + length > bytes.length) throw new DecodeError('a record leads out of the file', at)
    return at
  }
  let left = MAX_VALUES
  const spend = (start: number, values: number) => {
    left -= values
    if (left < 0) throw new DecodeError('a record is too large', start)
  }
  const read = (start: number, depth: number): readonly [Value, number] => {
    if (depth > MAX_DEPTH) throw new DecodeError('a record nests too deep', start)
    spend(start, 1)
    const control = bytes[need(start, 1)]!
    let at = start + 1
    let type = control >>> 5
    if (type === 1) {
      const extra = (control >>> 3) & 3
      need(at, extra + 1)
      const low = control & 7
      const [bias, high] = [[0, 2048, 526_336, 0][extra]!, extra === 3 ? 0 : low * 2 ** (8 * (extra + 1))]
      const pointer = high + bytes.readUIntBE(at, extra + 1) + bias
      return [read(pointer, depth + 1)[0], at + extra + 1]
    }
    if (type === 0) type = bytes[need(at++, 1)]! + 7
    let size = control & 31
    if (size >= 29) {
      const more = size - 28
      size = [29, 285, 65_821][more - 1]! + bytes.readUIntBE(need(at, more), more)
      at += more
    }
    switch (type) {
      case 2:
        spend(start, size >>> 5)
        return [bytes.toString('utf8', need(at, size), at + size), at + size]
      case 3:
        return [bytes.readDoubleBE(need(at, 8)), at + 8]
      case 5:
      case 6:
      case 8:
      case 9:
      case 10: {
        need(at, size)
        spend(start, size >>> 5)
        let value = 0
        for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!
        return [value, at + size]
      }
      case 7: {
        const map: Record<string, Value> = Object.create(null)
        for (let i = 0; i < size; i++) {
          const [key, behind] = read(at, depth + 1)
          const [value, end] = read(behind, depth + 1)
          if (typeof key === 'string') map[key] = value
          at = end
        }
        return [map, at]
      }
      case 11: {
        const list: Value[] = []
        for (let i = 0; i < size; i++) {
          const [value, end] = read(at, depth + 1)
          list.push(value)
          at = end
        }
        return [list, at]
      }
      case 14:
        return [size === 1, at]
      case 15:
        return [bytes.readFloatBE(need(at, 4)), at + 4]
      case 4:
        return [null, need(at, size) + size]
      default:
        throw new DecodeError(`a value of type ${type}`, start)
    }
  }
  return {
    at(offset) {
      left = MAX_VALUES
      return read(offset, 0)[0]
    },
  }
}
