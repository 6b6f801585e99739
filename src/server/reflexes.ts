/** A reflex was pre-authorised and has happened: into the ledger right after, with what it was decided from. */
import { createHash } from 'node:crypto'
import { Check } from 'typebox/value'
import type { EventHub } from '../api/events.ts'
import type { AgentId, DecisionId, TenantId, WorkloadId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import { WireReflex } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'

type ReflexDeps = {
  readonly tenant: TenantId
  readonly store: Store
  readonly events: EventHub
  /** Whose it is; null = nobody's that we know. */
  readonly agentOf: (workload: WorkloadId) => AgentId | null
}

export async function recordReflexes(deps: ReflexDeps, agent: AgentId, reflexes: readonly WireReflex[]): Promise<void> {
  const { tenant, store, events } = deps
  for (const reflex of reflexes) {
    const workload = workloadId(tenant, reflex.key)
    // An agent speaks of its own workloads only: another's word would stand in the ledger as what was done to this one.
    if (deps.agentOf(workload) !== agent) continue
    const hash = createHash('sha256').update(JSON.stringify(reflex)).digest('hex')
    // Told twice (its first report failed half-way), it is one decision.
    const id = `d_${createHash('sha256').update(`${agent} ${hash}`).digest('hex').slice(0, 32)}` as DecisionId
    if ((await store.ledger.decision(tenant, id)) !== null) continue
    const summary = `dropped ${reflex.key} to ${reflex.peer} until ${new Date(reflex.until).toISOString()}: ${reflex.why}`
    await store.ledger.decide(
      {
        id,
        tenant,
        at: reflex.at,
        kind: 'reflex',
        workload,
        inputs: { reflex: hash },
        features: null,
        versions: { model: 'none', features: 'none', rules: 'reflex-1', policies: 'none' },
        seed: 0,
        summary,
        detail: reflex,
      },
      { actor: `agent:${agent}`, action: 'reflex', object: workload, summary },
    )
    events.publish(tenant, { type: 'audit', subject: workload, data: { action: 'reflex', summary, at: reflex.at } })
  }
}

export type LiveReflex = WireReflex
/** Decisions of a workload that are looked through, newest first. */
const LOOKED_THROUGH = 200

/** The reflexes of a workload that hold now, as the ledger has them: a server that was restarted knows them, too. */
export async function liveReflexes(
  store: Store,
  tenant: TenantId,
  workload: WorkloadId,
  now: number,
): Promise<readonly LiveReflex[]> {
  const { items } = await store.ledger.decisions(tenant, { workload, limit: LOOKED_THROUGH, cursor: null })
  return items
    .filter(({ kind }) => kind === 'reflex')
    .map(({ detail }) => detail)
    .filter((detail): detail is WireReflex => Check(WireReflex, detail) && detail.until > now)
}
