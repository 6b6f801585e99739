/** One data set of `bench formats`: a folder comes in, how much of what it expects came out equal goes out. */
export type Section = {
  /** Only rows and checks that were compared. */
  readonly expected: number
  readonly passed: number
  /** Rows left out on purpose, by reason. */
  readonly excluded?: number
  readonly excludedWhy?: Readonly<Record<string, number>>
  /** What was not equal, and why; all of it, the frame cuts. */
  readonly failures: readonly string[]
  /** Further figures of this set. */
  readonly figures?: Readonly<Record<string, number>>
}

/** `folder` is the set's own; null = nothing in it to compare. */
export type RunSection = (folder: string) => Promise<Section | null>
