/** Lists of networks as sets of addresses: both of two, and one without another. Feeds hold a million, so nothing is compared with everything. */
import { type Cidr, cidrContains, formatCidr, isV4, parseCidr, type Words } from '../../model/address.ts'

type Index = { readonly lengths: readonly number[]; readonly bases: ReadonlySet<string> }

/** Canonical or not; what is no network is passed over. */
export function both(a: readonly string[], b: readonly string[]): string[] {
  const [left, right] = [parsed(a), parsed(b)]
  const [inLeft, inRight] = [indexOf(left), indexOf(right)]
  return texts([...left.filter((one) => isCovered(one, inRight)), ...right.filter((one) => isCovered(one, inLeft))])
}

export function without(a: readonly string[], b: readonly string[]): string[] {
  const holes = parsed(b)
  const index = indexOf(holes)
  return texts(
    parsed(a).flatMap((one) => {
      if (isCovered(one, index)) return []
      const inside = holes.filter((hole) => hole.length > one.length && isInside(hole, one))
      return inside.length === 0 ? [one] : split(one, inside)
    }),
  )
}

/** A network cut into halves until no half holds a hole in part. */
function split(one: Cidr, holes: readonly Cidr[]): Cidr[] {
  return halves(one).flatMap((half) => {
    if (holes.some((hole) => hole.length <= half.length && isInside(half, hole))) return []
    const inside = holes.filter((hole) => isInside(hole, half))
    return inside.length === 0 ? [half] : split(half, inside)
  })
}

function halves({ base, length }: Cidr): Cidr[] {
  const upper = [...base] as [number, number, number, number]
  const word = length >>> 5
  upper[word] = (upper[word]! | (1 << (31 - (length & 31)))) >>> 0
  return [
    { base, length: length + 1 },
    { base: upper, length: length + 1 },
  ]
}

function isInside(inner: Cidr, outer: Cidr): boolean {
  return isV4(inner.base) === isV4(outer.base) && inner.length >= outer.length && cidrContains(outer, inner.base)
}

function indexOf(all: readonly Cidr[]): Index {
  return { lengths: [...new Set(all.map((one) => one.length))], bases: new Set(all.map(keyOf)) }
}

const keyOf = ({ base, length }: Cidr) => `${isV4(base)} ${base.join()} ${length}`

function isCovered(one: Cidr, { lengths, bases }: Index): boolean {
  const v4 = isV4(one.base)
  return lengths.some(
    (length) =>
      length <= one.length && (!v4 || length >= 96) && bases.has(keyOf({ base: masked(one.base, length), length })),
  )
}

function masked(words: Words, length: number): Words {
  const word = (i: number) => {
    const bits = Math.min(32, Math.max(0, length - i * 32))
    return bits === 0 ? 0 : (words[i]! & (0xffffffff << (32 - bits))) >>> 0
  }
  return [word(0), word(1), word(2), word(3)]
}

function parsed(list: readonly string[]): Cidr[] {
  return list.flatMap((text) => parseCidr(text) ?? [])
}

function texts(list: readonly Cidr[]): string[] {
  return [...new Set(list.map(formatCidr))].sort()
}
