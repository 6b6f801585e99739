/** What training reads: one row per workload and 30 s window of a lab run, kept as gzipped JSON so that no root is needed twice. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { FEATURES, FEATURES_VERSION } from '../src/learn/features.ts'
import type { Observation } from '../src/learn/filter.ts'

export const DATASET_DIR = fileURLToPath(new URL('dataset', import.meta.url))

export type DatasetRow = {
  readonly workload: string
  readonly persona: string
  /** epoch ms, end of the window */
  readonly at: number
  readonly seen: Observation
}

/** One lab run: workloads of one seed, seen through one kind of source. Training splits by run, never by row. */
export type Run = { readonly name: string; readonly seed: number; readonly rows: readonly DatasetRow[] }

type RunJson = {
  name: string
  seed: number
  features: string
  featureNames: string[]
  /** [workload, persona, at, trust (0 = quiet), …features] */
  rows: (string | number | null)[][]
}

const short = (x: number) => (Number.isNaN(x) ? null : Math.round(x * 1e3) / 1e3)

export function writeRun(run: Run, dir = DATASET_DIR): void {
  const json: RunJson = {
    name: run.name,
    seed: run.seed,
    features: FEATURES_VERSION,
    featureNames: FEATURES.map((f) => f.name),
    rows: run.rows
      .filter((row) => row.seen.kind !== 'nothing')
      .map(({ workload, persona, at, seen }) =>
        seen.kind === 'active'
          ? [workload, persona, at, short(seen.trust), ...Array.from(seen.x, short)]
          : [workload, persona, at, 0],
      ),
  }
  writeFileSync(`${dir}/${run.name}.json.gz`, gzipSync(JSON.stringify(json), { level: 9 }))
}

function readRun(bytes: Buffer): Run {
  const json = JSON.parse(gunzipSync(bytes).toString()) as RunJson
  if (json.features !== FEATURES_VERSION)
    throw new Error(
      `reading run ${json.name}: recorded as ${json.features}, not ${FEATURES_VERSION}. Record it again: node lab/train.ts --record`,
    )
  const rows = json.rows.map(
    ([workload, persona, at, trust, ...x]): DatasetRow => ({
      workload: String(workload),
      persona: String(persona),
      at: Number(at),
      seen:
        trust === 0
          ? { kind: 'quiet' }
          : {
              kind: 'active',
              trust: Number(trust),
              x: Float64Array.from(x, (v) => (v === null ? Number.NaN : Number(v))),
            },
    }),
  )
  return { name: json.name, seed: json.seed, rows }
}

/** All committed runs in the order of their names, and one hash over their bytes. */
export function readRuns(dir = DATASET_DIR): { runs: Run[]; hash: string } {
  const hash = createHash('sha256')
  const runs = readdirSync(dir)
    .filter((file) => file.endsWith('.json.gz'))
    .sort()
    .map((file) => {
      const bytes = readFileSync(`${dir}/${file}`)
      hash.update(bytes)
      return readRun(bytes)
    })
  return { runs, hash: hash.digest('hex') }
}
