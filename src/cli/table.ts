/** Rows for people: lined up, without frames when nobody looks (a pipe), names made harmless. */
import Table from 'cli-table3'
import { plainText } from '../model/plain-text.ts'

export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
  cellChars = 80,
): string {
  if (rows.length === 0) return empty
  const clean = rows.map((row) => row.map((cell) => plainText(cell, cellChars)))
  if (process.stdout.isTTY !== true) {
    const widths = head.map((title, i) => Math.max(title.length, ...clean.map((row) => row[i]?.length ?? 0)))
    return [head, ...clean]
      .map((row) =>
        row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  }
  const plain = process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== ''
  const made = new Table({
    head: [...head],
    style: plain ? { head: [], border: [] } : { head: ['bold'], border: ['grey'] },
  })
  made.push(...clean)
  return made.toString()
}

/** `3 s ago`, `5 min ago`, `2 h ago`, `4 d ago`, `never` */
export function ago(at: number | null, now: number): string {
  if (at === null) return 'never'
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min ago`
  return seconds < 86_400 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} d ago`
}
