/**
 * A page of the documentation as a script: its `sh` blocks are commands, a `text` block behind one is what it prints, and a
 * `yaml [name]` or `csv [name]` block is a file. Words in a comment before a block say how it is run:
 * `run: no; why` · `run: exit 1` · `run: until "text" within 30 s` · `run: plan containment` · `run: host` · `run: shift first`.
 */
export type Block =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | {
      readonly kind: 'commands'
      readonly line: number
      readonly lines: readonly string[]
      readonly how: How
      /** Fragments that are printed in this order; null = whatever is printed is fine. */
      readonly prints: readonly string[] | null
    }
export type How =
  | { readonly run: 'once'; readonly exit: number }
  | { readonly run: 'until'; readonly text: string; readonly seconds: number }
  | { readonly run: 'no'; readonly why: string }

/** Throws with the line where the page is not understood. */
export function readScript(page: string): Block[] {
  const lines = page.split('\n')
  const blocks: Block[] = []
  let how: How = { run: 'once', exit: 0 }
  for (let i = 0; i < lines.length; i++) {
    const note = /^<!-- run: (.*) -->$/.exec(lines[i]!)
    if (note !== null) how = readHow(note[1]!, i + 1)
    const fence = /^```(\w+)(?: \[([\w.-]+)\])?$/.exec(lines[i]!)
    if (fence === null) continue
    const end = lines.indexOf('```', i + 1)
    if (end < 0) throw new Error(`line ${i + 1}: a block that does not end`)
    const body = lines.slice(i + 1, end)
    const [, language, name] = fence
    if ((language === 'yaml' || language === 'csv') && name !== undefined)
      blocks.push({ kind: 'file', name, text: `${body.join('\n')}\n` })
    if (language === 'sh')
      blocks.push({
        kind: 'commands',
        line: i + 2,
        lines: body.filter((line) => line.trim() !== ''),
        how,
        prints: null,
      })
    if (language === 'text') {
      const last = blocks.at(-1)
      // Only right behind the commands: other text blocks are examples of something else.
      if (last?.kind === 'commands' && last.prints === null && between(lines, i))
        blocks[blocks.length - 1] = { ...last, prints: fragments(body) }
    }
    if (language === 'sh') how = { run: 'once', exit: 0 }
    i = end
  }
  return blocks
}

/** No heading between the commands and the text. */
function between(lines: readonly string[], at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    if (lines[i] === '```') return true
    if (lines[i]!.startsWith('#')) return false
  }
  return false
}

const fragments = (body: readonly string[]): string[] =>
  body.flatMap((line) => line.split('…').map((part) => part.trim())).filter((part) => part !== '')

function readHow(text: string, line: number): How {
  const no = /^no; (.+)$/.exec(text)
  if (no !== null) return { run: 'no', why: no[1]! }
  const exit = /^exit (\d)$/.exec(text)
  if (exit !== null) return { run: 'once', exit: Number(exit[1]) }
  const until = /^until "([^"]+)" within (\d+) s$/.exec(text)
  if (until !== null) return { run: 'until', text: until[1]!, seconds: Number(until[2]) }
  throw new Error(`line ${line}: "run: ${text}" is not understood`)
}

/** Words of a command line: spaces divide, double quotes hold together. No shell is asked. */
export function words(line: string, env: Readonly<Record<string, string>>): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(?:'([^']*)')|(\S+)/g)].map(
    ([, double, single, plain]) =>
      single ??
      (double?.replaceAll('\\"', '"') ?? plain ?? '').replace(
        /\$([A-Z_]+)/g,
        (whole, name: string) => env[name] ?? whole,
      ),
  )
}

/** The first fragment that is not printed, in order; null when all are. Runs of spaces are one. */
export function missing(printed: string, wanted: readonly string[]): string | null {
  const text = printed.replace(/[ \t]+/g, ' ')
  let at = 0
  for (const one of wanted) {
    const found = text.indexOf(one.replace(/[ \t]+/g, ' '), at)
    if (found < 0) return one
    at = found + 1
  }
  return null
}
