/**
 * The last gate before a terminal. Text comes in that may carry what an attacker named things; out goes the same text in
 * which only line breaks, tabs and our own table's emphasis control anything. Names have their own encoder
 * (`model/plain-text.ts`); this is for the place where somebody forgot it.
 */

/** What cli-table3 writes for a bold head and grey borders. */
const OURS = new RegExp(`${String.fromCharCode(27)}\\[(?:1|22|39|90)m`, 'g')
// C0 but tab and line feed, DEL, C1 (a terminal may take \u009b as ESC [), line separators, bidi controls (CVE-2021-42574).
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

export function terminalText(text: string): string {
  const parts = text.split(OURS).map((part) => part.replace(CONTROLS, '\ufffd'))
  const between = text.match(OURS) ?? []
  return parts.map((part, i) => part + (between[i] ?? '')).join('')
}

/** The same value to every reader of JSON; nothing in it reaches the terminal it may be shown on. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
