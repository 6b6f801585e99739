/** What a host's kernel counted of one rule. */
export type RuleHit = {
  /** Its id, as in `why.rule`. */
  readonly rule: string
  /** Packets since the server began to listen. */
  readonly packets: number
  /** Over the last half minute. */
  readonly perSecond: number
  /** epoch ms of the newest report with one. */
  readonly last: number
}
/** GET /v1/workloads/{id}/rules/hits. */
export type RuleHits = {
  readonly items: readonly RuleHit[]
  /** Workloads of the same host that wear a rule beside this one share its counter: how many wear any of them. */
  readonly shared: number
  readonly next: null
}
