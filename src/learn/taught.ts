/**
 * What people say goes on top of a fitted model, window by window: near a window that somebody named, that name counts, and
 * elsewhere nothing moves. So a word is learnt at once, is kept as data, and one wrong word spoils only its own surroundings.
 */
import type { Lesson } from '../model/proposal.ts'
import type { Model, Taught } from './model.ts'
import { distance } from './novelty.ts'

/** Windows of lessons compared with every window, at most; the newest lessons count. */
const MOST_WINDOWS = 400
/** One lesson's windows. */
export const LESSON_WINDOWS = 12
/** What is taught of a word weighs this much where it was said, and half of it at half the novelty threshold. */
const SURE = 0.98

/** The model with these lessons, oldest first; a later word on a workload replaces an earlier one. */
export function taughtBy(model: Model, lessons: readonly Lesson[]): Model {
  const last = [...new Map(lessons.map((lesson) => [lesson.workload, lesson])).values()]
  if (last.length === 0) return model
  const width = model.novelty.scale.length
  const personas = [...new Set([...model.personas, ...last.map(({ persona }) => persona)])]
  const taught = last
    .flatMap(({ persona, vectors }) =>
      vectors
        .filter((vector) => vector.length === width)
        .slice(-LESSON_WINDOWS)
        .map(
          (vector): Taught => ({
            persona: personas.indexOf(persona),
            x: Float64Array.from(vector, (value) => value ?? Number.NaN),
          }),
        ),
    )
    .slice(-MOST_WINDOWS)
  const { quiet } = model.filter
  const usual = quiet.reduce((sum, p) => sum + p, 0) / quiet.length
  return {
    ...model,
    id: `${model.id}+${last.length}`,
    personas,
    prior: new Float64Array(personas.length).fill(1 / personas.length),
    filter: { ...model.filter, quiet: personas.map((_, i) => quiet[i] ?? usual) },
    taught,
  }
}

/** The nearest lesson's word and how much it counts here; null where none is near. */
export function wordFor(model: Model, x: Float64Array): { readonly persona: number; readonly weight: number } | null {
  const reach = model.novelty.threshold
  let least = reach
  let persona = -1
  for (const one of model.taught ?? []) {
    const away = distance(x, model.novelty.scale, one.x, 0, least)
    if (away >= least) continue
    least = away
    persona = one.persona
  }
  if (persona < 0) return null
  return { persona, weight: SURE / (1 + ((2 * least) / reach) ** 4) }
}
