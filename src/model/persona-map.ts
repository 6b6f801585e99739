/** `GET /v1/persona-map`: personas, workloads and proposals as places on a plane, on which who behaves alike lies together. */
import type { WorkloadId } from './ids.ts'

/** In the model's own units, from the middle of all that it learnt. */
export type MapPlace = readonly [x: number, y: number]

export type MapAxis = {
  /** What there is more, and what there is less of, towards its right end (its upper end for the second); strongest first. */
  readonly more: readonly string[]
  readonly less: readonly string[]
  /** Of all that tells the model's prototypes apart, how much lies along it; 0–1. */
  readonly share: number
}

export type MapPersona = {
  readonly persona: string
  /** Some of what the model holds to be it, and the middle of all of that. */
  readonly points: readonly MapPlace[]
  readonly at: MapPlace
}

export type MapWorkload = {
  readonly id: WorkloadId
  readonly name: string
  /** Null: the belief abstains. */
  readonly believed: string | null
  /** The likeliest persona, and its probability; null before the first belief. */
  readonly likeliest: string | null
  readonly p: number
  /** Probability of "none of these". */
  readonly unknown: number
  readonly at: MapPlace
  /** More likely none of the personas than any. */
  readonly stray: boolean
}

export type MapProposal = {
  readonly id: string
  readonly name: string
  readonly at: MapPlace
  /** Corners, counter-clockwise; one or two where there are no more. */
  readonly hull: readonly MapPlace[]
  readonly workloads: readonly WorkloadId[]
}

export type PersonaMap = {
  /** Across, and up. */
  readonly axes: readonly [MapAxis, MapAxis]
  readonly known: readonly MapPersona[]
  /** Strays first. */
  readonly workloads: readonly MapWorkload[]
  /** Workloads that would not fit, and those whose last windows show too little to place them. */
  readonly more: number
  readonly quiet: number
  readonly proposals: readonly MapProposal[]
  /** The model that beliefs are made by. */
  readonly model: string
}
