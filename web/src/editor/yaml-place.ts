/** Where in a YAML manifest a position is, by indentation alone: good enough to offer words while the text is half written. */

export type YamlPlace = {
  /** Keys from the top; a list item is its number. */
  readonly path: readonly (string | number)[]
  /** A key is being written, or the value of the last key of `path`. */
  readonly at: 'key' | 'value'
  /** What stands there already, up to the position. */
  readonly typed: string
  /** Keys of the same map that are written already. */
  readonly taken: readonly string[]
}

type Level = { readonly indent: number; readonly step: string | number }

/** Null where nothing can be offered: in a comment, in quotes, inside `{ … }` or `[ … ]`. */
export function placeAt(text: string, offset: number): YamlPlace | null {
  const before = text.slice(0, offset).split('\n')
  const line = before.at(-1)!
  if (/(^|\s)#/.test(line) || /[{[]/.test(line) || /["']/.test(line)) return null
  const levels: Level[] = []
  for (const past of before.slice(0, -1)) walk(levels, past)
  const { indent, rest } = opened(levels, line)
  const found = /^([A-Za-z0-9_.-]+):\s+(.*)$/.exec(rest)
  if (found !== null) {
    const [, key = '', typed = ''] = found
    return { path: [...stepsTo(levels, indent), key], at: 'value', typed, taken: [] }
  }
  if (!/^[A-Za-z0-9_.-]*$/.test(rest)) return null
  const path = stepsTo(levels, indent)
  return { path, at: 'key', typed: rest, taken: siblings(text, before.length - 1, indent) }
}

function walk(levels: Level[], line: string): void {
  if (/^\s*(#|$)/.test(line)) return
  if (/^---/.test(line)) {
    levels.length = 0
    return
  }
  const { indent, rest } = opened(levels, line)
  const key = /^([A-Za-z0-9_.-]+):/.exec(rest)?.[1]
  if (key === undefined) return
  close(levels, indent)
  levels.push({ indent, step: key })
}

/** Opens the list items a line begins with; answers with what is left and how far in it stands. */
function opened(levels: Level[], line: string): { readonly indent: number; readonly rest: string } {
  let indent = line.length - line.trimStart().length
  let rest = line.slice(indent)
  while (/^-(\s|$)/.test(rest)) {
    // An item of the list at the same depth as its key is that key's too: YAML allows both.
    const last = levels.findLast((one) => typeof one.step === 'number' && one.indent === indent)
    const number = last === undefined ? 0 : (last.step as number) + 1
    while (levels.length > 0 && levels.at(-1)!.indent >= indent) {
      const top = levels.at(-1)!
      if (top.indent === indent && typeof top.step === 'string') break
      levels.pop()
    }
    levels.push({ indent, step: number })
    const inner = rest.slice(1)
    const skip = 1 + inner.length - inner.trimStart().length
    rest = rest.slice(skip)
    indent += skip
  }
  return { indent, rest }
}

function close(levels: Level[], indent: number): void {
  while (levels.length > 0 && levels.at(-1)!.indent >= indent) levels.pop()
}

function stepsTo(levels: readonly Level[], indent: number): (string | number)[] {
  return levels.filter((one) => one.indent < indent).map((one) => one.step)
}

/** Keys at the same indentation around a line, up to where the map ends. */
function siblings(text: string, at: number, indent: number): string[] {
  const lines = text.split('\n')
  const keyAt = (line: string): { readonly indent: number; readonly key: string | null } => {
    const marks = /^\s*(?:-\s+)*/.exec(line)![0]
    return { indent: marks.length, key: /^([A-Za-z0-9_.-]+):/.exec(line.slice(marks.length))?.[1] ?? null }
  }
  const found: string[] = []
  const look = (line: string): 'stop' | 'on' => {
    if (/^\s*(#|$)/.test(line)) return 'on'
    if (/^---/.test(line)) return 'stop'
    const { indent: of, key } = keyAt(line)
    if (of < indent) return 'stop'
    if (of === indent && key !== null) found.push(key)
    return 'on'
  }
  const startsItem = (line: string) => /^\s*-\s/.test(line) && keyAt(line).indent === indent
  for (let i = at - 1; i >= 0; i--) {
    if (startsItem(lines[at]!)) break
    if (look(lines[i]!) === 'stop') break
    if (startsItem(lines[i]!)) break
  }
  for (let i = at + 1; i < lines.length; i++) if (startsItem(lines[i]!) || look(lines[i]!) === 'stop') break
  return found
}
