/**
 * A trained model as it is kept: what it is, where it comes from and what it was worth on runs it was not fitted on; and
 * which one was in force when. Times are epoch ms, shares are fractions.
 */
import type { WorkloadId } from './ids.ts'

/** `shipped`: came with a release. `added`: a person gave the file. */
export const MODEL_KINDS = ['shipped', 'added'] as const
export type ModelKind = (typeof MODEL_KINDS)[number]

/** Of all windows whose best guess had a p within one tenth: bin i is from i / 10 to (i + 1) / 10. */
export type ReliabilityBin = {
  readonly n: number
  /** Mean p of the best guess, and how many of them were right; 0 where n is 0. */
  readonly p: number
  readonly accuracy: number
}

/** Measured window by window on runs that were held out whole, as a server steps them. */
export type ModelMetrics = {
  readonly windows: number
  readonly hosts: number
  /** Share of windows whose best guess is right, whether or not it was sure enough to say it. */
  readonly accuracy: number
  /** Mean over personas of the harmonic mean of precision and recall. */
  readonly macroF1: number
  /** Expected calibration error of the best guess, over `bins`. */
  readonly ece: number
  /** Share of windows of which nothing was said. */
  readonly abstained: number
  /** Rows are the truth, columns the best guess, both in the order of the model's personas; counts of windows. */
  readonly confusion: readonly (readonly number[])[]
  /** Of each row, the windows of which nothing was said. */
  readonly silent: readonly number[]
  readonly bins: readonly ReliabilityBin[]
}

export type ModelProvenance = {
  /** SHA-256 of the runs it was learnt from. */
  readonly dataset: string | null
  readonly seed: number | null
  /** Names of runs: fitted on, calibrated on, only measured on. */
  readonly fitting: readonly string[]
  readonly calibrating: readonly string[]
  readonly measuring: readonly string[]
  /** Null: its maker did not measure it. */
  readonly metrics: ModelMetrics | null
}

export type ModelRecord = {
  /** Of its content: the same file has the same id everywhere. */
  readonly id: string
  /** As the file calls itself, and as beliefs name it. */
  readonly name: string
  readonly kind: ModelKind
  readonly features: string
  readonly personas: readonly string[]
  readonly provenance: ModelProvenance
  readonly addedBy: string
  readonly addedAt: number
}

/** `shipped`: a release brought it, or had to fall back on it. */
export const MODEL_ACTS = ['shipped', 'promoted', 'rolled-back'] as const
export type ModelAct = (typeof MODEL_ACTS)[number]

/** One line of the history; the model of the last one is in force. */
export type ModelPromotion = {
  readonly n: number
  readonly model: string
  readonly act: ModelAct
  readonly by: string
  readonly at: number
  readonly why: string
  /** The line that a roll-back of this one returns to; null: there is none. */
  readonly back: number | null
}

/** What the last windows of the fleet would be called by another model, both having seen these windows alone. */
export type ModelShadow = {
  /** Workloads with windows in memory, and their windows. */
  readonly workloads: number
  readonly windows: number
  readonly wouldChange: number
  /** Some of them; null = it would not say. */
  readonly changes: readonly {
    readonly workload: WorkloadId
    readonly name: string
    readonly from: string | null
    readonly to: string | null
  }[]
}

/** `GET /v1/models` */
export type ModelList = {
  /** Newest first. */
  readonly items: readonly ModelRecord[]
  readonly next: null
  /** Id of the one in force; null while the server has not begun. */
  readonly inForce: string | null
  /** The one that ships with this release, where a person's choice keeps it out of force. */
  readonly waiting: string | null
  /** Newest first. */
  readonly history: readonly ModelPromotion[]
}

/** `GET /v1/models/{id}`: beside the one in force, as promoting it would be. `shadow` is null for the one in force. */
export type ModelDetail = {
  readonly model: ModelRecord
  readonly isInForce: boolean
  readonly inForce: ModelRecord | null
  readonly shadow: ModelShadow | null
}

/** `POST /v1/models/{id}/promote`, `POST /v1/models/rollback` */
export type ModelPromoted = {
  readonly promotion: ModelPromotion
  readonly model: ModelRecord
  readonly shadow: ModelShadow
}
