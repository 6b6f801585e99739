/**
 * The one encoder for names that others chose (services, hosts, feeds, files): what comes out is one line of printable
 * text of bounded length, safe to put into a sentence, a terminal and a log. It does not make text safe for HTML or a
 * shell: those are never fed with text (the console escapes, nothing is run by name).
 */

// Control characters (C0, DEL, C1; ANSI escapes begin with one), line separators, and what changes the direction or
// the looks of the text around it: bidi controls (UAX #9; "Trojan Source", CVE-2021-42574), zero-width, tags, BOM.
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u115f\u1160\u3164\uffa0\ufff9-\uffff]|\p{Default_Ignorable_Code_Point}/gu

/** At most `max` UTF-16 units, cut at a whole character with `…`; hidden characters become one space, edges are trimmed. */
export function plainText(text: string, max: number): string {
  // Ten kilobytes of rubbish need not be scanned to keep forty characters of it.
  const clean = text
    .slice(0, max * 4 + 16)
    .replace(HIDDEN, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  if (clean.length <= max) return clean
  const cut = clean.slice(0, Math.max(0, max - 1))
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/** A copy that shares nothing: a piece of a string keeps the whole of it in memory, and lines can be long. */
export function ownText(text: string): string {
  // Twelve characters and less are always copied by the engine (V8, SlicedString::kMinLength).
  return text.length <= 12 ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}
