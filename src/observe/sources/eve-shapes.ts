/**
 * Lines of one sensor are alike in all but their values: what stands between the values is kept as a tree, so that a line of
 * a shape seen before is compared instead of read. A branch is the bytes up to a value (or to the end of the line); texts and
 * whole numbers are values, everything else (words, empty lists) is part of what stands between.
 */
import { viewOf } from './bytes-view.ts'
import { countEnd, textEnd, wholeNumber, ZERO } from './eve-bytes.ts'

export type Values = {
  readonly kind: Uint8Array
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly count: Float64Array
}

/** Where the values of a line are, in order, as a walk over it found them. */
export type Steps = {
  count: number
  /** False when the line is not to be kept: it has more values, or some that are not of these kinds. */
  fits: boolean
  /** Offsets of each value, a text without its quotes. */
  readonly from: Uint32Array
  readonly to: Uint32Array
  /** −1 = not wanted. */
  readonly slot: Int16Array
  readonly isText: Uint8Array
}

export const MOST_VALUES = 128
/** A sensor has some dozens of shapes, of some 30 values each, which share their beginnings. */
const MOST_BRANCHES = 2_048
/** What is tried at one place of a line, at most. */
const MOST_WAYS = 16

export const createSteps = (): Steps => ({
  count: 0,
  fits: true,
  from: new Uint32Array(MOST_VALUES),
  to: new Uint32Array(MOST_VALUES),
  slot: new Int16Array(MOST_VALUES),
  isText: new Uint8Array(MOST_VALUES),
})

type Branch = {
  readonly literal: Uint8Array
  readonly words: DataView
  /** `end`: the line ends here. */
  readonly value: 'text' | 'count' | 'end'
  readonly slot: number
  /** Of a line that ends here: what it has of what is wanted. */
  readonly kinds: Uint8Array | null
  /** What may come behind the value. */
  next: Branch | null
  /** What may stand here instead. */
  other: Branch | null
}

export type Shapes = {
  /** False when the line is of no shape that is known: then nothing of `values` holds. */
  read(bytes: Uint8Array, from: number, to: number, values: Values): boolean
  /** Keeps the shape of a line that was walked over, while there is room. */
  learn(bytes: Uint8Array, from: number, to: number, steps: Steps, kinds: Uint8Array): void
}

export function createShapes(): Shapes {
  return new Tree()
}

class Tree implements Shapes {
  #root: Branch | null = null
  #branches = 0

  read(bytes: Uint8Array, from: number, to: number, values: Values): boolean {
    const view = viewOf(bytes)
    let at = from
    for (let branch = this.#root; branch !== null; ) {
      const begin = at + branch.literal.length
      if (begin > to || !isLiteral(branch, view, at)) {
        branch = branch.other
        continue
      }
      if (branch.kinds !== null) {
        if (begin === to) {
          values.kind.set(branch.kinds)
          return true
        }
        branch = branch.other
        continue
      }
      const end = branch.value === 'text' ? textEnd(bytes, begin) : numberEnd(bytes, begin, branch.slot, values)
      if (end < 0) {
        branch = branch.other
        continue
      }
      if (branch.slot >= 0) {
        values.from[branch.slot] = begin
        values.to[branch.slot] = end
      }
      at = end
      branch = branch.next
    }
    return false
  }

  learn(bytes: Uint8Array, from: number, to: number, steps: Steps, kinds: Uint8Array): void {
    if (!steps.fits) return
    let above: Branch | null = null
    let at = from
    for (let i = 0; i <= steps.count; i++) {
      const isEnd = i === steps.count
      const value = isEnd ? 'end' : steps.isText[i] === 1 ? 'text' : 'count'
      const literal = bytes.subarray(at, isEnd ? to : steps.from[i]!)
      const branch = this.#branchOf(above, literal, value, isEnd ? -1 : steps.slot[i]!, kinds)
      if (branch === null) return
      above = branch
      at = steps.to[i]!
    }
  }

  /** Null when there is no room for another. */
  #branchOf(
    above: Branch | null,
    literal: Uint8Array,
    value: Branch['value'],
    slot: number,
    kinds: Uint8Array,
  ): Branch | null {
    let last: Branch | null = null
    let ways = 0
    for (let branch = above === null ? this.#root : above.next; branch !== null; branch = branch.other) {
      if (branch.value === value && branch.slot === slot && Buffer.compare(branch.literal, literal) === 0) return branch
      last = branch
      ways++
    }
    if (ways >= MOST_WAYS || this.#branches >= MOST_BRANCHES) return null
    this.#branches++
    const own = Uint8Array.from(literal)
    const branch: Branch = {
      literal: own,
      words: new DataView(own.buffer),
      value,
      slot,
      kinds: value === 'end' ? Uint8Array.from(kinds) : null,
      next: null,
      other: null,
    }
    if (last !== null) last.other = branch
    else if (above !== null) above.next = branch
    else this.#root = branch
    return branch
  }
}

/** Four bytes at a time, the last of them perhaps twice. */
function isLiteral({ literal, words }: Branch, view: DataView, at: number): boolean {
  const { length } = literal
  if (length < 4) {
    for (let i = 0; i < length; i++) if (view.getUint8(at + i) !== literal[i]) return false
    return true
  }
  for (let i = 0; i < length - 4; i += 4) if (view.getInt32(at + i) !== words.getInt32(i)) return false
  return view.getInt32(at + length - 4) === words.getInt32(length - 4)
}

/** −1 when it is no whole number that JSON allows and a double holds. */
function numberEnd(bytes: Uint8Array, from: number, slot: number, { count }: Values): number {
  const end = countEnd(bytes, from)
  if (end === from || (bytes[from] === ZERO && end - from > 1)) return -1
  if (slot < 0) return end
  const value = wholeNumber(bytes, from, end)
  count[slot] = value
  return value < 0 ? -1 : end
}
