/** A reflex was pre-authorised and has happened: into the ledger right after, with what it was decided from. */
import { createHash } from 'node:crypto'
import type { EventHub } from '../api/events.ts'
import type { AgentId, DecisionId, TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import type { WireReflex } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'

type ReflexDeps = { readonly tenant: TenantId; readonly store: Store; readonly events: EventHub }

export async function recordReflexes(deps: ReflexDeps, agent: AgentId, reflexes: readonly WireReflex[]): Promise<void> {
  const { tenant, store, events } = deps
  for (const reflex of reflexes) {
    const workload = workloadId(tenant, reflex.key)
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
