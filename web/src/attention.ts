/** What wants a person's eye, said once for the navigation, the fleet and the pages of plans, sources and agents. */
import type { AgentRecord, PlanRecord, SourceRecord } from './nouns.ts'

/** An agent reports every five seconds; one that has said nothing for three reports and a little is out of touch. */
export const SILENT_AFTER_MS = 20_000

export function isSilent(agent: AgentRecord, now: number): boolean {
  return agent.lastReport === null || now - agent.lastReport > SILENT_AFTER_MS
}

/** It waits for an approval or for a confirm. */
export function awaitsPerson({ state, plan }: PlanRecord): boolean {
  return state === 'confirming' || ((state === 'proposed' || state === 'shadowed') && plan.approval !== 'auto')
}

/** It loses flows now, or does not run: what Guise decides rests on less than there was. */
export function isLosing(source: SourceRecord): boolean {
  return source.state === 'failed' || source.lostLately > 0
}
