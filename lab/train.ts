/**
 * Trains the shipped model: `node lab/train.ts [--seed S]` from the committed runs (no root); `--record --runs N --minutes M
 * --from-seed K` first makes N training labs one after the other and adds two runs each (root). Split by run: of four
 * labs two fit, one calibrates, one is only ever measured on. Out: `src/learn/models/default.json`, the same bytes for the same runs and seed.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FEATURES_VERSION } from '../src/learn/features.ts'
import { fitModel, type Score, type Sequence, scoreModel } from '../src/learn/fit.ts'
import { measureModel } from '../src/learn/measure.ts'
import type { ModelJson } from '../src/learn/model.ts'
import { createServiceNames } from '../src/observe/source.ts'
import { createFileSource } from '../src/observe/sources/open.ts'
import { rowsOfRun } from './collect.ts'
import { DATASET_DIR, type Run, readRuns, writeRun } from './dataset.ts'
import { labDown } from './down.ts'
import { recordFlows, writeRecording } from './record.ts'
import { trainingLab } from './training-plan.ts'
import { typicalOf } from './typical.ts'
import { labUp } from './up.ts'

const MODEL_FILE = fileURLToPath(new URL('../src/learn/models/default.json', import.meta.url))

/** Runs of one seed are the same lab seen two ways (live, and as whole flows): they stay on one side of the split. */
export function splitRuns(runs: readonly Run[]): { fitting: Run[]; calibrating: Run[]; measuring: Run[] } {
  const seeds = [...new Set(runs.map((run) => run.seed))].sort((a, b) => a - b)
  const side = (run: Run) => (['fitting', 'fitting', 'calibrating', 'measuring'] as const)[seeds.indexOf(run.seed) % 4]!
  const { fitting = [], calibrating = [], measuring = [] } = Object.groupBy(runs, side)
  return { fitting, calibrating, measuring }
}

/** Every row: what a classifier learns from. */
export function sequencesOf(runs: readonly Run[]): Sequence[] {
  return runs.flatMap((run) =>
    [...Map.groupBy(run.rows, (row) => row.workload).values()].map((rows) => ({
      run: run.name,
      persona: rows[0]!.persona,
      windows: [...rows].sort((a, b) => a.at - b.at),
    })),
  )
}

/** Every second row: windows that do not overlap, as the server steps them. */
export function stepsOf(runs: readonly Run[]): Sequence[] {
  return sequencesOf(runs).map((s) => ({ ...s, windows: s.windows.filter((_, i) => i % 2 === 0) }))
}

export type Trained = { readonly model: ModelJson; readonly measured: Score }

export function train(runs: readonly Run[], hash: string, seed: number): Trained {
  const { fitting, calibrating, measuring } = splitRuns(runs)
  const provenance = {
    dataset: hash,
    features: FEATURES_VERSION,
    seed,
    fitting: fitting.map((r) => r.name),
    calibrating: calibrating.map((r) => r.name),
    measuring: measuring.map((r) => r.name),
    typical: typicalOf(sequencesOf(fitting)),
  }
  const id = `guise-${hash.slice(0, 8)}-${seed}`
  const fitted = fitModel(
    { fitting: sequencesOf(fitting), calibrating: stepsOf(calibrating) },
    { seed, id, provenance },
  )
  const measured = scoreModel(fitted, stepsOf(measuring))
  const metrics = measureModel(fitted, stepsOf(measuring))
  return { model: { ...fitted, provenance: { ...provenance, measured, metrics } }, measured }
}

/** One lab, two runs: live conntrack (the collector sits in the router's namespace), and the same flows as a Zeek log. */
async function recordRuns(seed: number, seconds: number, prefix: string): Promise<void> {
  const dir = `/run/${prefix}`
  const lab = await labUp({ prefix, dir, seed, plan: trainingLab })
  try {
    mkdirSync(DATASET_DIR, { recursive: true })
    const collector = fileURLToPath(new URL('collect.ts', import.meta.url))
    const argv = [
      'netns',
      'exec',
      lab.router,
      process.execPath,
      collector,
      dir,
      String(seconds),
      DATASET_DIR,
      `live-${seed}`,
    ]
    const child = spawn('ip', argv, { stdio: ['ignore', 'inherit', 'inherit'] })
    const collected = new Promise<void>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`collecting run ${seed} ended with ${code}`)),
      )
    })
    const [rows] = await Promise.all([recordFlows(lab.router, seconds), collected])
    const plan = trainingLab(prefix, seed)
    const log = join(dir, 'zeek')
    writeRecording(log, plan, rows)
    const services = createServiceNames()
    const source = createFileSource({ paths: [join(log, 'conn.log.gz')], services })
    const whole = await rowsOfRun(source, services, lab.workloads, plan, AbortSignal.timeout(60_000))
    writeRun({ name: `zeek-${seed}`, seed, rows: whole })
  } finally {
    await labDown({ prefix, dir })
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      record: { type: 'boolean', default: false },
      runs: { type: 'string', default: '6' },
      minutes: { type: 'string', default: '5' },
      'from-seed': { type: 'string', default: '1' },
      prefix: { type: 'string', default: 'guisetrain' },
    },
  })
  if (values.record)
    for (let i = 0; i < Number(values.runs); i++)
      await recordRuns(Number(values['from-seed']) + i, Number(values.minutes) * 60, values.prefix)
  const { runs, hash } = readRuns()
  const { model, measured } = train(runs, hash, Number(values.seed))
  writeFileSync(MODEL_FILE, `${JSON.stringify(model)}\n`)
  console.log(JSON.stringify({ model: model.id, ...measured }))
}

if (import.meta.main) await main()
