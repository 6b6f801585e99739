/**
 * Types of devices from their first minutes, on captures that were not learnt from: `--data DIR` holds `<device>/<captures>`
 * and `types.json` (IoT Sentinel, arXiv 1611.04880; the paper has about 0.815 over 27 types). Ten folds, stratified by
 * capture, with and without names; then each device of a type with two left out; then five types left out entirely, for
 * several draws. `--table DIR` (default: nsl-kdd beside it) is one labelled table, judged on kinds of attack that were left
 * out. `--folds N` makes it shorter.
 */
import { existsSync } from 'node:fs'
import { AGES_MS, readLabelled } from '../src/cli/learn-examples.ts'
import { DEFAULT_SETTINGS, foldOf } from '../src/learn/recognise/fit-recogniser.ts'
import { judgeVerdicts } from '../src/learn/recognise/judgement.ts'
import { recognise, verdictOf } from '../src/learn/recognise/recognise.ts'
import { FEATURE_SETS } from '../src/learn/recognise/vocabulary.ts'
import { DATA } from '../test/need.ts'
import { crossValidate, type Held, learn, leaveDevicesOut, openSet } from './personas/folds.ts'
import { type Aim, aim, report } from './report.ts'

const FOLDS = 10
const DRAWS = [1, 2, 3] as const
const UNKNOWN_TYPES = 5
/** Of a table: kinds of attack by turns. */
const KIND_FOLDS = 4
const WHOLE = -1

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const dir = option('--data') ?? `${DATA}/personas/iot-sentinel`
  const { examples, left } = await readLabelled(dir)
  const figures: Record<string, unknown> = {
    captures: examples.length,
    left: left.length,
    types: new Set(examples.map(({ type }) => type)).size,
  }
  const aims: Record<string, Aim> = {}
  judgeSets(examples, Number(option('--folds') ?? FOLDS), figures, aims)
  figures.left_out_device = leaveDevicesOut(examples, DEFAULT_SETTINGS)
  measure(examples, figures)
  const draws = DRAWS.map((seed) => openSet(examples, UNKNOWN_TYPES, seed, DEFAULT_SETTINGS))
  figures.auroc_unknown = Math.min(...draws)
  figures.auroc_draws = draws
  aims.auroc_unknown = aim(Math.min(...draws), '>=', 0.85)
  const tableDir = option('--table') ?? `${DATA}/flows/nsl-kdd`
  if (existsSync(tableDir) || args.includes('--table')) figures.table = await judgeTable(tableDir)
  else console.error(`no folder ${tableDir}: the table is left out`)
  for (const name of ['by_age', 'left_out_device', 'confusion', 'table']) console.error(name, figures[name])
  report(args, 'personas', figures, aims)
}

function judgeSets(
  examples: readonly Held[],
  folds: number,
  figures: Record<string, unknown>,
  aims: Record<string, Aim>,
): void {
  const ages = [...AGES_MS.keys(), WHOLE]
  const byAge: Record<string, Record<string, number>> = {}
  for (const set of FEATURE_SETS) {
    const verdicts = crossValidate(examples, folds, ages, { ...DEFAULT_SETTINGS, set })
    const whole = judgeVerdicts(verdicts.get(WHOLE)!)
    byAge[set] = Object.fromEntries(
      AGES_MS.map((ms, age) => [`${ms / 1_000}s`, judgeVerdicts(verdicts.get(age)!).accuracy]),
    )
    if (set === 'behaviour') {
      figures.accuracy_behaviour = whole.accuracy
      figures.ece_behaviour = whole.ece
      aims.accuracy_behaviour = aim(whole.accuracy, '>=', 0.85)
      aims.ece_behaviour = aim(whole.ece, '<=', 0.05)
      continue
    }
    Object.assign(figures, whole)
    aims.accuracy = aim(whole.accuracy, '>=', 0.95)
    aims.ece = aim(whole.ece, '<=', 0.05)
  }
  figures.by_age = byAge
}

/** A verdict without what it takes to read the packets. */
function measure(examples: readonly Held[], figures: Record<string, unknown>): void {
  const began = performance.now()
  const recogniser = learn(examples, DEFAULT_SETTINGS)
  figures.train_s = Math.round(performance.now() - began) / 1_000
  const seen = examples.flatMap(({ ages }) => ages)
  const since = performance.now()
  for (const one of seen) recognise(recogniser, one)
  figures.us_per_window = Math.round(((performance.now() - since) * 1_000) / seen.length)
}

/** Normal against attack, on rows whose kind of attack nobody has learnt from. */
async function judgeTable(dir: string): Promise<Record<string, unknown>> {
  const { examples } = await readLabelled(dir)
  const verdicts = Array.from({ length: KIND_FOLDS }).flatMap((_, fold) => {
    const held = foldOf(examples, KIND_FOLDS, fold)
    const recogniser = learn(
      examples.filter((one) => !held.has(one)),
      DEFAULT_SETTINGS,
    )
    process.stderr.write(`table: fold ${fold + 1} of ${KIND_FOLDS}\n`)
    return [...held].map((one) => verdictOf(recogniser, one.type, one.ages.at(WHOLE)!))
  })
  return { rows: examples.length, ...judgeVerdicts(verdicts) }
}
