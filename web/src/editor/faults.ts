/** What the server finds wrong, as marks in the text: the rest of the word or line at its place. */
import type { Diagnostic } from '@codemirror/lint'
import type { Text } from '@codemirror/state'
import type { PreviewFault } from '../../../src/model/preview.ts'

export function diagnosticsOf(
  doc: Text,
  faults: readonly PreviewFault[],
  warnings: readonly PreviewFault[],
): readonly Diagnostic[] {
  const of = (list: readonly PreviewFault[], severity: Diagnostic['severity']) =>
    list.flatMap(({ line, column, why, cure }): Diagnostic[] => {
      if (line === null || line > doc.lines) return []
      const at = doc.line(line)
      const from = Math.min(at.to, at.from + Math.max(0, (column ?? 1) - 1))
      const word = /^(?:"[^"]*"|'[^']*'|[^\s,:[\]{}]+)/.exec(doc.sliceString(from, at.to))?.[0] ?? ''
      const to = Math.max(from + word.length, Math.min(at.to, from + 1))
      return [{ from, to, severity, message: faultText({ why, cure }) }]
    })
  return [...of(faults, 'error'), ...of(warnings, 'warning')].sort((a, b) => a.from - b.from)
}

/** Fact, then cure. */
function faultText({ why, cure }: Pick<PreviewFault, 'why' | 'cure'>): string {
  const sentence = (text: string) =>
    `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`
  return `${sentence(why)} ${sentence(cure)}`
}
