/** Reflexes as the ledger gets them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventHub } from '../api/events.ts'
import { type AgentId, DEFAULT_TENANT } from '../model/ids.ts'
import type { DecisionRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { workloadId } from '../model/workload-id.ts'
import { recordReflexes } from './reflexes.ts'

const A = 'host-a' as AgentId
const B = 'host-b' as AgentId
const till = workloadId(DEFAULT_TENANT, 'till')
const reflex = { key: 'till', peer: '192.0.2.1', at: 1, until: 60_000, why: 'on a blocklist' }

test('an agent’s reflexes are decisions, each once; about the workload of another, or of nobody, it has no word', async () => {
  const decisions = new Map<string, Omit<DecisionRecord, 'n'>>()
  const ledger = {
    decision: async (_tenant: unknown, id: string) => decisions.get(id) ?? null,
    decide: async (decision: DecisionRecord) => void decisions.set(decision.id, decision),
  }
  const events = createEventHub({ clock: () => 5, ring: 10 })
  const deps = {
    ...{ tenant: DEFAULT_TENANT, store: { ledger } as unknown as Store, events },
    agentOf: (workload: string) => (workload === till ? A : null),
  }
  const start = events.lastId(DEFAULT_TENANT)
  await recordReflexes(deps, B, [reflex])
  await recordReflexes(deps, A, [{ ...reflex, key: 'unknown' }])
  assert.deepEqual([decisions.size, events.lastId(DEFAULT_TENANT)], [0, start])
  for (let i = 0; i < 2; i++) await recordReflexes(deps, A, [{ ...reflex, key: 'unknown' }, reflex])
  assert.deepEqual(
    [...decisions.values()].map(({ workload, kind, detail }) => [workload, kind, detail]),
    [[till, 'reflex', reflex]],
  )
  assert.equal(events.lastId(DEFAULT_TENANT), start + 1)
})
