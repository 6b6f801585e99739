/**
 * `guise drift watch FILE.csv`: reads a series of numbers row by row and says when it drifts, and why. Needs no server.
 * `guise drift show WORKLOAD`: how far a workload is from all it has been, as the server watches it.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { createCounter, rateOf } from '../learn/drift/counter.ts'
import { createDriftDetector, judgeRow, type Verdict } from '../learn/drift/detector.ts'
import type { Drift } from '../model/drift.ts'
import { plainText } from '../model/plain-text.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { driftText } from './drift-text.ts'
import { readTime } from './drift-time.ts'
import { findWorkload } from './find.ts'

type Options = { readonly json?: true; readonly column?: string; readonly counter?: true; readonly all?: true }
type Row = { readonly row: number; readonly at: string; readonly value: number } & Verdict

export function register(program: Command): void {
  const drift = program.command('drift').description('drift of a workload, and of any series of numbers')
  drift
    .command('watch')
    .description('judge a CSV of time and value, row by row: what was expected, and which rows are events')
    .argument('<file>', 'CSV with a line of column names, its first column the time; - for standard input')
    .option('--column <name>', 'the column of values (default: the second)')
    .option('--counter', 'values count up, and may start anew: judge their rate')
    .option('--all', 'every row, not only the alarms')
    .action(action(watch))
  drift
    .command('show')
    .description('how far a workload is from all it has been, and what shows it')
    .argument('<workload>', 'name, key or id')
    .action(action(show))
}

async function show(wanted: string, command: Command): Promise<void> {
  const client = clientOf(command)
  const { id, report } = await findWorkload(client, wanted)
  const answer = await client.get<{ drift: Drift | null }>(`/v1/workloads/${id}/drift`)
  print(command, answer, ({ drift }) => driftText(report.name, drift))
}

async function watch(file: string, command: Command): Promise<void> {
  const options = command.opts<Options>()
  const input = file === '-' ? process.stdin : createReadStream(file)
  const told: Row[] = []
  let rows = 0
  let alarms = 0
  try {
    for await (const row of judged(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), options)) {
      rows++
      if (row.alarm) alarms++
      if (row.alarm || options.all === true) told.push(row)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CliError(`${plainText(file, 200)} cannot be read (${code}). Give the path of a CSV file.`, 1)
  }
  print(command, { rows, alarms, events: told.map(eventOf) }, () =>
    [...told.map(textOf), `${rows} rows, ${alarms} ${alarms === 1 ? 'alarm' : 'alarms'}.`].join('\n'),
  )
}

async function* judged(lines: AsyncIterable<string>, options: Options): AsyncGenerator<Row> {
  const detector = createDriftDetector()
  const counter = options.counter === true ? createCounter() : null
  let column = -1
  let row = 0
  for await (const line of lines) {
    if (line.trim() === '') continue
    const fields = line.split(/[,;\t]/)
    if (column < 0) {
      column = columnOf(fields, options.column)
      continue
    }
    const at = fields[0]?.trim() ?? ''
    const second = readTime(at)
    const written = fields[column]?.trim() ?? ''
    const read = written === '' ? Number.NaN : Number(written)
    const value = counter === null ? read : rateOf(counter, second, read)
    yield { row: row++, at: plainText(at, 40), value, ...judgeRow(detector, second, value) }
  }
}

function columnOf(names: readonly string[], wanted: string | undefined): number {
  const column = wanted === undefined ? 1 : names.findIndex((name) => name.trim() === wanted)
  if (column >= 0 && column < names.length) return column
  const has = names.map((name) => plainText(name.trim(), 40)).join(', ')
  throw new CliError(
    wanted === undefined
      ? `The first line holds one column (${has}). Give a CSV of time and value, with column names.`
      : `There is no column ${plainText(wanted, 40)}; the file has ${has}.`,
    1,
  )
}

const eventOf = ({ row, at, value, score, alarm, cause, side, expected, low, high }: Row) => ({
  row,
  at,
  value: Number.isFinite(value) ? value : null,
  score,
  alarm,
  why: { cause, side, expected, low, high },
})

/** Four digits are enough to compare by eye. */
const short = (value: number): string => String(Number(value.toPrecision(4)))

function textOf({ at, value, score, cause, side, low, high }: Row): string {
  const where = side === 'within' ? 'within' : `${side}`
  return `${at}  ${score.toFixed(2)}  ${cause}: ${Number.isFinite(value) ? short(value) : 'no value'}, ${where} the expected ${short(low)} to ${short(high)}`
}
