/** Writes a small MaxMind DB, so that tests need nobody's data (the format's specification, version 2.0). */
import { parseCidr } from '../../model/address.ts'

type Record = { readonly [key: string]: string | number | Record }
type Tree = [Tree | number | null, Tree | number | null]

/** `bits`: 24, 28 or 32 a record. Entries must not overlap. */
export function writeMmdb(entries: readonly (readonly [cidr: string, record: Record])[], bits: number): Buffer {
  const data: Buffer[] = []
  const offsets = new Map<string, number>()
  const offsetOf = (record: Record): number => {
    const text = JSON.stringify(record)
    const known = offsets.get(text)
    if (known !== undefined) return known
    const at = data.reduce((sum, one) => sum + one.length, 0)
    offsets.set(text, at)
    data.push(encode(record))
    return at
  }
  const root: Tree = [null, null]
  for (const [text, record] of entries) {
    const { base, length } = parseCidr(text)!
    // IPv4 stands at ::/96, not where it is mapped.
    const words = text.includes(':') ? base : [0, 0, 0, base[3]]
    let node = root
    for (let i = 0; i < length; i++) {
      const side = (words[i >> 5]! >>> (31 - (i & 31))) & 1
      if (i === length - 1) node[side] = offsetOf(record)
      else {
        const next = node[side]
        const below: Tree = Array.isArray(next) ? next : [null, null]
        node[side] = below
        node = below
      }
    }
  }
  const nodes: Tree[] = []
  const number = (node: Tree) => {
    nodes.push(node)
    for (const child of node) if (Array.isArray(child)) number(child)
  }
  number(root)
  const written = (child: Tree[0]) =>
    child === null ? nodes.length : Array.isArray(child) ? nodes.indexOf(child) : nodes.length + 16 + child
  const tree = nodes.map(([left, right]) => pair(written(left), written(right), bits))
  return mmdbOf(Buffer.concat(tree), Buffer.concat(data), { node_count: nodes.length, record_size: bits })
}

/** A file of just these bytes, whatever they are. */
export function mmdbOf(tree: Buffer, data: Buffer, sizes: { node_count: number; record_size: number }): Buffer {
  const about = { ...sizes, ip_version: 6, binary_format_major_version: 2 }
  const metadata = encode({ ...about, build_epoch: 1_700_000_000, database_type: 'test' })
  const mark = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')
  return Buffer.concat([tree, Buffer.alloc(16), data, mark, metadata])
}

/** One record, of lists that lead to lists: a few bytes for `each` to the power of `levels` values. */
export function wideMmdb(each: number, levels: number): Buffer {
  const lists = Array.from({ length: levels }, (_, i) => {
    const to = (i + 1) * (2 + each * 2)
    const pointer = [(1 << 5) | (to >> 8), to & 255]
    // A list is an extended type, 11.
    return Buffer.from([each, 11 - 7, ...Array.from({ length: each }, () => pointer).flat()])
  })
  return mmdbOf(pair(1 + 16, 1, 24), Buffer.concat([...lists, encode('end')]), { node_count: 1, record_size: 24 })
}

function pair(left: number, right: number, bits: number): Buffer {
  const out = Buffer.alloc(bits / 4)
  if (bits === 28) {
    out.writeUIntBE(left & 0xffffff, 0, 3)
    out[3] = ((left >>> 24) << 4) | (right >>> 24)
    out.writeUIntBE(right & 0xffffff, 4, 3)
  } else {
    out.writeUIntBE(left, 0, bits / 8)
    out.writeUIntBE(right, bits / 8, bits / 8)
  }
  return out
}

function encode(value: string | number | Record): Buffer {
  if (typeof value === 'string') return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(Number.isInteger(value) ? 4 : 8)
    if (bytes.length === 8) return Buffer.concat([Buffer.from([(3 << 5) | bytes.writeDoubleBE(value)]), bytes])
    bytes.writeUInt32BE(value)
    return Buffer.concat([Buffer.from([(6 << 5) | 4]), bytes])
  }
  const parts = Object.entries(value).flatMap(([key, one]) => [encode(key), encode(one)])
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(value).length]), ...parts])
}
