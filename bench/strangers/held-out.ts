/**
 * One attack family kept out of everything a model learns, one lab left out at a time: hosts of the lab that was left out
 * which carry the family, and nothing the model has seen does.
 */
import type { Attack } from '../../lab/attack.ts'
import type { Run } from '../../lab/dataset.ts'
import { type Carried, carriedOf } from '../../lab/families.ts'
import { initialBelief, stepObservation } from '../../src/learn/filter.ts'
import { fitModel } from '../../src/learn/fit.ts'
import { loadModel, type Model } from '../../src/learn/model.ts'

export type HeldOut = {
  readonly hosts: number
  /** Shares of those hosts, by their last belief: compromised or a scanner; nobody in particular; somebody harmless. */
  readonly recall: number
  readonly abstained: number
  readonly taken_for_harmless: number
  /** The same for hosts that carry only families the model has seen, as what to compare with; null: there is none. */
  readonly recall_of_known: number | null
}

/** Of the labs that are not left out, every third calibrates. */
const CALIBRATING_NTH = 3

export function heldOut(runs: readonly Run[], family: Attack): HeldOut {
  const carried = carriedOf(runs)
  const seeds = [...new Set(carried.map(({ seed }) => seed))].sort((a, b) => a - b)
  const told = { unseen: [] as Told[], known: [] as Told[] }
  for (const seed of seeds) {
    const rest = carried.filter((one) => one.seed !== seed && !one.families.includes(family))
    const calibratingSeeds = seeds.filter((other) => other !== seed).filter((_, i) => i % CALIBRATING_NTH === 2)
    const isCalibrating = (one: Carried) => calibratingSeeds.includes(one.seed)
    const model = loadModel(
      fitModel(
        {
          fitting: rest.filter((one) => !isCalibrating(one)),
          calibrating: rest.filter(isCalibrating).map(everySecond),
        },
        { seed: 1, id: `without-${family}-${seed}`, provenance: {} },
      ),
    )
    for (const host of carried.filter((one) => one.seed === seed && one.families.length > 0))
      told[host.families.includes(family) ? 'unseen' : 'known'].push(lastTold(model, everySecond(host)))
  }
  const share = (list: readonly Told[], what: Told) =>
    Number((list.filter((one) => one === what).length / list.length).toFixed(4))
  return {
    hosts: told.unseen.length,
    recall: share(told.unseen, 'alarming'),
    abstained: share(told.unseen, 'nobody'),
    taken_for_harmless: share(told.unseen, 'harmless'),
    recall_of_known: told.known.length === 0 ? null : share(told.known, 'alarming'),
  }
}

type Told = 'alarming' | 'nobody' | 'harmless'

function lastTold(model: Model, { windows }: Carried): Told {
  let state = initialBelief(model)
  let believed: string | null = null
  for (const { at, seen } of windows) {
    const step = stepObservation(model, state, seen, at)
    state = step.state
    believed = step.belief.believed
  }
  if (believed === null) return 'nobody'
  return believed === 'Compromised' || believed === 'Scanner' ? 'alarming' : 'harmless'
}

/** Windows that do not overlap, as the server steps them. */
const everySecond = (one: Carried): Carried => ({ ...one, windows: one.windows.filter((_, i) => i % 2 === 0) })
