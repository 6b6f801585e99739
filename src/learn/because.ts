/** The few features that moved a belief, in words with numbers. */
import type { Classification } from './classify.ts'
import { FEATURES } from './features.ts'
import { explain } from './forest.ts'
import type { Model } from './model.ts'
import { wordFor } from './taught.ts'

const MOST = 3

/** `winner` is an index into personas; their number stands for `unknown`. */
export function because(model: Model, x: Float64Array, seen: Classification, winner: number): string[] {
  const classes = model.personas.length
  if (winner === classes) {
    const best = seen.posterior.indexOf(Math.max(...seen.posterior))
    return [
      `it is unlike anything learnt (${Math.round(seen.unknown * 100)} % novel); the nearest is ${model.personas[best]}`,
      ...strongest(model, x, best).slice(0, MOST - 1),
    ]
  }
  const word = wordFor(model, x)
  if (word !== null && word.persona === winner && word.weight >= 0.5)
    return [`it is like what a person called ${model.personas[winner]}`]
  const own = strongest(model, x, winner)
  if (own.length > 0) return own
  // It is believed for what came before: what this window alone says is the news.
  const best = seen.posterior.indexOf(Math.max(...seen.posterior))
  return seen.unknown >= 0.5
    ? [`this window alone is unlike anything learnt (${Math.round(seen.unknown * 100)} % novel)`]
    : [`this window alone looks like ${model.personas[best]}`, ...strongest(model, x, best).slice(0, MOST - 1)]
}

function strongest(model: Model, x: Float64Array, persona: number): string[] {
  // What only people know of, no tree of the forest can explain.
  if (persona >= model.forest.classes - 1) return []
  const added = explain(model.forest, x, persona)
  return FEATURES.map((feature, i) => ({ feature, value: x[i]!, moved: added[i]! }))
    .filter(({ value, moved }) => !Number.isNaN(value) && moved > 0.01)
    .sort((a, b) => b.moved - a.moved)
    .slice(0, MOST)
    .map(({ feature, value }) => feature.say(value))
}
