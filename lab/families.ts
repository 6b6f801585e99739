/** Which attacks a workload of a training lab carries: what a model can be kept from ever having seen. */
import type { Sequence } from '../src/learn/fit.ts'
import { ATTACKS, type Attack } from './attack.ts'
import type { Run } from './dataset.ts'
import type { AttackParameters } from './programs/attack.ts'
import { sequencesOf } from './train.ts'
import { trainingLab } from './training-plan.ts'

/** Labs of earlier seeds were another mix of workloads (dataset/README.md), whose attacks nobody wrote down. */
const FIRST_SEED_OF_THIS_PLAN = 20

export type Carried = Sequence & {
  readonly seed: number
  /** Of a compromised workload; none of any other. */
  readonly families: readonly Attack[]
}

/** Every workload, whatever it is, of runs whose plan is known. */
export function carriedOf(runs: readonly Run[]): Carried[] {
  return runs
    .filter(({ seed }) => seed >= FIRST_SEED_OF_THIS_PLAN)
    .flatMap((run) =>
      [...Map.groupBy(run.rows, (row) => row.workload)].flatMap(([name, rows]) =>
        sequencesOf([{ ...run, rows }]).map((sequence) => ({
          ...sequence,
          seed: run.seed,
          families: sequence.persona === 'Compromised' ? familiesOf(run.seed, name) : [],
        })),
      ),
    )
}

function familiesOf(seed: number, workload: string): Attack[] {
  const planned = trainingLab('', seed).workloads.find(({ name }) => name === workload)
  if (planned?.persona !== 'Compromised') throw new Error(`the plan of lab ${seed} has no compromised ${workload}`)
  const kinds = planned.programs.flatMap(({ program, parameters }) =>
    program === 'attack' ? [(parameters as AttackParameters).kind] : [],
  )
  return ATTACKS.filter((attack) => kinds.includes(attack))
}
