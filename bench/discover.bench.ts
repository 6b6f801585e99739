/**
 * Discovery on the lab runs that the shipped model was measured on: each type of program in turn is left out of the training
 * and planted; every host in turn changes into another; a tenth of the training of each persona is poisoned.
 */
import { readRuns } from '../lab/dataset.ts'
import { splitRuns, stepsOf } from '../lab/train.ts'
import { DEFAULT_MODEL } from '../src/learn/model.ts'
import { LEARNED_PERSONAS } from '../src/model/belief.ts'
import { judge, type Planted, plant } from './discover/plant.ts'
import { poisonEach } from './discover/poison.ts'
import { changeRoles } from './discover/roles.ts'
import { aim, percentile, report } from './report.ts'

/** Compromised hosts run other types' programs beside their own: leaving them out plants no one type. */
const PLANTED = LEARNED_PERSONAS.filter((persona) => persona !== 'Compromised')

export async function run(args: readonly string[]): Promise<void> {
  const { runs } = readRuns()
  const split = splitRuns(runs)
  const planted = PLANTED.map((type) => plant(split, type))
  table(planted)
  const found = planted.filter(({ minutes }) => minutes !== null)
  const sum = (of: (one: Planted) => number) => found.reduce((total, one) => total + of(one), 0)
  const nothing = judge(DEFAULT_MODEL, stepsOf(split.measuring), '')
  const changed = changeRoles(DEFAULT_MODEL, stepsOf(split.measuring))
  const windows = changed.map((one) => one.windows)
  const moved = changed.filter((one) => Number.isFinite(one.windows))
  const poisoned = poisonEach(split, PLANTED)
  for (const { persona, shift } of poisoned)
    console.error(`poisoned ${persona.padEnd(16)} ${(100 * shift).toFixed(1)} %`)
  const shifts = poisoned.map(({ shift }) => Math.abs(shift))
  const figures = {
    minutes_to_proposal: Math.max(...found.map(({ minutes }) => minutes!)),
    purity: round(sum(({ right }) => right) / sum(({ windows: all }) => all)),
    purity_worst: round(Math.min(...found.map(({ right, windows: all }) => right / all))),
    proposed_types: found.length,
    planted_types: planted.length,
    not_proposed: planted.filter(({ minutes }) => minutes === null).map(({ type }) => type),
    workloads_found: round(sum(({ found: n }) => n) / sum(({ workloads }) => workloads)),
    proposals_per_type: round(sum(({ proposals }) => proposals) / found.length),
    proposals_of_known_types: nothing.others,
    windows_to_move: percentile(windows, 95),
    windows_to_move_median: percentile(windows, 50),
    moved_within_3: round(windows.filter((n) => n <= 3).length / windows.length),
    moved_with_why: round(moved.filter(({ because }) => because.length > 0).length / moved.length),
    role_changes: changed.length,
    poison_threshold_shift: round(Math.max(...shifts)),
    poison_threshold_shift_median: round(percentile(shifts, 50)),
    poisoned: Object.fromEntries(poisoned.map(({ persona, shift }) => [persona, round(shift)])),
  }
  report(args, 'discover', figures, {
    minutes_to_proposal: aim(figures.minutes_to_proposal, '<=', 15),
    purity: aim(figures.purity, '>=', 0.95),
    windows_to_move: aim(figures.windows_to_move, '<=', 3),
    poison_threshold_shift: aim(figures.poison_threshold_shift, '<=', 0.05),
  })
}

function table(planted: readonly Planted[]): void {
  console.error('planted           minutes  purity  workloads  proposals  others')
  for (const { type, minutes, right, windows, proposals, found, workloads, others } of planted)
    console.error(
      [
        type.padEnd(16),
        String(minutes ?? '-').padStart(8),
        (windows === 0 ? '-' : (right / windows).toFixed(3)).padStart(8),
        `${found}/${workloads}`.padStart(11),
        String(proposals).padStart(11),
        String(others).padStart(8),
      ].join(''),
    )
}

const round = (value: number) => Math.round(value * 1e4) / 1e4
