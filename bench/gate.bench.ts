/**
 * `npm run bench -- gate [--data DIR] [--json]`: how much of the next day nobody has seen, said the evening before, against
 * what came; for every host with enough traffic, after one day and after two. Truth is the share of the next day's
 * occasions (a rule in a step of five minutes) that an allow-list learnt so far would refuse; `by_flows` weighs each by its
 * flows. Then lab traffic (bench/gate/lab), and the first three minutes of each, which must be refused. DIR holds recorded
 * flows of any kind, or is the folder of all data.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readRecording } from '../lab/recording.ts'
import { estimateUnseen } from '../src/learn/gate/unseen.ts'
import { judgeGate } from '../src/learn/gate/verdict.ts'
import type { Unseen } from '../src/model/gate.ts'
import { DATA } from '../test/need.ts'
import { readTraffic, type Traffic, type Use } from './gate/traffic.ts'
import { aim, percentile, report } from './report.ts'

const LAB_DIR = fileURLToPath(new URL('gate/lab', import.meta.url))
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** Fewer are no learning, and no truth. */
const LEARNT_LEAST = 20
const JUDGED_LEAST = 10
/** |said − came| is measured in parts of what came, but of one percent at least: below it everything is as good as nothing. */
const FLOOR = 0.01

type Row = {
  readonly host: string
  readonly days: number
  readonly said: Unseen
  readonly came: number
  readonly flows: { readonly said: Unseen; readonly came: number }
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, data: { type: 'string', default: `${DATA}/flows/rita/missing_host` } },
  })
  if (!existsSync(values.data))
    throw new Error(`there is no folder ${values.data}; give one with --data DIR, or set GUISE_DATA`)
  const inside = `${values.data}/flows/rita/missing_host`
  const recorded = await readTraffic({
    paths: [existsSync(inside) ? inside : values.data],
    hostOf: (address) => address,
    nameOf: () => null,
    pace: 1,
  })
  const lab = await readLab()
  const rows = { recorded: judge(recorded), lab: judge(lab) }
  for (const [name, list] of Object.entries(rows)) printRows(name, list)
  const short = [...threeMinutes(recorded), ...threeMinutes(lab)]
  const all = [...rows.recorded, ...rows.lab]
  const figures = summary(all)
  const refused = short.filter((verdict) => verdict === 'wait').length / short.length
  report(
    args,
    'gate',
    {
      ...figures,
      refused_3min: refused,
      tried_3min: short.length,
      recorded: summary(rows.recorded),
      lab: summary(rows.lab),
    },
    {
      median_rel_error: aim(figures.median_rel_error, '<=', 0.3),
      interval_coverage: aim(figures.interval_coverage, '>=', 0.9),
      refused_3min: aim(refused, '==', 1),
    },
  )
}

/** The lab's own flows, its minutes told as days: its programs know no night. Peers by name, as a policy of ours has them. */
async function readLab(): Promise<Traffic> {
  const { paths, inventory } = readRecording(LAB_DIR)
  const hosts = new Map(inventory.flatMap(({ name, addresses }) => addresses.map((one) => [one, name] as const)))
  const hostOf = (address: string) => hosts.get(address) ?? null
  const read = (pace: number) => readTraffic({ paths, hostOf, nameOf: (address) => hostOf(address) ?? address, pace })
  const recorded = await read(1)
  return read(Math.ceil((3 * DAY_MS) / (recorded.until - recorded.from)))
}

/** Whole days, a little less for the last; a recording of less than two is cut in three parts, each as a day. */
function judge({ hosts, from, until }: Traffic): Row[] {
  const isLong = until - from >= 1.9 * DAY_MS
  const day = isLong ? DAY_MS : (until - from + 1) / 3
  const days = Math.floor((until - from) / day + 0.1)
  const rows: Row[] = []
  for (const [host, uses] of hosts)
    for (let learnt = 1; learnt < days; learnt++) {
      const border = from + learnt * day
      const before = uses.filter(({ at }) => at < border)
      const after = uses.filter(({ at }) => at >= border && at < border + day)
      if (before.length < LEARNT_LEAST || after.length < JUDGED_LEAST) continue
      const watch = { from, until: border, horizonMs: day }
      rows.push({
        host,
        days: learnt,
        said: estimateUnseen(before, watch),
        came: cameOf(before, after),
        flows: {
          said: estimateUnseen(byFlows(before), watch),
          came: cameOf(byFlows(before), byFlows(after)),
        },
      })
    }
  return rows.sort((a, b) => b.said.traffic - a.said.traffic)
}

const byFlows = (uses: readonly Use[]) => uses.map((use) => ({ ...use, weight: use.flows }))

function cameOf(before: readonly Use[], after: readonly Use[]): number {
  const known = new Set(before.map(({ rule }) => rule))
  const sum = (uses: readonly Use[]) => uses.reduce((total, { weight }) => total + weight, 0)
  return sum(after.filter(({ rule }) => !known.has(rule))) / sum(after)
}

type Said = { readonly said: Unseen; readonly came: number }
const errorOf = ({ said, came }: Said) => Math.abs(said.share - came) / Math.max(came, FLOOR)
const isWithin = ({ said, came }: Said) => came >= said.low && came <= said.high

function summary(rows: readonly Row[]) {
  const of = (said: readonly Said[]) => ({
    median_rel_error: to4(percentile(said.map(errorOf), 50)),
    interval_coverage: to4(said.filter(isWithin).length / said.length),
    median_width: to4(
      percentile(
        said.map((one) => one.said.high - one.said.low),
        50,
      ),
    ),
  })
  const moving = rows.filter(({ came }) => came > FLOOR)
  const partly = moving.filter(({ came }) => came < 1 - FLOOR)
  return {
    rows: rows.length,
    ...of(rows),
    // Nothing new and nothing but new are easy: these are the others.
    some_new: moving.length === 0 ? null : { rows: moving.length, ...of(moving) },
    partly_new: partly.length === 0 ? null : { rows: partly.length, ...of(partly) },
    by_flows: of(rows.map(({ flows }) => flows)),
  }
}

/** From its first flow on, of each host that has enough traffic to be learnt from at all. */
function threeMinutes({ hosts }: Traffic): string[] {
  return [...hosts.values()].flatMap((uses) => {
    const first = uses[0]
    if (first === undefined || uses.length < LEARNT_LEAST) return []
    const until = first.seen + 3 * MINUTE_MS
    const early = uses.filter(({ seen }) => seen < until)
    return judgeGate(estimateUnseen(early, { from: first.at, until, horizonMs: DAY_MS })).verdict
  })
}

function printRows(name: string, rows: readonly Row[]): void {
  console.error(`\n${name}`)
  console.error(`${'workload'.padEnd(40)} days  occasions rules   once    said (95 %)            came  error  by flows`)
  const percent = (share: number) => (100 * share).toFixed(1).padStart(5)
  for (const row of rows) {
    const { said, came, flows } = row
    const range = `${percent(said.low)}–${percent(said.high)}`
    const mark = isWithin(row) ? ' ' : '!'
    console.error(
      `${row.host.padEnd(40)} ${String(row.days).padStart(4)} ${String(said.traffic).padStart(10)} ${String(said.rules).padStart(5)} ${String(said.once).padStart(6)}   ${percent(said.share)} (${range})${mark} ${percent(came)} ${errorOf(row).toFixed(2).padStart(6)}   ${percent(flows.said.share)} ${percent(flows.came)}${isWithin(flows) ? '' : '!'}`,
    )
  }
}

const to4 = (value: number) => Math.round(value * 1e4) / 1e4
