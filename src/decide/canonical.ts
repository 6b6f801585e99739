/** One text for one value, whatever order its keys were written in: what equality and digests are taken over. */
import { createHash } from 'node:crypto'

export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

/**
 * What a state does: probabilities, and sentences that hold them, are told and change nothing. Two states of one meaning are
 * equal to a kernel.
 */
export function meaning(value: unknown): string {
  return canonical(
    JSON.parse(
      JSON.stringify(value, (_key, one: unknown) => {
        if (typeof one !== 'object' || one === null || Array.isArray(one) || !('p' in one)) return one
        const { p: _p, text: _text, ...rest } = one as Record<string, unknown>
        return rest
      }) ?? 'null',
    ),
  )
}

/** Whether two states have one `meaning`, without writing either down: a fleet is compared at every decision. */
export function sameMeaning(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, i) => sameMeaning(one, b[i]))
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in left)
    if (counts(left, name) && !(counts(right, name) && sameMeaning(left[name], right[name]))) return false
  for (const name in right) if (counts(right, name) && !counts(left, name)) return false
  return true
}

/** Whether `meaning` writes it down. */
function counts(one: Record<string, unknown>, name: string): boolean {
  if (!Object.hasOwn(one, name) || one[name] === undefined) return false
  return name !== 'p' && (name !== 'text' || !Object.hasOwn(one, 'p'))
}

export function digest(value: unknown): string {
  return createHash('sha256')
    .update(canonical(value) ?? 'undefined')
    .digest('hex')
}

export function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}
