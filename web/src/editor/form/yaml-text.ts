/**
 * One document, edited by places. In: the text, a place, what should stand there. Out: the text with that change alone: comments,
 * blank lines and the order of everything else stay. Written as the rest of the console writes YAML: `[a, b]`, `{ a: b }`.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  YAMLMap,
  YAMLSeq,
} from 'yaml'
import type { Path } from './shape.ts'

export type Yaml =
  | { readonly ok: true; readonly value: unknown }
  /**
   * `alias`: one part stands in several places, and a change of one of them would be none of the others. `documents`: more than
   * one. `line` is 1-based.
   */
  | { readonly ok: false; readonly reason: 'syntax' | 'alias' | 'documents'; readonly line: number }

export function readYaml(text: string): Yaml {
  const lines = new LineCounter()
  const doc = parse(text, lines)
  const refused = (reason: 'syntax' | 'alias' | 'documents', at: number): Yaml => {
    return { ok: false, reason, line: Math.max(1, lines.linePos(at).line) }
  }
  const [error] = doc.errors
  if (error !== undefined) return refused(error.code === 'MULTIPLE_DOCS' ? 'documents' : 'syntax', error.pos[0])
  const alias = firstAlias(doc, text)
  return alias === null ? { ok: true, value: doc.toJS() } : refused('alias', alias)
}

/** Where it begins. An anchor that nothing points at would be lost as silently. */
function firstAlias(doc: Document, text: string): number | null {
  let at: number | null = null
  visit(doc, {
    Node(_, node) {
      const begin = node.range?.[0] ?? 0
      const { anchor } = node as { readonly anchor?: string }
      if (isAlias(node)) at = begin
      // A node begins behind its anchor.
      else if (anchor !== undefined) at = Math.max(0, text.lastIndexOf(`&${anchor}`, begin))
      return at === null ? undefined : visit.BREAK
    },
  })
  return at
}

const parse = (text: string, lineCounter = new LineCounter()) =>
  parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true })

/** A place whose parents are not there is made with them. */
export function setAt(text: string, path: Path, value: unknown): string {
  const doc = parse(text)
  const held = doc.getIn(path, true)
  if (isScalar(held) && (typeof value !== 'object' || value === null)) {
    // Nothing is written in quotes; what is written over it need not be.
    if (held.value === '') delete held.type
    held.value = value
    delete held.format
    delete held.minFractionDigits
  } else {
    clearWay(doc, path)
    const node = doc.createNode(value)
    visit(node, {
      Collection(_, one) {
        if (one.items.every((item) => isScalar(item) || (isMap(one) && isPlainPair(item))))
          one.flow = one !== node || isSeq(one)
      },
    })
    doc.setIn(path, node)
  }
  return print(doc)
}

export function removeAt(text: string, path: Path): string {
  const doc = parse(text)
  doc.deleteIn(path)
  return print(doc)
}

export function addAt(text: string, path: Path, value: unknown): string {
  const list = parse(text).getIn(path, true)
  return setAt(text, isSeq(list) ? [...path, list.items.length] : path, isSeq(list) ? value : [value])
}

/** Up by one; what is first stays. */
export function raiseAt(text: string, path: Path, at: number): string {
  const doc = parse(text)
  const list = doc.getIn(path, true)
  if (!isSeq(list) || at < 1 || at >= list.items.length) return text
  const [moved] = list.items.splice(at, 1)
  list.items.splice(at - 1, 0, moved)
  return print(doc)
}

/** Another name for the same value, where it stands. */
export function renameAt(text: string, path: Path, from: string, to: string): string {
  const doc = parse(text)
  const map = doc.getIn(path, true)
  const pair = isMap(map) ? map.items.find(({ key }) => (isScalar(key) ? key.value : key) === from) : undefined
  if (pair === undefined || (isMap(map) && map.has(to))) return text
  if (isScalar(pair.key)) pair.key.value = to
  else pair.key = doc.createNode(to)
  return print(doc)
}

/** `profile:` with nothing behind it holds null: nothing can be put into that. */
function clearWay(doc: Document, path: Path): void {
  for (let i = 1; i < path.length; i++) {
    const way = path.slice(0, i)
    const held = doc.getIn(way, true)
    if (held !== undefined && !isCollection(held))
      doc.setIn(way, typeof path[i] === 'number' ? new YAMLSeq(doc.schema) : new YAMLMap(doc.schema))
  }
}

const isPlainPair = (item: unknown): boolean => isScalar((item as { value?: unknown }).value)

type Print = YAMLSeq['toString']
function print(doc: Document): string {
  // The library pads both kinds of brackets or none.
  const padded = (own: Print, padding: string): Print =>
    function (this: never, ctx, onComment, onChompKeep) {
      return own.call(this, ctx && { ...ctx, flowCollectionPadding: padding }, onComment, onChompKeep)
    }
  visit(doc, {
    Seq(_, seq) {
      seq.toString = padded(YAMLSeq.prototype.toString, '')
    },
    Map(_, map) {
      map.toString = padded(YAMLMap.prototype.toString, ' ')
    },
  })
  return doc.toString({ lineWidth: 0 })
}
