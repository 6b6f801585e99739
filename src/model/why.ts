/** Nothing is decided without a reason a person can read; every verdict carries this as data. */
export type Why = {
  /** Stable id of the rule, e.g. `BLOCK_OUTBOUND_LOW_REP/0`, `persona:database/allow/1`, `failsafe/dns`, `default-deny`. */
  readonly rule: string
  /** One sentence. */
  readonly text: string
  /** Where it is written, when a person wrote it. */
  readonly policy?: string
  readonly persona?: string
  /** How probable that persona was, where several were worn at once: what it was decided on, not its reading of now. */
  readonly p?: number
}

/** An expected refusal: said, never thrown. `where` is file:line or a JSON pointer, `cure` what to do. */
export type Refusal = {
  readonly ok: false
  readonly code: string
  readonly where?: string
  readonly why: string
  readonly cure: string
}
export type Outcome<T> = { readonly ok: true; readonly value: T } | Refusal
