/**
 * A persona planted: a model is fitted without one type of program, and the labs it never saw are played to it, that type among
 * the others. Out: when a cluster of that type is proposed, and how much of it is that type.
 */

import type { Run } from '../../lab/dataset.ts'
import { sequencesOf, stepsOf } from '../../lab/train.ts'
import { discover, isStray, type Stray } from '../../src/learn/discover/discover.ts'
import { type Followed, isStable } from '../../src/learn/discover/follow.ts'
import { initialBelief, stepObservation } from '../../src/learn/filter.ts'
import { fitModel, type Sequence } from '../../src/learn/fit.ts'
import { loadModel, type Model } from '../../src/learn/model.ts'
import { WINDOW_MS } from '../../src/model/window.ts'

export type Planted = {
  readonly type: string
  /** null = it was not proposed before the recordings ended. */
  readonly minutes: number | null
  /** Windows of the planted type, of all in the proposals that are mostly it. */
  readonly right: number
  readonly windows: number
  readonly proposals: number
  readonly workloads: number
  readonly found: number
  /** Stable clusters that are mostly something else: known types that would be proposed again. */
  readonly others: number
}

export type Split = {
  readonly fitting: readonly Run[]
  readonly calibrating: readonly Run[]
  readonly measuring: readonly Run[]
}

export function plant(split: Split, type: string): Planted {
  const known = (sequences: readonly Sequence[]) => sequences.filter(({ persona }) => persona !== type)
  const { fitting, calibrating } = {
    fitting: known(sequencesOf(split.fitting)),
    calibrating: known(stepsOf(split.calibrating)),
  }
  const provenance = { without: type }
  const model = loadModel(fitModel({ fitting, calibrating }, { seed: 1, id: 'bench', provenance }))
  return judge(model, stepsOf(split.measuring), type)
}

/** All the labs side by side, as one fleet: the first window of each at once. */
export function judge(model: Model, sequences: readonly Sequence[], type: string): Planted {
  const fleet = sequences.map((sequence, n) => ({ sequence, name: `w${n}`, state: initialBelief(model) }))
  const truth = new Map(fleet.map(({ name, sequence }) => [name, sequence.persona]))
  const isOfType = ({ cluster }: Followed) =>
    2 * cluster.workloads.filter((name) => truth.get(name) === type).length > cluster.workloads.length
  const strays: Stray[] = []
  let followed: readonly Followed[] = []
  let minutes: number | null = null
  const steps = Math.max(...sequences.map(({ windows }) => windows.length))
  for (let n = 0; n < steps; n++) {
    const at = (n + 1) * WINDOW_MS
    for (const host of fleet) {
      const seen = host.sequence.windows[n]?.seen
      if (seen === undefined) continue
      const { state, belief } = stepObservation(model, host.state, seen, at)
      host.state = state
      if (isStray(seen, belief)) strays.push({ workload: host.name, at, x: seen.x })
    }
    followed = discover(model.novelty, followed, strays, at)
    if (minutes === null && followed.some((one) => isStable(one) && isOfType(one))) minutes = at / 60_000
  }
  const stable = followed.filter(isStable)
  const own = stable.filter(isOfType)
  const inside = new Set(own.flatMap(({ cluster }) => cluster.workloads))
  const windows = strays.filter(({ workload }) => inside.has(workload))
  return {
    type,
    minutes,
    right: windows.filter(({ workload }) => truth.get(workload) === type).length,
    windows: windows.length,
    proposals: own.length,
    workloads: fleet.filter(({ sequence }) => sequence.persona === type).length,
    found: [...inside].filter((name) => truth.get(name) === type).length,
    others: stable.length - own.length,
  }
}
