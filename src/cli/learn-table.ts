/** One labelled table (NSL-KDD) comes in, a row each to learn from goes out: normal against attack, whatever its name. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Labelled } from './learn-examples.ts'

export const TABLE = /\.(txt|csv)(\.gz)?$/i
/** KDD Cup 1999's columns, then the label, then (not always) how many learners were right, which nobody may look at. */
const FEATURES = 41
const WIDTHS = [FEATURES + 1, FEATURES + 2]

/** Throws the place and the cure. */
export function readTable(path: string): Labelled {
  const bytes = readFileSync(path)
  const lines = (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString('latin1').split(/\r?\n/)
  const examples = lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    const fields = line.split(',')
    const place = `${basename(path)}:${i + 1}`
    if (!WIDTHS.includes(fields.length))
      throw new Error(
        `${place}: ${fields.length} columns; a labelled table is one of ${WIDTHS.join(' or ')} (NSL-KDD), its label in column ${FEATURES + 1}.`,
      )
    if (!Number.isFinite(Number(fields[0])))
      throw new Error(`${place}: its first column is no number (a duration in seconds). Take a line of headings away.`)
    const label = fields[FEATURES]!.trim()
    const seen = { kind: 'row', fields: fields.slice(0, FEATURES) } as const
    const type = label === 'normal' ? 'normal' : 'attack'
    const kind = type === 'attack' ? { kind: label } : {}
    return [{ type, ...kind, folder: label, source: label, ages: [seen] }]
  })
  if (examples.length === 0)
    throw new Error(`${basename(path)} has no row. Give a table with one row for each connection.`)
  return {
    kind: 'table',
    examples,
    merged: {},
    hash: createHash('sha256').update(bytes).digest('hex'),
    left: [],
    cut: [],
  }
}

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b
