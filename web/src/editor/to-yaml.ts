/** A manifest as the YAML a person would write: block style, short lists of plain values on one line, quotes only where YAML needs them. */

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

/** Longest line of a list or map written on one line. */
const LINE = 72
/** Longest list of several maps on one line. */
const SHORT = 56

export function toYaml(value: unknown): string {
  return `${block(value as Value, 0)}\n`
}

function block(value: Value, depth: number): string {
  const pad = '  '.repeat(depth)
  if (Array.isArray(value)) {
    return (value as readonly Value[]).map((one) => `${pad}- ${item(one, depth)}`).join('\n')
  }
  if (isMap(value)) {
    return entries(value)
      .map(([key, one]) => `${pad}${scalar(key)}:${after(one, depth)}`)
      .join('\n')
  }
  return pad + scalar(value)
}

/** What follows `key:`. What a manifest is made of (metadata, spec) stands in lines of its own, and so does a list of several maps. */
function after(value: Value, depth: number): string {
  const flow = inFlow(value)
  if (!isHeld(value) || flow === '[]' || flow === '{}') return ` ${flow}`
  const several = Array.isArray(value) && value.length > 1 && value.some(isHeld) && flow.length > SHORT
  const isShort = depth > 0 && !several && flow.length + depth * 2 < LINE && isPlain(value)
  return isShort ? ` ${flow}` : `\n${block(value, depth + 1)}`
}

/** What follows `- `: a map begins on the same line. */
function item(value: Value, depth: number): string {
  if (!isHeld(value)) return scalar(value)
  const flow = inFlow(value)
  if (isPlain(value) && flow.length + depth * 2 < LINE && !(isMap(value) && entries(value).length > 5)) return flow
  return block(value, depth + 1).trimStart()
}

/** Holds no list or map that holds anything of more than one level. */
function isPlain(value: Value, levels = 2): boolean {
  if (!isHeld(value)) return true
  if (levels === 0) return false
  return children(value).every((one) => isPlain(one, levels - 1))
}

function isHeld(value: Value): value is readonly Value[] | { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null
}
function isMap(value: Value): value is { readonly [key: string]: Value } {
  return isHeld(value) && !Array.isArray(value)
}
function children(value: readonly Value[] | { readonly [key: string]: Value }): readonly Value[] {
  return Array.isArray(value) ? value : Object.values(value)
}
function entries(value: { readonly [key: string]: Value }): [string, Value][] {
  return Object.entries(value).filter(([, one]) => one !== undefined)
}

function inFlow(value: Value): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(inFlow).join(', ')}]`
  if (isMap(value)) {
    const parts = entries(value).map(([key, one]) => `${scalar(key)}: ${inFlow(one)}`)
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
  }
  return scalar(value)
}

/** Words that YAML 1.2 core (and older readers) take for something else than text. */
const WORDS = /^(?:~|null|true|false|yes|no|on|off|y|n)$/i
const NUMBER = /^[-+.]?\d|^[-+]?\.(?:inf|nan)$/i
const PLAIN = /^[A-Za-z0-9_/(][^\p{Cc}:#,[\]{}"'`&*!|>%@\\]*$/u

function scalar(value: Value): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  // An address, a network or a span begins with a digit and is text all the same; it cannot be read as a number.
  const looksNumber = NUMBER.test(value) && !/^\d[\d.]*[./]\d+\/\d+$|^\d+\.\d+\.\d+\.\d+$|^\d+[smhd]$/.test(value)
  const isPlainText = PLAIN.test(value) && !WORDS.test(value) && !looksNumber && value.trim() === value
  return isPlainText ? value : JSON.stringify(value)
}
