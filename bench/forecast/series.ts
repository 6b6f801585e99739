/** Reads the series of a data folder: M4's `<name>-train.csv` and `<name>-test.csv` (a row per series), or one column over time. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export type Split = { readonly id: string; readonly past: Float64Array; readonly future: Float64Array }

export function readM4(folder: string): Split[] {
  const train = rowsOf(folder, /train\.csv(\.gz)?$/i)
  const test = new Map(rowsOf(folder, /test\.csv(\.gz)?$/i))
  return train.map(([id, past]) => {
    const future = test.get(id)
    if (future === undefined) throw new Error(`${folder}: series ${id} has no test row`)
    return { id, past, future }
  })
}

/** The last column of the folder's one CSV, a value per hour. */
export function readColumn(folder: string): Float64Array {
  const lines = textOf(folder, /\.csv(\.gz)?$/i)
    .trim()
    .split('\n')
    .slice(1)
  return Float64Array.from(lines, (line) => toNumber(line.split(',').at(-1)))
}

function rowsOf(folder: string, name: RegExp): [string, Float64Array][] {
  const lines = textOf(folder, name).trim().split('\n').slice(1)
  return lines.map((line) => {
    const [id = '', ...cells] = line.split(',').map((cell) => cell.trim().replaceAll('"', ''))
    // Rows are padded with empty cells to the length of the longest.
    while (cells.length > 0 && (cells.at(-1) === '' || cells.at(-1) === 'NA')) cells.pop()
    return [id, Float64Array.from(cells, toNumber)]
  })
}

function textOf(folder: string, name: RegExp): string {
  const file = readdirSync(folder).find((each) => name.test(each))
  if (file === undefined) throw new Error(`${folder} has no file like ${name.source}; give a folder laid out like M4's`)
  const bytes = readFileSync(`${folder}/${file}`)
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

function toNumber(cell: string | undefined): number {
  const text = (cell ?? '').trim().replaceAll('"', '')
  return text === '' ? Number.NaN : Number(text)
}
