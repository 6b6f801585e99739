/** Sentences that come from detectors and rules, fitted to the place where they stand. */

/** Some come without a capital or full stop; rule expressions come in backticks. A name (`web-fe-1`) stays as it is. */
export function sentence(text: string): string {
  const trimmed = text.trim().replaceAll('`', '').replaceAll('>=', '≥').replaceAll('<=', '≤')
  const first = /^\S*[\d/:_]\S*/.test(trimmed) ? trimmed.slice(0, 1) : trimmed.slice(0, 1).toUpperCase()
  return `${first}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`
}

/** What decides, without the particulars after the colon: `policy X rule 1: deny egress to …` is `Policy X rule 1`. */
export function shortReason(text: string): string {
  const head = /^(.{8,}?)[:;] /.exec(text)?.[1] ?? text
  return sentence(head).replace(/\.$/, '')
}
