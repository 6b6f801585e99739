/** Text somebody sent, hostile until proven otherwise, becomes the values of its YAML or JSON documents, with where each part stands. */
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'

const MAX_TEXT = 1024 * 1024
const MAX_DOCUMENTS = 1_000
const MAX_DEPTH = 40

export type Place = (
  path: readonly (string | number)[],
  atKey?: true,
) => { readonly line: number; readonly column: number }
export type Document = { readonly value: unknown; readonly place: Place }
export type TextFault = { readonly code: string; readonly why: string; readonly cure: string }
type Report = (place: { line: number; column: number }, fault: TextFault) => void

export function readDocuments(text: string, report: Report): Document[] {
  const start = { line: 1, column: 1 }
  if (Buffer.byteLength(text) > MAX_TEXT) {
    report(start, { code: 'too-large', why: 'the text is larger than 1 MiB', cure: 'split it into several files' })
    return []
  }
  const deep = nestingTooDeep(text)
  if (deep !== null) {
    report(deep, { code: 'too-deep', why: `nested deeper than ${MAX_DEPTH}`, cure: 'flatten it' })
    return []
  }
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    schema: 'core',
    merge: false,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: true,
    logLevel: 'silent',
  })
  const documents = Array.isArray(parsed) ? parsed : []
  if (documents.length > MAX_DOCUMENTS)
    report(start, { code: 'too-many', why: `more than ${MAX_DOCUMENTS} manifests in one text`, cure: 'split it' })
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  return documents.slice(0, MAX_DOCUMENTS).flatMap((document): Document[] => {
    for (const error of document.errors)
      report(placeAt(error.pos[0]), { code: 'yaml', why: error.message.split('\n')[0]!, cure: 'mend the YAML' })
    if (document.errors.length > 0 || document.contents === null) return []
    if (aliasCount(document.contents) > 10) {
      report(start, {
        code: 'yaml',
        why: 'more than 10 aliases (*name) in one manifest',
        cure: 'write repeated parts out',
      })
      return []
    }
    try {
      const value = document.toJS({ maxAliasCount: 10 }) as unknown
      const contents = document.contents as Node
      return [{ value, place: (path, atKey) => placeAt(offsetOf(contents, path, atKey)) }]
    } catch (error) {
      report(start, { code: 'yaml', why: (error as Error).message.split('\n')[0]!, cure: 'write repeated parts out' })
      return []
    }
  })
}

/** Flow collections nest without indentation; a parser that recurses must not see a million of them. */
function nestingTooDeep(text: string): { line: number; column: number } | null {
  let depth = 0
  let line = 1
  let lineStart = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '\n') {
      line++
      lineStart = i + 1
    } else if (c === '[' || c === '{') depth++
    else if (c === ']' || c === '}') depth = Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return { line, column: i - lineStart + 1 }
  }
  const indented = /^(?:[ ]{400,}|(?:- ?){40,}|(?:\? ){40,})/m.exec(text)
  return indented === null ? null : { line: text.slice(0, indented.index).split('\n').length, column: 1 }
}

function aliasCount(node: Node): number {
  let count = 0
  visit(node, (_key, one) => {
    if (isAlias(one)) count++
  })
  return count
}

/** Where a path is in the text; of what is not there, the nearest parent that is. */
function offsetOf(root: Node, path: readonly (string | number)[], atKey?: true): number {
  let node: unknown = root
  let offset = root.range?.[0] ?? 0
  for (const [i, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isPair(one) && isScalar(one.key) && String(one.key.value) === String(step))
      if (pair === undefined) return offset
      const keyAt = (pair.key as Node).range?.[0] ?? offset
      const value = pair.value as Node | null
      offset = (atKey && i === path.length - 1) || value === null || isMap(value) ? keyAt : (value.range?.[0] ?? keyAt)
      node = value
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined
      if (item === undefined) return offset
      offset = item.range?.[0] ?? offset
      node = item
    } else return offset
  }
  return offset
}
