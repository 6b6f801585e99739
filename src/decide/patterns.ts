/**
 * Patterns of CEL `matches` run on JavaScript's backtracking engine, so only a dialect without a way to explode is let in:
 * no back-references, no look-around, no group that is repeated while it holds a repetition or an alternative, and at most
 * three open-ended repetitions in all (each multiplies the work by the length of the text, which is bounded).
 * See OWASP "Regular expression Denial of Service".
 */

const MAX_PATTERN = 200
const MAX_OPEN_ENDED = 3

/** Why `pattern` is refused, or null when it is safe and compiles. */
export function patternRefusal(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN) return `the pattern is longer than ${MAX_PATTERN} characters`
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    return `the pattern does not compile: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`
  }
  const groups: { risky: boolean }[] = [{ risky: false }]
  let openEnded = 0
  let closed: { risky: boolean } | null = null
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '\\') {
      if (/[1-9k]/.test(pattern[i + 1] ?? '')) return 'a back-reference cannot be matched in linear time'
      i++
      closed = null
    } else if (c === '[') {
      while (i < pattern.length && pattern[i] !== ']') i += pattern[i] === '\\' ? 2 : 1
      closed = null
    } else if (c === '(') {
      if (/^\?(=|!|<=|<!)/.test(pattern.slice(i + 1, i + 4)))
        return 'look-ahead and look-behind cannot be matched in linear time'
      groups.push({ risky: false })
      if (pattern[i + 1] === '?') i++
      closed = null
    } else if (c === ')') {
      closed = groups.pop() ?? null
      const outer = groups.at(-1)
      if (outer !== undefined && closed?.risky === true) outer.risky = true
    } else if (c === '|') {
      groups.at(-1)!.risky = true
      closed = null
    } else if ('*+?{'.includes(c)) {
      const repeats = c !== '?' && !/^\{[01]?(,1)?\}/.test(pattern.slice(i))
      if (repeats && closed?.risky === true)
        return 'a repeated group that holds a repetition or an alternative can take exponential time'
      if (repeats) groups.at(-1)!.risky = true
      if (c === '*' || c === '+' || /^\{\d+,(\d{3,})?\}/.test(pattern.slice(i))) openEnded++
      if (c === '{') i = Math.max(i, pattern.indexOf('}', i))
      if (pattern[i + 1] === '?') i++
      closed = null
    } else closed = null
  }
  return openEnded > MAX_OPEN_ENDED
    ? `more than ${MAX_OPEN_ENDED} open-ended repetitions (* + {n,}) in one pattern`
    : null
}
