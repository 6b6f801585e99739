/** Examples judged by recognisers that have not seen them: by folds, by a device that is left out, by types that are. */

import { parseForest } from '../../src/learn/forest.ts'
import { seeded, shuffled } from '../../src/learn/random.ts'
import {
  type Example,
  fitRecogniser,
  foldOf,
  type Recogniser,
  type RecogniserSettings,
} from '../../src/learn/recognise/fit-recogniser.ts'
import { areaUnderCurve, type Verdict } from '../../src/learn/recognise/judgement.ts'
import { recognise, verdictOf } from '../../src/learn/recognise/recognise.ts'

export type Held = Example & { readonly folder: string }

export function learn(examples: readonly Held[], settings: RecogniserSettings): Recogniser {
  const { forest, ...fitted } = fitRecogniser(examples, settings)
  return { ...fitted, forest: parseForest(forest, fitted.types.length) }
}

/** Verdicts by age; −1 is the whole capture. Each example is in exactly one fold. */
export function crossValidate(
  examples: readonly Held[],
  folds: number,
  ages: readonly number[],
  settings: RecogniserSettings,
): Map<number, Verdict[]> {
  const verdicts = new Map<number, Verdict[]>(ages.map((age) => [age, []]))
  for (let fold = 0; fold < folds; fold++) {
    const held = foldOf(examples, folds, fold)
    const recogniser = learn(
      examples.filter((one) => !held.has(one)),
      settings,
    )
    for (const one of held)
      for (const age of ages) verdicts.get(age)!.push(verdictOf(recogniser, one.type, one.ages.at(age)!))
    process.stderr.write(`${settings.set}: fold ${fold + 1} of ${folds}\n`)
  }
  return verdicts
}

/** For each device of a type that has several: how much of it is told rightly by its siblings alone. */
export function leaveDevicesOut(examples: readonly Held[], settings: RecogniserSettings): Record<string, number> {
  const told: Record<string, number> = {}
  for (const type of new Set(examples.map((one) => one.type))) {
    const folders = new Set(examples.filter((one) => one.type === type).map(({ folder }) => folder))
    if (folders.size < 2) continue
    for (const folder of folders) {
      const recogniser = learn(
        examples.filter((one) => one.folder !== folder),
        settings,
      )
      const own = examples.filter((one) => one.folder === folder)
      const right = own.filter((one) => verdictOf(recogniser, type, one.ages.at(-1)!).told === type).length
      told[folder] = Math.round((right / own.length) * 1e4) / 1e4
    }
  }
  return told
}

/** `types` are unknown to the recogniser entirely; of the others a quarter is held back to be compared with. */
export function openSet(examples: readonly Held[], types: number, seed: number, settings: RecogniserSettings): number {
  const all = [...new Set(examples.map((one) => one.type))].sort()
  const out = new Set(shuffled(all, seeded(seed)).slice(0, types))
  const known = examples.filter((one) => !out.has(one.type))
  const held = foldOf(known, 4, seed % 4)
  const recogniser = learn(
    known.filter((one) => !held.has(one)),
    settings,
  )
  const unknownOf = ({ ages }: Example) => recognise(recogniser, ages.at(-1)!).unknown
  return areaUnderCurve(examples.filter((one) => out.has(one.type)).map(unknownOf), [...held].map(unknownOf))
}
