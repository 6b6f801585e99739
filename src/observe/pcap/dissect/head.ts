/**
 * The next few bytes of one direction of a stream, put in order and kept until a dissector has seen enough. Small and
 * bounded: what lies too far ahead, or is more than a hello may have, is not kept, and all heads together have a budget.
 */
export type Head = {
  /** Where in the stream `bytes[0]` lies. */
  base: number
  have: number
  bytes: Uint8Array
  /** Parts that came early, few. */
  readonly early: { readonly from: number; readonly bytes: Uint8Array }[]
}

export type HeadBudget = { left: number; refused: number }

const FIRST = 2_048
export const MAX_KEPT = 16_384 + 1_024
const MAX_EARLY = 16

export function createHead(base: number, budget: HeadBudget): Head | null {
  if (budget.left < FIRST) {
    budget.refused++
    return null
  }
  budget.left -= FIRST
  return { base, have: 0, bytes: new Uint8Array(FIRST), early: [] }
}

export function releaseHead(head: Head, budget: HeadBudget): void {
  budget.left += head.bytes.length
  for (const part of head.early) budget.left += part.bytes.length
  head.early.length = 0
}

/** False when it is not to be waited for any longer. */
export function addToHead(
  head: Head,
  bytes: Uint8Array,
  from: number,
  to: number,
  at: number,
  budget: HeadBudget,
): boolean {
  const have = head.base + head.have
  const length = to - from
  if (at + length <= have) return true
  if (at > have) {
    if (head.early.length >= MAX_EARLY || length > budget.left || at - have > MAX_KEPT) return false
    head.early.push({ from: at, bytes: bytes.slice(from, to) })
    budget.left -= length
    return true
  }
  if (!append(head, bytes, from + have - at, to, budget)) return false
  for (let i = 0; i < head.early.length; i++) {
    const part = head.early[i]!
    const reached = head.base + head.have
    if (part.from > reached) continue
    head.early.splice(i, 1)
    i = -1
    budget.left += part.bytes.length
    if (reached - part.from >= part.bytes.length) continue
    if (!append(head, part.bytes, reached - part.from, part.bytes.length, budget)) return false
  }
  return true
}

function append(head: Head, bytes: Uint8Array, from: number, to: number, budget: HeadBudget): boolean {
  const wanted = head.have + to - from
  if (wanted > MAX_KEPT) return false
  if (wanted > head.bytes.length) {
    const size = Math.min(MAX_KEPT, Math.max(wanted, head.bytes.length * 2))
    if (size - head.bytes.length > budget.left) {
      budget.refused++
      return false
    }
    budget.left -= size - head.bytes.length
    const larger = new Uint8Array(size)
    larger.set(head.bytes.subarray(0, head.have))
    head.bytes = larger
  }
  head.bytes.set(bytes.subarray(from, to), head.have)
  head.have = wanted
  return true
}
