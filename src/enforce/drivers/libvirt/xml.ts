/**
 * Text of libvirt comes in, its elements go out: as much of XML 1.0 as libvirt writes (elements, attributes, text, the five
 * entities and numbers, comments), one document after another. Everything else, and whatever is cut off, is refused whole:
 * half of a definition is not one. Sizes are bounded, because names and descriptions in it are anybody's.
 */

export type Element = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Element[]
  /** Of its own, without its children's. */
  readonly text: string
}

export class BadXml extends Error {}

const MOST_CHARACTERS = 32 << 20
const DEEPEST = 64
const OPENING = /<([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const ATTRIBUTE = /([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const CLOSING = /<\/([A-Za-z_][\w.:-]*)\s*>/y
const COMMENT = /<!--(?:(?!--)[\s\S])*-->/y
const TEXT = /[^<]+/y
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

type Open = Omit<Element, 'children' | 'text'> & { readonly children: Element[]; text: string }

/** The documents in `text`. Throws `BadXml` with where it stopped. */
export function readXml(text: string): Element[] {
  if (text.length > MOST_CHARACTERS) throw new BadXml(`more than ${MOST_CHARACTERS} characters`)
  const top: Open = { name: '', attributes: new Map(), children: [], text: '' }
  const open: Open[] = [top]
  let at = 0
  const taken = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  while (at < text.length) {
    const from = at
    const inner = open.at(-1)!
    let found = taken(TEXT)
    if (found !== null) {
      inner.text += decoded(found[0])
      continue
    }
    if (taken(COMMENT) !== null) continue
    found = taken(CLOSING)
    if (found !== null) {
      if (open.length === 1 || inner.name !== found[1]) throw new BadXml(`</${found[1]}> at ${from} closes nothing`)
      open.pop()
      continue
    }
    found = taken(OPENING)
    if (found === null) throw new BadXml(`not understood at ${from}: ${JSON.stringify(text.slice(from, from + 40))}`)
    const element: Open = { name: found[1]!, attributes: attributesIn(found[2]!), children: [], text: '' }
    inner.children.push(element)
    if (found[3] === '') open.push(element)
    if (open.length > DEEPEST) throw new BadXml(`deeper than ${DEEPEST} at ${from}`)
  }
  if (open.length > 1) throw new BadXml(`<${open.at(-1)!.name}> is not closed`)
  if (top.text.trim() !== '') throw new BadXml('text outside of every element')
  return top.children
}

function attributesIn(text: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single] of text.matchAll(ATTRIBUTE)) {
    if (attributes.has(name)) throw new BadXml(`attribute ${name} stands twice`)
    attributes.set(name, decoded(double ?? single ?? ''))
  }
  return attributes
}

function decoded(text: string): string {
  return text.replace(/&([^;&]{0,12});?/g, (whole, name: string) => {
    const number = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(name)
    const point = number === null ? null : Number.parseInt(number[1] ?? number[2]!, number[1] === undefined ? 10 : 16)
    const known = point === null ? ENTITIES.get(name) : isCharacter(point) ? String.fromCodePoint(point) : undefined
    if (known === undefined || !whole.endsWith(';')) throw new BadXml(`${whole.slice(0, 14)} is no entity of XML`)
    return known
  })
}

function isCharacter(point: number): boolean {
  return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
}

/** As `readXml` reads it again, blanks between elements apart. */
export function writeXml({ name, attributes, children, text }: Element): string {
  const worn = [...attributes].map(([key, value]) => ` ${key}="${escaped(value)}"`).join('')
  return `<${name}${worn}>${escaped(children.length > 0 ? text.trim() : text)}${children.map(writeXml).join('')}</${name}>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The elements that a way of names leads to. */
export function at(element: Element, ...names: readonly string[]): Element[] {
  return names.reduce<Element[]>(
    (found, name) => found.flatMap(({ children }) => children.filter((one) => one.name === name)),
    [element],
  )
}
