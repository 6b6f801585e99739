/**
 * A local list of addresses or CIDRs: one a line, an optional score from 0 (certainly bad) to 1 (certainly good) after
 * white space or a comma, `#` comments. What does not parse is counted with its line; the rest of the list still counts.
 */
import { readFile } from 'node:fs/promises'
import { formatCidr, parseCidr } from '../../model/address.ts'

export type ListEntry = { readonly cidr: string; readonly score: number | null }
export type ListReading = {
  readonly entries: readonly ListEntry[]
  readonly refused: number
  /** At most 20 examples. */
  readonly refusals: readonly { readonly line: number; readonly why: string }[]
}

const MAX_BYTES = 256 << 20
const MAX_ENTRIES = 1_000_000

export function parseList(text: string): ListReading {
  const entries: ListEntry[] = []
  const refusals: { line: number; why: string }[] = []
  let refused = 0
  const refuse = (line: number, why: string) => {
    refused++
    if (refusals.length < 20) refusals.push({ line, why })
  }
  let line = 0
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    line++
    const bare = text
      .slice(at, Math.min(end, at + 200))
      .trim()
      .replace(/#.*$/, '')
      .trim()
    at = end + 1
    if (bare === '') continue
    const [address, scoreText, ...more] = bare.split(/[\s,]+/)
    const cidr = parseCidr(address!)
    if (cidr === null) refuse(line, 'not an address or CIDR (host bits must be zero)')
    else if (more.length > 0) refuse(line, 'more than an address and a score')
    else if (scoreText !== undefined && !(/^[01](\.\d+)?$/.test(scoreText) && Number(scoreText) <= 1))
      refuse(line, 'the score is not a number from 0 to 1')
    else if (entries.length >= MAX_ENTRIES) refuse(line, `more than ${MAX_ENTRIES} entries`)
    else entries.push({ cidr: formatCidr(cidr), score: scoreText === undefined ? null : Number(scoreText) })
  }
  return { entries, refused, refusals }
}

/** Reads the list whole; throws with the path and what was attempted when it cannot be read or is over 256 MB. */
export async function readList(path: string): Promise<ListReading> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new Error(`read the feed list ${path}`, { cause })
  })
  if (bytes.length > MAX_BYTES) throw new Error(`the feed list ${path} is over ${MAX_BYTES >> 20} MB; split it`)
  return parseList(bytes.toString('latin1'))
}
